"""RAM and flash in parts: by hand, and beside what X-CUBE-AI reported of the same files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from firmware_sim.memory import (
    code_bytes,
    kernel_scratch,
    memory_warnings,
    packed_weights,
    plan_memory,
    ring_buffer,
)
from firmware_sim.model import read_model

FILES = {
    "ad_autoencoder": "ad01_int8.tflite", "ic_resnet8": "pretrainedResnet_quant.tflite",
    "kws_dscnn": "kws_ref_model.tflite", "vww_mobilenet_v1_0.25_96": "vww_96_int8.tflite",
    "sww": "str_ww_ref_model.tflite",
}  # fmt: skip


@pytest.fixture
def small(sketch, tmp_path: Path):
    graph = sketch("int8")
    x = graph.tensor(1, 20, 3)
    y = graph.operator("RESHAPE", [x, graph.numbers(1, 1, 20, 3)], 1, 1, 20, 3)
    y = graph.operator("CONV_2D", [y, graph.weights(5, 1, 9, 3), -1], 1, 1, 20, 5)
    y = graph.operator("DEPTHWISE_CONV_2D", [y, graph.weights(1, 1, 9, 5), -1], 1, 1, 20, 5)
    return read_model(graph.write(tmp_path / "m.tflite", [x], [y]))


def test_the_parts_by_hand(small) -> None:
    assert kernel_scratch(small, "tflm+cmsis-nn") == 2 * 2 * 27  # two columns of 9 x 3 in 16 bits
    assert kernel_scratch(small, "microtvm native") == 0
    assert ring_buffer(small) == 20 * 6
    assert packed_weights(small) == 8 * (32 + 8) + 8 * (9 + 8) + 56  # 8 channels; 136 is no multiple of 64
    assert code_bytes(small, "x-cube-ai 9-10") == 4965 + 10_482 + 2857 + 3 * 921
    assert code_bytes(small, "hale int8") is None


@pytest.mark.parametrize(("runtime", "weights_in"), [("tflm+cmsis-nn", "flash"), ("litert-xnnpack", "ram")])
def test_ram_is_the_sum_of_its_parts(small, runtime: str, weights_in: str) -> None:
    memory = plan_memory(small, 4, runtime, weights_in)
    parts = dict(memory.parts)
    code, dead = parts.pop("code_bytes"), parts.pop("dead_weights_bytes")
    assert dead == 0
    assert memory.ram_bytes == memory.activation_bytes + sum(parts.values())
    assert memory.flash_bytes == small.file_bytes + (code or 0)
    assert (parts["packed_weights_bytes"] > 0) == (runtime == "litert-xnnpack")
    assert (parts["weights_in_ram_bytes"] > 0) == (weights_in == "ram")


def test_xnnpack_aligns_to_cache_lines(small) -> None:
    assert plan_memory(small, 8, "litert-xnnpack", None).activation_bytes % 64 == 0
    assert any("XNNPACK's packed weights" in warning for warning in memory_warnings(small, "litert-xnnpack"))


def test_beside_what_x_cube_ai_reported(data_set) -> None:
    """What it keeps and its code were fitted to such reports, its plan was not (docs/simulator.md)."""
    folder = data_set("mlperf_tiny")
    with (folder / "memory.csv").open() as file:
        rows = [
            r for r in csv.DictReader(file) if r["system"] == "NUCLEO_L4R5ZI-P" and r["kind"] == "xcubeai_ioc"
        ]
    assert {row["model"] for row in rows} == set(FILES)
    for row in rows:
        model = read_model(folder / "models" / FILES[row["model"]])
        memory = plan_memory(model, 4, "x-cube-ai 9-10", "flash")
        parts = memory.parts
        ram = memory.ram_bytes - parts["stack_bytes"] - parts["ring_buffer_bytes"]
        assert ram == pytest.approx(float(row["ram_bytes"]), rel=0.25), row["model"]
        flash = memory.weights_bytes + parts["dead_weights_bytes"] + parts["code_bytes"]
        assert flash == pytest.approx(float(row["flash_bytes"]), rel=0.1), row["model"]
