"""The estimated tail against the one that TFLite-Micro reports on this 64-bit host."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.arena import activation_bytes, plan_activations
from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.persistent import persistent_bytes

STUDENTS = (
    "acc-micro",
    "acc-watch",
    "acc-watch-l",
    pytest.param("acc-resnet18-gaf", marks=pytest.mark.slow),  # 11 M weights: half a minute to convert
)


def test_published_models_within_two_per_cent_on_a_64_bit_host(data_set) -> None:
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel (Linux only) is not installed")
    from firmware_sim.runtimes.tflm import TflmSession

    seen = 0
    for path in sorted((data_set("mlperf_tiny") / "models").glob("*.tflite")):
        try:
            reported = TflmSession(path).arena()["tail"]
        except SimError:
            continue
        assert persistent_bytes(read_model(path), pointer_bytes=8) == pytest.approx(reported, rel=0.02)
        seen += 1
    assert seen == 8


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("student", STUDENTS)
def test_our_students_within_three_per_cent_in_all(student_files, student: str, kind: str) -> None:
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel (Linux only) is not installed")
    from firmware_sim.runtimes.tflm import TflmSession

    path = student_files(student, kind)
    reported, model = TflmSession(path).arena(), read_model(path)
    planned = activation_bytes(plan_activations(model))
    assert planned == reported["head"]  # to the byte
    assert planned + persistent_bytes(model, pointer_bytes=8) == pytest.approx(reported["total"], rel=0.03)


def test_short_pointers_take_less_and_more_operators_take_more(sketch, tmp_path: Path) -> None:
    def tail(operators: int, pointer_bytes: int) -> int:
        graph = sketch()
        x = layer = graph.tensor(1, 8)
        for _ in range(operators):
            layer = graph.operator("RELU", [layer], 1, 8)
        return persistent_bytes(read_model(graph.write(tmp_path / "m.tflite", [x], [layer])), pointer_bytes)

    assert tail(3, 4) < tail(3, 8)
    assert tail(4, 4) - tail(3, 4) == 12 + 32 + 32  # a tensor, a node, what RELU keeps


def test_a_variable_is_kept(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x, state = graph.tensor(1, 100), graph.tensor(1, 100)
    y = graph.operator("ADD", [x, state], 1, 100)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    without = persistent_bytes(read_model(path))
    graph.variables.add(state)
    graph.write(path, [x], [y])
    model = read_model(path)
    assert persistent_bytes(model) - without == 400
    assert model.tensors[state].variable


def test_dense_weights_with_a_scale_a_row_keep_two_numbers_each(sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 4)
    rows = graph.weights(6, 4)
    y = graph.operator("FULLY_CONNECTED", [x, rows, -1], 1, 6)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    one = persistent_bytes(read_model(path))
    graph.row_scales[rows] = [0.05] * 6
    graph.write(path, [x], [y])
    assert persistent_bytes(read_model(path)) - one == 2 * 32  # 6 numbers of 4 bytes, aligned to 16
