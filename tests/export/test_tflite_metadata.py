"""Read back by the slots of the published metadata_schema.fbs, with flatbuffers alone."""

from dataclasses import replace

import flatbuffers
import pytest
from flatbuffers import encode, number_types, packer, table

from export.contract import InputContract, TensorContract
from export.tflite_metadata import describe_input, pack_metadata

CONTRACT = InputContract(
    input=TensorContract("acc", (1, 128, 3), "int8", 0.3, 5),
    output=TensorContract("scores", (1, 2), "int8", 1 / 256, -128),
    labels=("rest", "wave"),
    window=128,
    framing="window",
    rate_hz=50.0,
    student="acc-watch",
)


def root(content):
    return table.Table(bytearray(content), encode.Get(packer.uoffset, content, 0))


def place(found, slot):
    offset = found.Offset(4 + 2 * slot)
    assert offset, f"slot {slot} is empty"
    return offset + found.Pos


def string(found, slot):
    return found.String(place(found, slot)).decode()


def first(found, slot):
    """The first table of a vector of one."""
    offset = found.Offset(4 + 2 * slot)
    assert found.VectorLen(offset) == 1
    return table.Table(found.Bytes, found.Indirect(found.Vector(offset)))


def test_model_and_graph():
    content = pack_metadata(CONTRACT)
    assert flatbuffers.util.BufferHasIdentifier(content, 0, b"M001")
    model = root(content)
    assert string(model, 0) == "acc-watch"
    assert "2 actions" in string(model, 1)
    assert string(model, 7) == "1.0.0"
    graph = first(model, 3)
    assert string(first(graph, 2), 0) == "acc"
    assert string(first(graph, 3), 0) == "scores"


def test_the_input_is_a_feature_with_unit_axes_and_rate():
    taken = first(first(root(pack_metadata(CONTRACT)), 3), 2)
    content = table.Table(taken.Bytes, taken.Indirect(place(taken, 3)))
    assert content.Get(number_types.Uint8Flags, place(content, 0)) == 1  # FeatureProperties
    said = string(taken, 1)
    assert said == describe_input(CONTRACT)
    for word in ("m/s^2", "x, y, z", "128 samples", "50 Hz", "inside the model"):
        assert word in said
    assert taken.Offset(4 + 2 * 4) == 0  # no process units: nobody shall normalise again


def test_the_output_names_its_labels():
    given = first(first(root(pack_metadata(CONTRACT)), 3), 3)
    file = first(given, 6)
    assert string(file, 0) == "labels.txt"
    assert file.Get(number_types.Int8Flags, place(file, 2)) == 2  # TENSOR_AXIS_LABELS


@pytest.mark.parametrize(("rate_hz", "said"), [(100.0, "(100 Hz)"), (None, "clips of any length")])
def test_an_unknown_rate_is_said(rate_hz, said):
    assert said in describe_input(replace(CONTRACT, rate_hz=rate_hz))
