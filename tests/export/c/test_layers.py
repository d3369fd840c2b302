"""Each operator in C against LiteRT's reference kernels, to the bit, and the sentences of what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from export.c.graph import read_graph
from export.c.layers import INSTEAD, LAYERS, build_layers
from export.errors import ExportError


def conv(net, schema, *, kernel=(1, 5), stride=(1, 1), dilation=(1, 1), padding=0, act=1, shape=(1, 16, 3),
         channels=5, out=(1, 16), scale=0.05):  # fmt: skip
    options = schema.Conv2DOptionsT()
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    options.padding, options.fusedActivationFunction = padding, act
    x = net.tensor(1, *shape, scale=0.1, zero=7)
    w = net.weights(channels, *kernel, shape[2])
    inputs = [x, w, net.bias(channels)]
    net.operator("CONV_2D", inputs, 1, *out, channels, options=options, scale=scale, zero=-128)


def depthwise(net, schema, *, kernel=(1, 9), stride=(1, 1), dilation=(1, 1), padding=0, act=0,
              shape=(1, 16, 6), multiplier=1, out=(1, 16)):  # fmt: skip
    options = schema.DepthwiseConv2DOptionsT()
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    options.padding, options.fusedActivationFunction = padding, act
    options.depthMultiplier = multiplier
    channels = shape[2] * multiplier
    x = net.tensor(1, *shape, scale=0.1, zero=-3)
    inputs = [x, net.weights(1, *kernel, channels, axis=3), net.bias(channels)]
    net.operator("DEPTHWISE_CONV_2D", inputs, 1, *out, channels, options=options, scale=0.04, zero=5)


def linear(net, schema, *, inputs=13, outputs=7, scales=None, act=0, bias=True):
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = act
    x = net.tensor(1, inputs, scale=0.07, zero=11)
    values = net.rng.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    w = net.constant(values, scales or net.rng.uniform(0.001, 0.02, outputs))
    tensors = [x, w, *([net.bias(outputs)] if bias else [])]
    net.operator("FULLY_CONNECTED", tensors, 1, outputs, options=options, scale=0.06, zero=-20)


def two(net, schema, name, other=(1, 4, 6), act=0):
    """An operator of two operands, the second the first one's absolute neighbour: a constant."""
    options = {"ADD": schema.AddOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT}[name]()
    options.fusedActivationFunction = act
    x = net.tensor(1, 4, 6, scale=0.13, zero=-9)
    b = net.constant(net.rng.integers(-128, 128, other).astype(np.int8), [0.031], zero=17)
    net.operator(name, [x, b], 1, 4, 6, options=options, scale=0.11, zero=3)


def pool(net, schema, name, padding=1, act=0):
    options = schema.Pool2DOptionsT()
    options.filterHeight, options.filterWidth, options.strideH, options.strideW = 2, 3, 2, 2
    options.padding, options.fusedActivationFunction = padding, act
    x = net.tensor(1, 5, 7, 3, scale=0.1, zero=4)
    shape = (3, 4) if padding == 0 else (2, 3)
    net.operator(name, [x], 1, *shape, 3, options=options, scale=0.1, zero=4)


def mean(net, schema, axes=(1, 2), keep=True):
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    x = net.tensor(1, 4, 6, 5, scale=0.1, zero=-6)
    left = [1 if i in axes else size for i, size in enumerate((1, 4, 6, 5))]
    shape = left if keep else [size for i, size in enumerate(left) if i not in axes]
    net.operator("MEAN", [x, net.numbers(*axes)], *shape, options=options, scale=0.03, zero=8)


def pad(net, schema, value=None):
    x = net.tensor(1, 3, 4, 2, scale=0.1, zero=-6)
    amounts = net.constant(np.array([[0, 0], [1, 2], [0, 3], [1, 0]], np.int32))
    extra = [] if value is None else [net.constant(np.array([value], np.int8), [0.1], zero=-6)]
    options = schema.PadOptionsT() if value is None else schema.PadV2OptionsT()
    name = "PAD" if value is None else "PADV2"
    net.operator(name, [x, amounts, *extra], 1, 6, 7, 3, options=options, scale=0.1, zero=-6)


def softmax(net, schema, scale=0.2, classes=27, beta=1.0):
    options = schema.SoftmaxOptionsT()
    options.beta = beta
    x = net.tensor(1, classes, scale=scale, zero=12)
    net.operator("SOFTMAX", [x], 1, classes, options=options, scale=1 / 256, zero=-128)


def requantised(net, schema, scale):
    x = net.tensor(1, 4, 6, scale=0.1, zero=-6)
    net.operator("QUANTIZE", [x], 1, 4, 6, options=schema.QuantizeOptionsT(), scale=scale, zero=30)


CASES = {
    "conv": lambda n, s: conv(n, s),
    "conv-stem": lambda n, s: conv(n, s, kernel=(1, 9), stride=(1, 2), out=(1, 8), channels=8),
    "conv-2d": lambda n, s: conv(n, s, kernel=(3, 3), shape=(7, 6, 4), out=(7, 6), channels=6),
    "conv-2d-valid": lambda n, s: conv(n, s, kernel=(2, 3), shape=(7, 6, 5), out=(6, 4), padding=1),
    "conv-2d-stride": lambda n, s: conv(n, s, kernel=(3, 3), stride=(2, 2), shape=(8, 9, 3), out=(4, 5)),
    "conv-pointwise": lambda n, s: conv(n, s, kernel=(1, 1), shape=(1, 9, 8), out=(1, 9), channels=12),
    "conv-pointwise-stride": lambda n, s: conv(
        n, s, kernel=(1, 1), stride=(2, 2), shape=(4, 4, 16), out=(2, 2)
    ),
    "conv-dilated": lambda n, s: conv(n, s, dilation=(1, 3), act=0),
    "conv-dilated-2d": lambda n, s: conv(
        n, s, kernel=(3, 3), dilation=(2, 2), shape=(8, 8, 2), out=(8, 8), act=3
    ),
    "conv-upright": lambda n, s: conv(n, s, kernel=(5, 1), shape=(16, 1, 3), out=(16, 1)),
    "conv-one-pixel": lambda n, s: conv(n, s, kernel=(1, 1), shape=(1, 1, 20), out=(1, 1), channels=3),
    "conv-small-output-scale": lambda n, s: conv(n, s, scale=0.0002, act=0),
    "conv-relu6": lambda n, s: conv(n, s, act=3, scale=0.08),
    "conv-relu1": lambda n, s: conv(n, s, act=2),
    "depthwise": lambda n, s: depthwise(n, s),
    "depthwise-eight": lambda n, s: depthwise(n, s, shape=(1, 16, 8), stride=(1, 2), out=(1, 8)),
    "depthwise-2d": lambda n, s: depthwise(
        n, s, kernel=(3, 3), shape=(6, 5, 8), stride=(2, 2), out=(3, 3), act=1
    ),
    "depthwise-valid": lambda n, s: depthwise(n, s, kernel=(3, 2), shape=(6, 5, 4), padding=1, out=(4, 4)),
    "depthwise-dilated": lambda n, s: depthwise(n, s, kernel=(1, 3), dilation=(1, 4)),
    "depthwise-multiplied": lambda n, s: depthwise(n, s, shape=(1, 16, 3), multiplier=4),
    "depthwise-normalise": lambda n, s: depthwise(n, s, kernel=(1, 1), shape=(1, 16, 3)),
    "depthwise-upright": lambda n, s: depthwise(n, s, kernel=(5, 1), shape=(16, 1, 8), out=(16, 1)),
    "linear": lambda n, s: linear(n, s),
    "linear-one-scale": lambda n, s: linear(n, s, scales=[0.0123], outputs=6),
    "linear-relu-no-bias": lambda n, s: linear(n, s, act=1, inputs=16, bias=False),
    "add": lambda n, s: two(n, s, "ADD"),
    "add-last": lambda n, s: two(n, s, "ADD", other=(6,), act=1),
    "sub": lambda n, s: two(n, s, "SUB"),
    "sub-scalar": lambda n, s: two(n, s, "SUB", other=(1,)),
    "mul": lambda n, s: two(n, s, "MUL", other=(1, 1, 6)),
    "mul-relu6": lambda n, s: two(n, s, "MUL", act=3),
    "average-same": lambda n, s: pool(n, s, "AVERAGE_POOL_2D", padding=0),
    "average-valid": lambda n, s: pool(n, s, "AVERAGE_POOL_2D", act=1),
    "max-same": lambda n, s: pool(n, s, "MAX_POOL_2D", padding=0),
    "max-valid": lambda n, s: pool(n, s, "MAX_POOL_2D", act=1),
    "mean": lambda n, s: mean(n, s),
    "mean-time": lambda n, s: mean(n, s, axes=(2,), keep=False),
    "mean-channels": lambda n, s: mean(n, s, axes=(3,)),
    "pad": lambda n, s: pad(n, s),
    "pad-value": lambda n, s: pad(n, s, value=55),
    "softmax": lambda n, s: softmax(n, s),
    "softmax-many": lambda n, s: softmax(n, s, scale=0.04, classes=300),
    "softmax-beta": lambda n, s: softmax(n, s, beta=0.5, classes=3),
    "quantize": lambda n, s: requantised(n, s, 0.03),
    "quantize-coarser": lambda n, s: requantised(n, s, 0.4),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_litert_s_to_the_bit(name, net, tmp_path, agrees):
    from ai_edge_litert import schema_py_generated as schema

    CASES[name](net, schema)
    assert agrees(net.write(tmp_path / f"{name}.tflite"), tmp_path / "c")


def test_every_operator_has_a_case(net, tmp_path, make_net):
    from ai_edge_litert import schema_py_generated as schema

    tried = set()
    for case in CASES.values():
        network = make_net(np.random.default_rng(0))
        case(network, schema)
        tried.add(network.operators[0][0])
    renaming = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}  # nothing to compute: in the whole networks' tests
    assert tried | renaming == set(LAYERS)
    assert not set(INSTEAD) & set(LAYERS)


def _refused(net, path) -> str:
    with pytest.raises(ExportError) as caught:
        build_layers(read_graph(net.write(path)))
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(".") and "\n" not in message
    return message


def test_an_operator_without_a_kernel_is_named_with_what_to_use_instead(net, tmp_path):
    x = net.tensor(1, 4)
    net.operator("LOGISTIC", [x], 1, 4, scale=1 / 256, zero=-128)
    message = _refused(net, tmp_path / "gate.tflite")
    assert "LOGISTIC (operator 0) has no kernel in C; use ReLU" in message


def test_an_operator_that_lost_its_options_is_refused(net, tmp_path):
    x = net.tensor(1, 4)
    net.operator("SOFTMAX", [x], 1, 4, scale=1 / 256, zero=-128)
    assert "SOFTMAX (operator 0) has lost its options" in _refused(net, tmp_path / "bare.tflite")


def test_a_grouped_convolution_is_refused(net, tmp_path):
    from ai_edge_litert import schema_py_generated as schema

    conv(net, schema)
    shape, *rest = net.tensors[1]
    net.tensors[1] = ((shape[0], shape[1], shape[2] * 3, 1), *rest)
    assert "grouped" in _refused(net, tmp_path / "grouped.tflite")


def test_a_float_operator_inside_is_refused(net, tmp_path):
    x = net.tensor(1, 4)
    inner = net.operator("DEQUANTIZE", [x], 1, 4, dtype="float32", scale=0)
    net.operator("QUANTIZE", [inner], 1, 4)
    assert "DEQUANTIZE (operator 0)" in _refused(net, tmp_path / "mixed.tflite")


def test_weights_with_a_zero_point_are_refused(net, tmp_path):
    from ai_edge_litert import schema_py_generated as schema

    linear(net, schema, scales=[0.01])
    shape, dtype, raw, scales, _, axis = net.tensors[1]
    net.tensors[1] = (shape, dtype, raw, scales, 3, axis)
    assert "symmetrically" in _refused(net, tmp_path / "uneven.tflite")


def test_sums_beyond_32_bits_are_refused(net, tmp_path):
    from ai_edge_litert import schema_py_generated as schema

    linear(net, schema, inputs=200_000, outputs=2)
    assert "overflow" in _refused(net, tmp_path / "wide.tflite")


def test_a_softmax_of_another_scale_is_refused(net, tmp_path):
    from ai_edge_litert import schema_py_generated as schema

    softmax(net, schema)
    shape, dtype, raw, _, _, axis = net.tensors[-1]
    net.tensors[-1] = (shape, dtype, raw, [0.01], 0, axis)
    assert "1/256" in _refused(net, tmp_path / "scores.tflite")


def test_a_second_operand_that_is_spread_in_the_middle_is_refused(net, tmp_path):
    from ai_edge_litert import schema_py_generated as schema

    two(net, schema, "ADD", other=(4, 1))
    assert "reshape it" in _refused(net, tmp_path / "spread.tflite")
