"""The report's JSON has the keys that are promised, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.estimate import estimate
from firmware_sim.measure import measure
from firmware_sim.model import read_model
from firmware_sim.profile import profile_names, read_profile
from firmware_sim.report import Also, CostReport, Counts, Latency

KEYS = {
    "": "schema model device method latency_ms also counts memory energy_uj per_operator warnings",
    "model": "path sha256 macs operators weights_bytes",
    "device": "name core clock_mhz engine",
    "latency_ms": "value low high p95 bounds",
    "memory": "arena_bytes activation_bytes weights_bytes ram_bytes flash_bytes",
    "energy_uj": "value low high",
    "counts": "instructions l1d_misses l2_misses",
}


def _check(report: CostReport) -> None:
    plain: dict[str, Any] = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert " ".join(plain) == KEYS[""]
    for part, keys in KEYS.items():
        if part and plain[part] is not None:
            assert " ".join(plain[part]) == keys
    for operator in plain["per_operator"]:
        assert " ".join(operator) == "index name macs cycles share"
    assert plain["schema"] == 1
    assert isinstance(plain["warnings"], list)
    if plain["latency_ms"]:
        latency = plain["latency_ms"]
        assert 0 < latency["low"] <= latency["value"] <= latency["high"]


@pytest.fixture
def small(sketch, tmp_path: Path) -> Path:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
    return graph.write(tmp_path / "m.tflite", [x], [y])


@pytest.mark.parametrize("name", profile_names())
def test_estimates(small: Path, name: str) -> None:
    _check(estimate(read_model(small), read_profile(name)))


def test_measurements(small: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    _check(measure(small, repeats=5))


def test_what_emulation_will_add(small: Path) -> None:
    latency = Latency(1.0, 0.8, 1.3, None, "calibrated")
    report = estimate(read_model(small), read_profile("cpu-arm"))
    full = CostReport(**{**vars(report), "also": (Also("emulated", latency),), "counts": Counts(5, None, 0)})
    _check(full)
    assert full.to_json()["also"] == [{"method": "emulated", "latency_ms": vars(latency)}]
