"""Every operator of a file as a Layer: the table of what C can do, and the operators without weights."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from export.c.convolutions import conv_2d, depthwise_conv_2d, fully_connected
from export.c.elementwise import add, mul, quantize
from export.c.graph import Graph, describe, scale_of, zero_point_of
from export.c.layer import Layer, Unsupported, ends, layer_scale, limits, same_scale, window, zero_points
from export.c.rounding import multiplier_of
from export.errors import ExportError
from firmware_sim.model import Operator

RANK = 4  # dimensions of kernels/pad.c
Builder = Callable[[Graph, Operator, Any], Layer]


def build_layers(graph: Graph) -> list[Layer]:
    """Each operator as a Layer, in order. Raises ExportError that names what C cannot do."""
    layers = []
    for operator, options in zip(graph.model.operators, graph.options, strict=True):
        try:
            layers.append(_build(graph, operator, options))
        except Unsupported as error:
            raise ExportError(f"{graph.model.path}: {describe(operator)} {error}.") from None
    return layers


def _build(graph: Graph, operator: Operator, options: Any) -> Layer:
    if operator.name not in LAYERS:
        instead = INSTEAD.get(operator.name, "run the file by TFLite-Micro, or write the network without it")
        raise Unsupported(f"has no kernel in C; {instead}")
    for tensor in graph.model.inputs_of(operator)[:1] + graph.model.outputs_of(operator):
        if tensor.dtype != "int8" or tensor.quantisation is None:
            raise Unsupported(
                f"works on {tensor.dtype}, C only on int8; quantise the whole network (edgehar export --int8)"
            )
        if tensor.shape and tensor.shape[0] != 1:
            raise Unsupported(f"has the batch {tensor.shape[0]}; export the network with batch 1")
    if options is None and operator.name not in OPTIONLESS:
        raise Unsupported("has lost its options in this file; convert the network again")
    return LAYERS[operator.name](graph, operator, options)


def _pool_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = same_scale(graph, operator)
    function = operator.name.lower()
    filter_shape = (options.filterHeight, options.filterWidth)
    return Layer(
        operator,
        ("common", "pool_2d", function),
        "pool_2d",
        function,
        {
            **window(source, output, filter_shape, options),
            "channels": source.shape[3],
            "filter_height": filter_shape[0],
            "filter_width": filter_shape[1],
            **limits(options.fusedActivationFunction, output),
        },
        inputs=(source.index,),
    )


def _mean(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = ends(graph, operator)
    axes = sorted(int(a) % len(source.shape) for a in graph.values(graph.model.inputs_of(operator)[1]).flat)
    if not axes or axes != list(range(axes[0], axes[-1] + 1)):
        raise Unsupported(f"averages over the axes {axes}, which do not lie side by side; transpose first")
    count = prod(source.shape[axes[0] : axes[-1] + 1])
    return Layer(
        operator,
        ("common", "rescale", "mean"),
        "mean",
        "mean",
        {
            "outer": prod(source.shape[: axes[0]]),
            "count": count,
            "inner": prod(source.shape[axes[-1] + 1 :]),
            **zero_points(source, output),
            **_meanscaling(layer_scale(source, output), count),
        },
        inputs=(source.index,),
    )


def _meanscaling(factor: float, count: int) -> dict[str, object]:
    """As the reference kernel: the count is divided out of the integer multiplier."""
    multiplier, shift = multiplier_of(factor)
    spare = min(count.bit_length() - 1, 32, 31 + shift)
    return {"multiplier": (multiplier << spare) // count, "shift": shift - spare}


def _pad(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = same_scale(graph, operator)
    tensors = graph.model.inputs_of(operator)
    if len(source.shape) > RANK or not tensors[1].constant:
        raise Unsupported("pads more than four dimensions, or by what is not constant; write it otherwise")
    amounts = [(0, 0)] * (RANK - len(source.shape)) + graph.values(tensors[1]).tolist()
    value = zero_point_of(output)
    if len(tensors) > 2:
        value = int(graph.values(tensors[2]).reshape(-1)[0])
    return Layer(
        operator,
        ("pad",),
        "pad",
        "pad",
        {
            "input": [1] * (RANK - len(source.shape)) + list(source.shape),
            "before": [before for before, _ in amounts],
            "after": [after for _, after in amounts],
            "value": value,
        },
        inputs=(source.index,),
    )


def _softmax(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = ends(graph, operator)
    if abs(scale_of(output) * 256 - 1) > 1e-6 or zero_point_of(output) != -128:
        raise Unsupported("gives another scale than 1/256; quantise its output with 1/256 and -128")
    values = source.shape[-1]
    largest = (2**32 - 1) // max(257 + values // 2, values)
    steps = np.arange(256, dtype=np.float64)
    powers = np.round(largest * np.exp(-steps * scale_of(source) * options.beta)).astype(np.uint32)
    return Layer(
        operator,
        ("softmax",),
        "softmax",
        "softmax",
        {"rows": source.elements // values, "values": values},
        {"powers": powers},
        (source.index,),
    )


def _rename(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = ends(graph, operator)
    if source.quantisation != output.quantisation or source.bytes != output.bytes:
        raise Unsupported("changes more than the shape; quantise its input and output alike")
    return Layer(operator, inputs=(source.index,))


LAYERS: dict[str, Builder] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "FULLY_CONNECTED": fully_connected,
    "ADD": add,
    "SUB": add,
    "MUL": mul,
    "AVERAGE_POOL_2D": _pool_2d,
    "MAX_POOL_2D": _pool_2d,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "SOFTMAX": _softmax,
    "QUANTIZE": quantize,
    "RESHAPE": _rename,
    "SQUEEZE": _rename,
    "EXPAND_DIMS": _rename,
}
OPTIONLESS = {"MEAN", "PAD", "PADV2", "QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
INSTEAD = {
    "TRANSPOSE": "write the network with (1, K) convolutions, so that the converter needs no transposition",
    "TANH": "use ReLU",
    "LOGISTIC": "use ReLU inside the network, and a softmax at its end",
    "HARD_SWISH": "use ReLU or ReLU6",
    "LEAKY_RELU": "use ReLU",
    "PRELU": "use ReLU",
    "ELU": "use ReLU",
    "GELU": "use ReLU",
    "SUM": "use a mean",
    "STRIDED_SLICE": "let a convolution's stride drop samples",
    "CONCATENATION": "add the branches instead of joining them",
    "BATCH_MATMUL": "use a linear layer or a convolution with constant weights",
    "TRANSPOSE_CONV": "repeat samples and use a convolution",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "use convolutions over time",
}
