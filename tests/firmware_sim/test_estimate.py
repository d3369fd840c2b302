"""Estimates: worked by hand, unknown where unknown, and warnings where the device is too small."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path

import pytest

from firmware_sim.costs import default_calibration
from firmware_sim.estimate import estimate
from firmware_sim.model import Model, read_model
from firmware_sim.profile import read_profile
from firmware_sim.rows import LATENCIES, read_rows
from firmware_sim.work import KINDS


@pytest.fixture
def dense(sketch, tmp_path: Path):
    """A model of one dense layer, 1000 -> 100, in numbers of a given kind."""

    def make(dtype: str = "int8") -> Model:
        graph = sketch(dtype)
        x = graph.tensor(1, 1000)
        y = graph.operator("FULLY_CONNECTED", [x, graph.weights(100, 1000), -1], 1, 100)
        return read_model(graph.write(tmp_path / "dense.tflite", [x], [y]))

    return make


def test_a_dense_layer_by_hand(dense) -> None:
    """Its amounts times the unit costs of the pair: MACs, outputs, one call, a byte of weights each."""
    report = estimate(dense(), read_profile("nucleo-l4r5zi"))
    unit = default_calibration().costs("cortex-m4f", "x-cube-ai 9-10", "int8")
    costs = dict(zip(KINDS, unit.cycles, strict=True))
    cycles = 100_000 * (costs["dense"] + costs["weight"]) + 100 * costs["output"] + costs["operator"]
    assert report.per_operator[0].cycles == pytest.approx(cycles)
    assert report.per_operator[0].share == 1.0
    latency = report.latency_ms
    assert latency.value == pytest.approx(cycles / 120_000)
    assert latency.low / latency.value == pytest.approx(unit.interval.low)
    assert latency.high / latency.value == pytest.approx(unit.interval.high)
    assert (latency.p95, latency.bounds, report.method) == (None, "calibrated", "estimated")


def test_an_application_core_is_stated(dense) -> None:
    latency = estimate(dense(), read_profile("cpu-arm")).latency_ms
    assert latency.bounds == "stated"
    assert latency.high / latency.low > 4


def test_memory_and_energy_by_hand(dense) -> None:
    model = dense()
    report = estimate(model, read_profile("ek-ra6m4"))
    memory = report.memory
    assert memory.activation_bytes == 1008 + 112
    assert memory.weights_bytes == 100_000
    assert memory.arena_bytes == memory.activation_bytes + memory.parts["persistent_bytes"]
    assert memory.ram_bytes == memory.arena_bytes + memory.parts["stack_bytes"]  # no scratch, no sensor
    assert memory.flash_bytes == model.file_bytes + memory.parts["code_bytes"]
    assert report.energy_uj.value == pytest.approx(72.5 * report.latency_ms.value)
    assert report.energy_uj.low / report.energy_uj.value < report.latency_ms.low / report.latency_ms.value
    assert report.warnings == ()


def test_shares_sum_to_one(data_set) -> None:
    model = read_model(data_set("mlperf_tiny") / "models" / "kws_ref_model.tflite")
    report = estimate(model, read_profile("cpu-arm"))
    assert sum(operator.share for operator in report.per_operator) == pytest.approx(1.0)
    assert [operator.macs for operator in report.per_operator] == [o.macs for o in model.operators]
    total = sum(operator.cycles for operator in report.per_operator)
    assert total == pytest.approx(report.latency_ms.value * 1.7e6)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_numbers_without_a_speed_have_no_latency(dense, dtype: str) -> None:
    report = estimate(dense(dtype), read_profile("nucleo-l4r5zi"))
    assert report.latency_ms is None
    assert report.energy_uj is None
    assert [operator.cycles for operator in report.per_operator] == [None]
    expected = (
        f"No speed is known for FULLY_CONNECTED in {dtype} on cortex-m4f with x-cube-ai: latency_ms is null."
    )
    assert expected in report.warnings
    assert report.memory.activation_bytes > 0


@pytest.mark.parametrize(
    ("core", "engine", "sentence"),
    [
        ("cortex-m33", "hale int8", "This pair of core and engine was not measured"),
        ("cortex-m3", "hale int8", "No row was measured on this core"),
        ("cortex-m7", "edgehar-c", "No row was measured with this engine"),
        ("cortex-m3", "edgehar-c", "Neither core nor engine was measured"),
    ],
)
def test_what_was_not_measured_is_told_and_widens(dense, core: str, engine: str, sentence: str) -> None:
    known = estimate(dense(), read_profile("nucleo-l4r5zi")).latency_ms
    profile = dataclasses.replace(read_profile("nucleo-l4r5zi"), core=core, engine=engine)
    report = estimate(dense(), profile)
    assert any(sentence in warning for warning in report.warnings)
    width = report.latency_ms.high / report.latency_ms.low
    assert width >= known.high / known.low - 1e-9
    assert width > known.high / known.low or "pair" in sentence


@pytest.mark.parametrize("change", [{"abi": "armv7"}, {"caches": None}, {"source": "all of it is a guess"}])
def test_what_is_unknown_of_a_device_widens_the_bounds(dense, change: dict) -> None:
    sure = estimate(dense(), read_profile("cpu-arm")).latency_ms
    unsure = estimate(dense(), dataclasses.replace(read_profile("cpu-arm"), **change)).latency_ms
    assert unsure.value == sure.value
    assert unsure.low < sure.low < sure.high < unsure.high


def test_slow_flash_costs_more_and_ram_less(dense) -> None:
    board = read_profile("nucleo-l4r5zi")
    slow = dataclasses.replace(board, flash_wait_states=9)
    ram = dataclasses.replace(board, weights_in="ram")
    times = [estimate(dense(), profile).latency_ms.value for profile in (ram, board, slow)]
    assert times == sorted(times)
    assert times[2] - times[1] == pytest.approx(100_000 * 0.07 * 4 / 120_000)


def test_memory_that_delivers_slowly_is_the_bound(dense) -> None:
    crawling = dataclasses.replace(read_profile("cpu-arm"), memory_mb_s=1.0)
    assert estimate(dense(), crawling).latency_ms.value == pytest.approx(101.1)  # ms for 101,100 bytes


def test_unknown_operators_cost_by_bytes_and_widen(sketch, tmp_path: Path) -> None:
    reports = []
    for elements in (1000, 4000):
        graph = sketch("int8")
        x = graph.tensor(1, elements)
        y = graph.operator("CUSTOM:Mine", [x], 1, elements)
        model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
        reports.append(estimate(model, read_profile("nucleo-l4r5zi")))
    few, many = (report.latency_ms for report in reports)
    assert 0 < few.value < many.value
    assert many.high / many.value > 4
    assert any("CUSTOM:Mine" in warning for warning in reports[0].warnings)


def test_what_is_null_is_named(dense) -> None:
    report = estimate(dense(), read_profile("cpu-arm"))
    assert report.energy_uj is None
    assert any("energy_uj is null" in warning for warning in report.warnings)


def test_power_of_other_boards_is_told(dense) -> None:
    report = estimate(dense(), dataclasses.replace(read_profile("nucleo-h7a3zi"), active_mw=None))
    assert report.energy_uj.value > 0
    assert any("that of other boards with a cortex-m7" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("limits", "where"), [({"ram_bytes": 1000}, "RAM"), ({"flash_bytes": 100_000}, "flash")]
)
def test_too_small_a_device_is_told(dense, limits: dict[str, int], where: str) -> None:
    profile = dataclasses.replace(read_profile("ek-ra6m4"), **limits)
    warnings = estimate(dense(), profile).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("Too large for ek-ra6m4")
    assert f"of {where} " in warnings[0]


def test_weights_kept_in_ram_count_as_ram(dense) -> None:
    model = dense()
    profile = dataclasses.replace(read_profile("ek-ra6m4"), weights_in="ram")
    memory = estimate(model, profile).memory
    assert memory.ram_bytes == memory.arena_bytes + model.file_bytes + memory.parts["stack_bytes"]


def test_unknown_scratch_buffers_are_told(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("ADD_N", [x, x], 1, 8)
    model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
    warnings = estimate(model, read_profile("ek-ra6m4")).warnings
    assert any("scratch buffers of ADD_N are unknown" in warning for warning in warnings)


FILES = {
    "ad_autoencoder": "ad01_int8.tflite", "ic_resnet8": "pretrainedResnet_quant.tflite",
    "kws_dscnn": "kws_ref_model.tflite", "vww_mobilenet_v1_0.25_96": "vww_96_int8.tflite",
    "sww": "str_ww_ref_model.tflite",
}  # fmt: skip


def test_the_bounds_hold_most_measured_rows(data_set) -> None:
    """Four fifths of the microcontrollers' rows lie between low and high, and the value is near them."""
    folder = data_set("mlperf_tiny") / "models"
    models = {name: read_model(folder / file) for name, file in FILES.items()}
    board = dataclasses.replace(read_profile("nucleo-l4r5zi"), flash_wait_states=None, weights_in=None)
    held, off = [], []
    for row in read_rows(LATENCIES):
        if row.numbers != "int8" or row.core.startswith("cortex-a"):
            continue
        device = dataclasses.replace(board, core=row.core, engine=row.engine, clock_mhz=row.clock_mhz)
        latency = estimate(models[row.model], device).latency_ms
        held.append(latency.low <= row.latency_ms <= latency.high)
        off.append(abs(latency.value / row.latency_ms - 1))
    assert len(held) > 140
    assert sum(held) / len(held) > 0.8
    assert statistics.median(off) < 0.04
