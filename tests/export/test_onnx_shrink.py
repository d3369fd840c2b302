import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from export.onnx_shrink import shrink_onnx


def scores(model, windows):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": window[None]})[0] for window in windows])


@pytest.fixture
def quantised():
    """A small QDQ network as the quantiser writes it: varint biases, a zero point a channel, names."""
    rng = np.random.default_rng(0)
    nodes, constants, last = [], [], "x"

    def constant(name, kind, values):
        values = np.asarray(values)
        constants.append(helper.make_tensor(name, kind, values.shape, values.ravel().tolist()))
        return name

    for layer in range(3):

        def own(name, layer=layer):
            return f"student.block.{layer}.{name}"

        scale = constant(own("in_scale"), TensorProto.FLOAT, np.float32(0.1))
        zero = constant(own("in_zero"), TensorProto.INT8, np.int8(0))
        weight = constant(own("w"), TensorProto.INT8, rng.integers(-127, 128, (16, 16)))
        scales = constant(own("w_scale"), TensorProto.FLOAT, np.full(16, 0.01 * (layer + 1), np.float32))
        zeros = constant(own("w_zero"), TensorProto.INT8, np.zeros(16, np.int8))
        bias = constant(own("b"), TensorProto.INT32, rng.integers(-9000, 9000, 16))
        nodes += [
            helper.make_node("QuantizeLinear", [last, scale, zero], [own("q")], own("quantize")),
            helper.make_node("DequantizeLinear", [own("q"), scale, zero], [own("d")], own("dequantize")),
            helper.make_node(
                "DequantizeLinear", [weight, scales, zeros], [own("wd")], own("weights"), axis=0
            ),
            helper.make_node("DequantizeLinear", [bias, scales], [own("bd")], own("bias"), axis=0),
            helper.make_node("Gemm", [own("d"), own("wd"), own("bd")], [own("y")], own("gemm")),
        ]
        last = own("y")
    nodes[-1].output[0] = "y"
    row = [1, 16]
    inner = [helper.make_tensor_value_info(f"student.block.{i}.y", TensorProto.FLOAT, row) for i in (0, 1)]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, row)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, row)],
        constants,
        value_info=inner,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_the_numbers_are_the_same_to_the_bit_in_fewer_bytes(quantised):
    windows = np.random.default_rng(1).normal(0, 4, (20, 16)).astype(np.float32)
    before, size = scores(quantised, windows), quantised.ByteSize()
    shrink_onnx(quantised)
    assert np.array_equal(scores(quantised, windows), before)
    assert quantised.ByteSize() < 0.75 * size
    assert all(constant.HasField("raw_data") for constant in quantised.graph.initializer)


def test_equal_constants_stand_once_and_names_that_say_something_stay(quantised):
    shrink_onnx(quantised)
    names = [constant.name for constant in quantised.graph.initializer]
    assert names.count("student.block.0.w_zero") == 1 and "student.block.1.w_zero" not in names
    assert "student.block.2.w" in names and "student.block.2.w_scale" in names
    named = [node.name for node in quantised.graph.node if node.name]
    assert named == [f"student.block.{layer}.gemm" for layer in range(3)]


def test_twice_is_as_good_as_once(quantised):
    shrink_onnx(quantised)
    once = quantised.SerializeToString(deterministic=True)
    shrink_onnx(quantised)
    assert quantised.SerializeToString(deterministic=True) == once
