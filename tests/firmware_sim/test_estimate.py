"""Estimates: worked by hand, unknown where unknown, and warnings where the device is too small."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from firmware_sim.estimate import estimate
from firmware_sim.model import Model, read_model
from firmware_sim.profile import read_profile


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
    report = estimate(dense(), read_profile("cpu-arm"))
    cycles = 100_000 / 1.4 + 1000  # MACs at 1.4 a cycle, and the operator
    assert report.per_operator[0].cycles == pytest.approx(cycles)
    assert report.per_operator[0].share == 1.0
    latency = report.latency_ms
    assert latency.value == pytest.approx(cycles / 1.7e6)
    assert (latency.low, latency.high) == pytest.approx((latency.value / 2, latency.value * 2))
    assert (latency.p95, latency.bounds, report.method) == (None, "stated", "estimated")


def test_memory_and_energy_by_hand(dense) -> None:
    model = dense()
    report = estimate(model, read_profile("ek-ra6m4"))
    assert report.memory.activation_bytes == 1008 + 112
    assert report.memory.weights_bytes == 100_000
    assert report.memory.flash_bytes == model.file_bytes
    assert report.memory.ram_bytes == report.memory.arena_bytes > report.memory.activation_bytes
    assert report.energy_uj.value == pytest.approx(72.5 * report.latency_ms.value)
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


def test_a_core_without_speeds_has_no_latency(dense) -> None:
    profile = dataclasses.replace(read_profile("cpu-arm"), core="cortex-m55", engine="tflm")
    report = estimate(dense(), profile)
    assert report.latency_ms is None
    assert "No speed is known for cortex-m55 with tflm: latency_ms is null." in report.warnings


def test_what_is_null_is_named(dense) -> None:
    report = estimate(dense(), read_profile("cpu-arm"))
    assert report.energy_uj is None
    assert any("energy_uj is null" in warning for warning in report.warnings)
    assert report.memory.ram_bytes is None
    assert any("ram_bytes is null" in warning for warning in report.warnings)


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
    assert memory.ram_bytes == memory.arena_bytes + model.file_bytes


def test_unknown_scratch_buffers_are_told(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("ADD_N", [x, x], 1, 8)
    model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
    warnings = estimate(model, read_profile("ek-ra6m4")).warnings
    assert any("scratch buffers of ADD_N are unknown" in warning for warning in warnings)
