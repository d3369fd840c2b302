"""Reading `.tflite` files: published figures, graphs made here, and files that are damaged."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_sim.errors import SimError
from firmware_sim.estimate import estimate
from firmware_sim.model import Model, read_model
from firmware_sim.profile import read_profile

Sketch = Callable[..., object]


@pytest.fixture(scope="module")
def published(data_set) -> Path:
    return data_set("mlperf_tiny")


def test_macs_operators_and_size_are_the_published_ones(published: Path) -> None:
    rows = list(csv.DictReader((published / "models.csv").open()))
    seen = 0
    for row in rows:
        if not (published / "models" / row["file"]).exists():
            continue  # the table has two files more than the folder
        model = read_model(published / "models" / row["file"])
        assert model.macs == int(row["macs_total"])
        assert len(model.operators) == int(row["n_ops"])
        assert model.file_bytes == int(row["size_bytes"])
        assert model.weights_bytes <= int(row["const_bytes"])  # which counts a shared buffer at each use
        assert model.warnings == ()
        seen += 1
    assert seen == 9


def test_each_operator_is_the_published_one(published: Path) -> None:
    models = {path.name: read_model(path) for path in (published / "models").glob("*.tflite")}
    for row in csv.DictReader((published / "model_ops.csv").open()):
        if row["file"] not in models:
            continue
        model = models[row["file"]]
        operator = model.operators[int(row["op_index"])]
        assert operator.name == row["op"]
        assert operator.macs == int(row["macs"])
        outputs = model.outputs_of(operator)
        assert [list(tensor.shape) for tensor in outputs] == [json.loads(row["out_shape"])]
        assert outputs[0].dtype.upper() == row["dtype"]
        assert sum(tensor.bytes for tensor in outputs) == int(row["act_out_bytes"])
        constants = [tensor.bytes for tensor in model.inputs_of(operator) if tensor.constant]
        assert sum(constants) == int(row["const_bytes"])


def test_a_graph_made_by_hand(sketch: Sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 4, 4, 2)
    y = graph.operator("CONV_2D", [x, graph.weights(3, 2, 2, 2), -1], 1, 3, 3, 3)
    model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
    assert [operator.name for operator in model.operators] == ["CONV_2D"]
    assert model.macs == 3 * 3 * 3 * 2 * 2 * 2
    assert model.weights_bytes == 3 * 2 * 2 * 2
    assert model.bytes_moved(model.operators[0]) == 32 + 24 + 27
    assert model.tensors[x].quantisation.scales == pytest.approx([0.05])
    assert (model.inputs, model.outputs) == ((x,), (y,))
    assert [tensor.constant for tensor in model.tensors] == [False, True, False]


def test_an_open_dimension_counts_as_one(sketch: Sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(-1, 10)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(5, 10), -1], -1, 5)
    model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
    assert model.tensors[x].shape == (1, 10)
    assert model.macs == 50


def test_a_custom_operator_is_named_and_not_free(sketch: Sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 100)
    y = graph.operator("CUSTOM:Spectrum", [x], 1, 100)
    model = read_model(graph.write(tmp_path / "m.tflite", [x], [y]))
    assert model.operators[0].macs is None
    assert any("CUSTOM:Spectrum" in warning for warning in model.warnings)
    assert estimate(model, read_profile("cpu-arm")).per_operator[0].cycles >= 800  # its bytes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"not a model at all", "is not a .tflite file"),
        (b"\x1c\x00\x00\x00TFL3", "cut short or damaged"),
    ],
)
def test_what_is_no_model_is_told_in_a_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    with pytest.raises(SimError, match=reason) as caught:
        read_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="no such file"):
        read_model(tmp_path / "none.tflite")
    with pytest.raises(SimError, match="cannot be read"):
        read_model(tmp_path)


def _convolutions(sketch: Sketch, path: Path) -> bytes:
    graph = sketch("int8")
    x = layer = graph.tensor(1, 1, 32, 4)
    for _ in range(3):
        layer = graph.operator("CONV_2D", [layer, graph.weights(4, 1, 3, 4), -1], 1, 1, 32, 4)
    y = graph.operator("MEAN", [layer, graph.numbers(1, 2)], 1, 4)
    return graph.write(path, [x], [y]).read_bytes()


def _read_or_refuse(path: Path) -> Model | None:
    """A Model that can be estimated, or a SimError; anything else is a bug."""
    try:
        model = read_model(path)
        estimate(model, read_profile("cpu-arm"))
    except SimError:
        return None
    return model


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_crash(sketch: Sketch, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(_convolutions(sketch, tmp_path / "whole.tflite"))
    places = st.tuples(st.integers(8, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=12)):
        content[place] = value
    path = tmp_path / "flipped.tflite"
    path.write_bytes(content)
    _read_or_refuse(path)


def test_a_file_cut_short_never_crashes_and_is_mostly_refused(sketch: Sketch, tmp_path: Path) -> None:
    content = _convolutions(sketch, tmp_path / "whole.tflite")
    path = tmp_path / "cut.tflite"
    refused = 0
    lengths = range(0, len(content), 5)
    for length in lengths:
        path.write_bytes(content[:length])
        refused += _read_or_refuse(path) is None
    assert refused > 0.9 * len(lengths)  # what is left may be a name's last letters or padding


def test_published_files_with_flipped_bits_never_crash(published: Path, tmp_path: Path) -> None:
    content = (published / "models" / "str_ww_ref_model.tflite").read_bytes()
    rng = random.Random(0)
    path = tmp_path / "flipped.tflite"
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(rng.choice([1, 3, 20])):
            changed[-rng.randrange(1, 20_000)] ^= 1 << rng.randrange(8)  # its tables lie behind the weights
        path.write_bytes(changed)
        _read_or_refuse(path)


def test_a_vector_longer_than_the_file_is_refused_at_once(sketch: Sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 7)
    y = graph.operator("RELU", [x], 1, 7)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    content = path.read_bytes()
    length = np.uint32(2).tobytes()  # of the shape (1, 7), which stands before its numbers
    shape = length + np.array([1, 7], np.int32).tobytes()
    assert shape in content
    path.write_bytes(content.replace(shape, np.uint32(2**31 - 1).tobytes() + shape[4:]))
    with pytest.raises(SimError, match="cut short or damaged"):
        read_model(path)


def test_weights_behind_the_flatbuffer_are_found(sketch: Sketch, tmp_path: Path) -> None:
    graph = sketch()
    graph.weights_behind = True
    x = graph.tensor(1, 4)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(3, 4), -1], 1, 3)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    model = read_model(path)
    assert model.has_weights_behind
    assert (model.weights_bytes, model.tensors[1].constant) == (48, True)
    warnings = estimate(model, read_profile("ek-ra6m4")).warnings
    assert any("cannot run this file" in warning for warning in warnings)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SimError, match="cut short or damaged"):
        read_model(path)
