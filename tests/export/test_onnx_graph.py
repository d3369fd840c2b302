import numpy as np
import onnx
import pytest

from export.onnx_graph import OnnxGraph, OnnxTensors

SCALE, ZERO = np.float32(0.25), np.int8(-3)


@pytest.fixture
def model():
    """acc (1, 4, 3), rounded to steps of 0.25 about -3, then Relu, then the sum over channels."""
    helper = onnx.helper
    nodes = [
        helper.make_node("QuantizeLinear", ["acc", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Relu", ["d"], ["r"], "relu"),
        helper.make_node("ReduceSum", ["r", "axes"], ["scores"], "sum", keepdims=0),
    ]
    ends = [
        helper.make_tensor_value_info("acc", onnx.TensorProto.FLOAT, (1, 4, 3)),
        helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, (1, 4)),
    ]
    constants = {"s": SCALE, "z": ZERO, "axes": np.array([2])}
    stored = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_pairs_are_no_operators_but_say_what_is_rounded(model):
    graph = OnnxGraph(model)
    assert [node.op_type for node in graph.operators.values()] == ["Relu", "ReduceSum"]
    relu, total = graph.operators.values()
    assert graph.takes(relu) == ["acc"] and graph.takes(total) == ["r", "axes"]
    assert graph.grid("acc") == (0.25, -3) and graph.grid("r") == (None, None)
    assert not graph.is_int8(relu)  # it takes int8 and gives float
    assert (graph.dtype("r"), graph.dtype("q"), graph.dtype("axes")) == ("float32", "int8", "int64")


def test_tensors_are_read_after_rounding_channel_by_channel(model):
    window = np.random.default_rng(0).normal(0, 2, (4, 3)).astype(np.float32)
    tensors = OnnxTensors(model)
    assert set(tensors.names) == {"acc", "r", "scores"}
    tensors.run(window)
    steps = np.clip(np.round(window / SCALE) + ZERO, -128, 127)
    rounded = (steps - ZERO) * SCALE
    np.testing.assert_array_equal(tensors.values["acc"][0], rounded)
    relu = np.maximum(rounded, 0)
    np.testing.assert_array_equal(tensors.read("r"), relu.T)  # (1, 4, 3): time is second, so channels here
    np.testing.assert_allclose(tensors.read("scores"), relu.sum(1)[None], rtol=1e-6)
