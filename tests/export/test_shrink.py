"""The same network in fewer bytes: what every reader says of it stays, to the bit."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils

from export.quiet import quiet
from export.shrink import pack
from firmware_sim.model import read_model
from firmware_sim.runtimes import RUNTIMES


def plain(content):
    """The bytes as LiteRT's own tools write them."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def shrunk(content):
    return pack(flatbuffer_utils.read_model_from_bytearray(bytearray(content)))


@pytest.fixture(scope="module")
def contents(conv_export, picture_export):
    files = {
        "int8": conv_export.folder / "student.int8.tflite",
        "float": conv_export.folder / "student.tflite",
        "mixed": picture_export.folder / "student.int8.tflite",
    }
    return {name: plain(path.read_bytes()) for name, path in files.items()}


@pytest.mark.parametrize("name", ["int8", "float", "mixed"])
@pytest.mark.parametrize("runtime", ["litert", "litert-ref", "tflm"])
def test_every_runtime_says_the_same_to_the_bit(name, runtime, contents, train_windows, tmp_path):
    said = []
    for kind, content in (("plain", contents[name]), ("shrunk", shrunk(contents[name]))):
        (tmp_path / f"{kind}.tflite").write_bytes(content)
        said.append(RUNTIMES[runtime](tmp_path / f"{kind}.tflite", train_windows[:12]))
    assert np.array_equal(*said)


@pytest.mark.parametrize("name", ["int8", "float", "mixed"])
def test_it_is_smaller_and_stays_so(name, contents):
    small = shrunk(contents[name])
    assert len(small) < len(contents[name])
    assert shrunk(small) == small


def test_a_row_of_zeros_stands_once_for_each_width(contents):
    """The zero points of int8 weights and biases: as many as channels for each, one vector for all."""
    model = schema.Model.GetRootAs(shrunk(contents["int8"]), 0)
    graph = model.Subgraphs(0)
    places = {}
    for index in range(graph.TensorsLength()):
        quantisation = graph.Tensors(index).Quantization()
        if quantisation is None or quantisation.ZeroPointLength() < 2:
            continue
        assert quantisation.ZeroPointLength() == quantisation.ScaleLength()
        start = quantisation._tab.Vector(quantisation._tab.Offset(10))
        places.setdefault(quantisation.ZeroPointLength(), set()).add(start)
    assert len(places) >= 3 and all(len(starts) == 1 for starts in places.values())


def test_the_graph_reads_the_same(contents, tmp_path):
    read = []
    for kind, content in (("a", contents["int8"]), ("b", shrunk(contents["int8"]))):
        (tmp_path / f"{kind}.tflite").write_bytes(content)
        read.append(read_model(tmp_path / f"{kind}.tflite"))
    before, after = read
    assert before.operators == after.operators and before.weights_bytes >= after.weights_bytes
    for one, other in zip(before.tensors, after.tensors, strict=True):
        assert (one.shape, one.dtype, one.quantisation) == (other.shape, other.dtype, other.quantisation)
        assert one.name == other.name or (one.constant and not other.name)


def test_names_of_ends_activations_and_signatures_stay(contents):
    details = []
    for content in (contents["int8"], shrunk(contents["int8"])):
        with quiet():
            interpreter = Interpreter(model_content=content)
            interpreter.allocate_tensors()
        ends = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        details.append((*(end["name"] for end in ends), interpreter.get_signature_list()))
    assert details[0] == details[1]
    assert details[0][:2] == ("acc", "scores")


def test_what_nothing_refers_to_is_gone(contents):
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(contents["int8"]))
    held = [buffer.data for buffer in model.buffers if buffer.data is not None]
    weight = next(data for data in held if len(data) > 100)
    model.buffers.append(schema.BufferT(data=np.arange(200, dtype=np.uint8)))  # unused
    model.buffers.append(schema.BufferT(data=weight.copy()))  # the same as another, used by a note
    model.metadata.append(schema.MetadataT(name=b"a note", buffer=len(model.buffers) - 1))
    code = schema.OperatorCodeT()
    code.builtinCode = 99
    model.operatorCodes.append(code)
    found = flatbuffer_utils.read_model_from_bytearray(bytearray(pack(model)))
    data = [bytes(buffer.data) for buffer in found.buffers if buffer.data is not None]
    assert len(set(data)) == len(data) and bytes(weight) in data and bytes(range(200)) not in data
    assert 99 not in [code.builtinCode for code in found.operatorCodes]
    note = next(entry for entry in found.metadata if entry.name == b"a note")
    assert bytes(found.buffers[note.buffer].data) == bytes(weight)
    assert found.buffers[0].data is None  # by definition


def test_weights_lie_at_multiples_of_sixteen(contents):
    model = schema.Model.GetRootAs(shrunk(contents["int8"]), 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if not buffer.DataIsNone()]
    assert len(starts) > 5 and all(start % 16 == 0 for start in starts)
