"""`edgehar bench --emulate` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware_sim.emulator.places import Places


@pytest.fixture
def model(sketch, tmp_path: Path) -> Path:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
    return graph.write(tmp_path / "dense.tflite", [x], [y])


def test_counts_and_the_estimate_stand_in_one_report(
    edgehar, emulator: Places, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEHAR_CACHE", str(emulator.root.parent))
    ended = edgehar("bench", model, "--emulate", "--json")
    assert ended.exit_code == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["method"] == "emulated" and report["counts"]["instructions"] > 100
    assert [also["method"] for also in report["also"]] == ["estimated"]
    shown = edgehar("bench", model, "--emulate")
    assert "emulated" in shown.stdout and "instructions" in shown.stdout


def test_what_cannot_be_emulated_is_one_sentence(edgehar, model: Path, tmp_path: Path) -> None:
    for words, said in (
        (("--device", "host"), "--emulate needs a device with an Arm core"),
        (("--device", "cpu-arm"), "The emulator is not installed"),
        (("--device", "nucleo-h7a3zi"), "edgehar setup emulator --cortex-m"),
    ):
        ended = edgehar("bench", model, "--emulate", *words)
        assert ended.exit_code == 2 and said in ended.stderr, ended.stderr


def test_a_microcontroller_runs_the_student_s_c_code(
    edgehar, arm_gcc: Places, sketch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("export.c.package", reason="the C generator is not there")
    from ai_edge_litert.schema_py_generated import FullyConnectedOptionsT

    monkeypatch.setenv("EDGEHAR_CACHE", str(arm_gcc.root.parent))
    graph = sketch("int8")
    x = graph.tensor(1, 64)
    options = FullyConnectedOptionsT()
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(10, 64), -1], 1, 10, options=options)
    path = graph.write(tmp_path / "dense.tflite", [x], [y])
    ended = edgehar("bench", path, "--emulate", "--device", "nucleo-h7a3zi", "--json")
    assert ended.exit_code == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["golden_failed"] == 0 and report["parity"] is None
    assert report["counts"]["instructions"] > 640 and report["counts"]["l1d_misses"] is None
    assert report["per_operator"][0]["cycles"] == pytest.approx(1000 * 280 * report["latency_ms"]["value"])
