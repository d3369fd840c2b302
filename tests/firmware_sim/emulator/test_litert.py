"""The arm64 LiteRT under QEMU: the same numbers as here, and counts that repeat to the unit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from firmware_sim.emulator.litert import run_litert
from firmware_sim.emulator.places import Places
from firmware_sim.emulator.processor import Processor
from firmware_sim.errors import SimError
from firmware_sim.runtimes.litert import LiteRtSession

A53, A55 = Processor("cortex-a53", 1700), Processor("cortex-a55", 1700)


@pytest.fixture
def convolution(sketch, tmp_path: Path) -> Path:
    """An int8 model: two dense layers on (1, 64)."""
    graph = sketch("int8")
    x = graph.tensor(1, 64)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(-2, 3, shape, np.int8) for shape in ((128, 64), (10, 128)))
    y = graph.operator("FULLY_CONNECTED", [x, graph.tensor(128, 64, data=first), -1], 1, 128)
    z = graph.operator("FULLY_CONNECTED", [y, graph.tensor(10, 128, data=second), -1], 1, 10)
    return graph.write(tmp_path / "dense.tflite", [x], [z])


@pytest.fixture
def noise() -> list[np.ndarray]:
    return [np.random.default_rng(1).integers(-128, 128, (1, 64), np.int8)]


def test_the_same_kernels_give_the_same_numbers_on_arm(
    emulator: Places, convolution: Path, noise: list[np.ndarray]
) -> None:
    here = LiteRtSession(convolution).infer(noise)[0]
    there = np.frombuffer(run_litert(convolution, noise, A53, emulator).outputs, np.int8)
    assert len(set(there.tolist())) > 1
    assert np.array_equal(there, here.reshape(-1))


def test_counts_repeat_to_the_unit_whatever_the_path_and_environment(
    emulator: Places,
    convolution: Path,
    noise: list[np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = run_litert(convolution, noise, A53, emulator).counts
    longer = tmp_path / "a much longer name than before.tflite"
    longer.write_bytes(convolution.read_bytes())
    monkeypatch.setenv("EDGEHAR_TEST_OF_ENVIRONMENT", "x" * 3001)
    assert run_litert(longer, noise, A53, emulator).counts == first
    assert first.total == sum(first.by_class.values()) > 64 * 128 / 16
    assert first.by_class["vector_mac"] > 0 and first.by_class["dot_product"] == 0


def test_an_a55_uses_the_dot_product_and_needs_fewer_instructions(
    emulator: Places, convolution: Path, noise: list[np.ndarray]
) -> None:
    old, new = (run_litert(convolution, noise, processor, emulator).counts for processor in (A53, A55))
    assert new.by_class["dot_product"] >= (64 * 128 + 128 * 10) / 16
    assert new.total < old.total


def test_a_smaller_cache_misses_more(emulator: Places, convolution: Path, noise: list[np.ndarray]) -> None:
    small = Processor("cortex-a53", 1700, l1d_bytes=4096, l2_bytes=8192)
    many = run_litert(convolution, noise, small, emulator).counts
    few = run_litert(convolution, noise, A53, emulator).counts
    assert many.l1d_misses > few.l1d_misses + 100
    assert many.l2_misses > few.l2_misses + 10
    assert many.total == few.total


def test_a_damaged_file_is_one_sentence(emulator: Places, tmp_path: Path) -> None:
    path = tmp_path / "damaged.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + os.urandom(64))
    with pytest.raises(SimError, match=r"damaged\.tflite: the arm64 LiteRT refuses it"):
        run_litert(path, [np.zeros((1, 64), np.int8)], A53, emulator)
