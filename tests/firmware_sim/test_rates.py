"""Stated speeds against what was measured: every public row lies within half and double."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import pytest

from firmware_sim.estimate import estimate
from firmware_sim.model import read_model
from firmware_sim.profile import DeviceProfile
from firmware_sim.rates import RATES, number_kind

FILES = {
    "ad_autoencoder": "ad01_int8.tflite", "ic_resnet8": "pretrainedResnet_quant.tflite",
    "kws_dscnn": "kws_ref_model.tflite", "vww_mobilenet_v1_0.25_96": "vww_96_int8.tflite",
    "sww": "str_ww_ref_model.tflite",
}  # fmt: skip

# Cycles of one int8 inference on a Cortex-A53 by LiteRT 2.3's XNNPACK: instructions counted under emulation,
# plus 13 for a miss of L1 and 150 for one of L2 (str_ww's misses were not counted).
A53_CYCLES = {
    "ic_resnet8": 5_218_835, "kws_dscnn": 1_369_935, "vww_mobilenet_v1_0.25_96": 5_697_298,
    "ad_autoencoder": 204_061, "sww": 381_684,
}  # fmt: skip


def _board(core: str, runtime: str, clock_mhz: float) -> DeviceProfile:
    return DeviceProfile("board", "", "", core, clock_mhz, runtime, 10**9, 10**9)


def _rows(folder: Path) -> list[tuple[str, str, float, str, float]]:
    with (folder / "latency.csv").open() as file:
        return [
            (
                r["core"].lower(),
                r["runtime_family"].lower(),
                float(r["clock_mhz"]),
                r["model"],
                float(r["latency_ms"]),
            )
            for r in csv.DictReader(file)
            if r["dtype"] == "int8"
        ]


def test_every_measured_row_is_within_half_and_double_and_half_of_them_within_a_fifth(data_set) -> None:
    folder = data_set("mlperf_tiny")
    ratios, pairs = [], set()
    for core, runtime, clock_mhz, model, measured_ms in _rows(folder):
        if (core, runtime) not in RATES:
            continue
        report = estimate(read_model(folder / "models" / FILES[model]), _board(core, runtime, clock_mhz))
        ratios.append(report.latency_ms.value / measured_ms)
        pairs.add((core, runtime))
        assert report.latency_ms.low <= measured_ms <= report.latency_ms.high, (core, runtime, model)
    assert pairs == {pair for pair in RATES if pair[0].startswith("cortex-m")}
    assert statistics.median(abs(ratio - 1) for ratio in ratios) < 0.2


@pytest.mark.parametrize("model", FILES)
def test_the_watch_is_near_its_counted_cycles(data_set, model: str) -> None:
    path = data_set("mlperf_tiny") / "models" / FILES[model]
    report = estimate(read_model(path), _board("cortex-a53", "litert-xnnpack", 1000.0))
    cycles = 1e6 * report.latency_ms.value
    assert 0.6 < cycles / A53_CYCLES[model] < 1.1  # the low one streams weights past its L2


def test_float_is_slower_than_int8_on_the_watch() -> None:
    speeds = RATES["cortex-a53", "litert-xnnpack"].speeds
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        slow = speeds["float32"].cycles(name, 10**6, 1, 1)
        assert slow > 1.4 * speeds["int8"].cycles(name, 10**6, 1, 1)


@pytest.mark.parametrize("pair", RATES)
def test_every_speed_has_a_source_and_no_operator_is_free(pair: tuple[str, str]) -> None:
    rates = RATES[pair]
    assert len(rates.source) > 40
    for speed in rates.speeds.values():
        assert speed.cycles("CUSTOM:Mine", None, 0, 1000) > speed.cycles("CUSTOM:Mine", None, 0, 10) > 0
        assert speed.cycles("ADD", 0, 1000, 3000) > speed.cycles("ADD", 0, 10, 30) > 0


@pytest.mark.parametrize(
    ("activation", "weights", "kind"),
    [
        ("int8", "int8", "int8"),
        ("float32", "float32", "float32"),
        ("float32", "int8", "int8"),  # dynamic range: integer MACs
        ("int16", "int8", None),
        ("float16", "float16", None),
    ],
)
def test_number_kinds(activation: str, weights: str, kind: str | None) -> None:
    assert number_kind(activation, weights) == kind
