"""One operator of the file as C: which kernels it needs, its constants, its call, its scratch memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from export.c.graph import Graph, describe, scale_of, zero_point_of
from export.c.rounding import limits_of, multiplier_of, multipliers_of
from export.errors import ExportError
from firmware_sim.model import Operator, Tensor

SAME = 0  # the schema's Padding
FOUR = 4
FAST_SUM, LARGEST_SUM = 2**30, 2**31  # what kernels/rescale.c and kernels/rescale_wide.c can take


@dataclass(frozen=True)
class Layer:
    """What stands in student.c for one operator.

    struct: the kernel's type without `_t`, which also names the function to call. fields: of the
    struct, in C. arrays: name of a constant -> its numbers. inputs: tensors that are handed over.
    scratch_bytes: for the kernel while it runs. largest_sum: no number that it rescales is larger. None
    of it for an operator that only renames its input.
    """

    operator: Operator
    kernels: tuple[str, ...] = ()
    struct: str = ""
    function: str = ""
    fields: dict[str, object] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    scratch_bytes: int = 0
    largest_sum: int = 0

    @property
    def moves_nothing(self) -> bool:
        """Whether the output is the input under another shape."""
        return not self.struct


class Unsupported(Exception):
    """What C cannot do about one operator; `build_layers` adds which file and operator."""


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
                f"works on {tensor.dtype}, C only on int8; quantise the whole network "
                "(edgehar export --int8)"
            )
        if tensor.shape and tensor.shape[0] != 1:
            raise Unsupported(f"has the batch {tensor.shape[0]}; export the network with batch 1")
    return LAYERS[operator.name](graph, operator, options)


def _ends(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    return graph.model.inputs_of(operator)[0], graph.model.outputs_of(operator)[0]


def _limits(activation: int, output: Tensor) -> dict[str, object]:
    limits = limits_of(activation, output)
    if limits is None:
        raise Unsupported("ends in an activation that C does not know; use ReLU or ReLU6")
    return {"low": limits[0], "high": limits[1]}


def _scaling(factor: float) -> dict[str, object]:
    multiplier, shift = multiplier_of(factor)
    return {"multiplier": multiplier, "shift": shift}


def _weights(graph: Graph, operator: Operator) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """The weights' tensor, their values, and the bias (0 where there is none)."""
    tensors = graph.model.inputs_of(operator)
    weights = tensors[1]
    if not weights.constant or weights.dtype != "int8" or weights.quantisation is None:
        raise Unsupported(f"has {weights.dtype} weights that C cannot use; quantise them to constant int8")
    if any(weights.quantisation.zero_points):
        raise Unsupported("has weights with a zero point; quantise them symmetrically")
    output = graph.model.outputs_of(operator)[0]
    if len(tensors) < 3:
        return weights, graph.values(weights), np.zeros(output.shape[-1], np.int32)
    if tensors[2].dtype != "int32" or not tensors[2].constant:
        raise Unsupported(f"has a bias of {tensors[2].dtype}; quantise it to constant int32")
    return weights, graph.values(weights), graph.values(tensors[2]).reshape(-1)


def _scales(weights: Tensor, channels: int) -> list[float]:
    assert weights.quantisation is not None
    scales = list(weights.quantisation.scales)
    return scales * channels if len(scales) == 1 else scales


def _largest_sum(weights: np.ndarray, bias: np.ndarray, shifts: np.ndarray) -> int:
    """A bound for the sums of products, weights (channels, depth), once they are shifted to the left."""
    sums = np.abs(weights.astype(np.int64)).sum(axis=1) * 255 + np.abs(bias.astype(np.int64))
    largest = int((sums << np.maximum(shifts, 0).astype(np.int64)).max(initial=0))
    if largest >= LARGEST_SUM:
        raise Unsupported("can overflow 32 bits; quantise it with a larger output scale")
    return largest


def pack_pairs(weights: np.ndarray) -> np.ndarray:
    """Weights (channels, depth) as kernels/column.c reads them, padded with zeros.

    Channels two by two take turns of four bytes; each four lie in the order 0 2 1 3.
    """
    channels, depth = weights.shape
    padded = np.zeros((channels + channels % 2, _padded(depth)), np.int8)
    padded[:channels, :depth] = weights
    fours = padded.reshape(-1, 2, padded.shape[1] // FOUR, FOUR)[..., [0, 2, 1, 3]]
    return fours.transpose(0, 2, 1, 3).reshape(-1)


def _padded(depth: int) -> int:
    return -(-depth // FOUR) * FOUR


def _window(shape_in: tuple[int, ...], shape_out: tuple[int, ...], kernel: tuple[int, int], options: Any,
            dilation: tuple[int, int] = (1, 1)) -> dict[str, object]:  # fmt: skip
    """Sizes, strides and the padding before the first row and column."""
    strides = (options.strideH, options.strideW)
    pads = [0, 0]
    if options.padding == SAME:
        for i in (0, 1):
            reach = (kernel[i] - 1) * dilation[i] + 1
            pads[i] = max((shape_out[1 + i] - 1) * strides[i] + reach - shape_in[1 + i], 0) // 2
    return {
        "input_height": shape_in[1], "input_width": shape_in[2],
        "output_height": shape_out[1], "output_width": shape_out[2],
        "stride_height": strides[0], "stride_width": strides[1],
        "pad_top": pads[0], "pad_left": pads[1],
    }  # fmt: skip


def _kernel(kernel: tuple[int, int], dilation: tuple[int, int]) -> dict[str, object]:
    return {
        "kernel_height": kernel[0], "kernel_width": kernel[1],
        "dilation_height": dilation[0], "dilation_width": dilation[1],
    }  # fmt: skip


def _channels(source: Tensor, output: Tensor) -> dict[str, object]:
    return {"input_channels": source.shape[-1], "output_channels": output.shape[-1]}


def _zero_points(source: Tensor, output: Tensor) -> dict[str, object]:
    return {"input_zero_point": zero_point_of(source), "output_zero_point": zero_point_of(output)}


def _conv_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    weights, values, bias = _weights(graph, operator)
    kernel, dilation = values.shape[1:3], (options.dilationHFactor, options.dilationWFactor)
    if values.shape[3] != source.shape[3]:
        raise Unsupported("is grouped; use a depthwise convolution and a pointwise one")
    rows = values.reshape(len(values), -1)
    factors = [scale_of(source) * s / scale_of(output) for s in _scales(weights, len(values))]
    multipliers, shifts = multipliers_of(factors)
    depth = _padded(rows.shape[1])
    return Layer(
        operator,
        ("common", "requantise", "words", "column", "conv_2d"),
        "conv_2d",
        "conv_2d",
        {
            **_window(source.shape, output.shape, kernel, options, dilation),
            **_kernel(kernel, dilation),
            **_channels(source, output),
            **_zero_points(source, output),
            **_limits(options.fusedActivationFunction, output),
            "depth": depth,
        },
        {"weights": pack_pairs(rows), "bias": bias, "multipliers": multipliers, "shifts": shifts},
        (source.index,),
        scratch_bytes=2 * 2 * depth,
        largest_sum=_largest_sum(rows, bias, shifts),
    )


def _depthwise_conv_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    weights, values, bias = _weights(graph, operator)
    kernel, dilation = values.shape[1:3], (options.dilationHFactor, options.dilationWFactor)
    channels = values.shape[3]
    factors = [scale_of(source) * s / scale_of(output) for s in _scales(weights, channels)]
    multipliers, shifts = multipliers_of(factors)
    return Layer(
        operator,
        ("common", "requantise", "words", "depthwise_conv_2d"),
        "depthwise_conv_2d",
        "depthwise_conv_2d",
        {
            **_window(source.shape, output.shape, kernel, options, dilation),
            **_kernel(kernel, dilation),
            **_channels(source, output),
            **_zero_points(source, output),
            **_limits(options.fusedActivationFunction, output),
            "multiplier": channels // source.shape[3],
        },
        {"weights": values.reshape(-1), "bias": bias, "multipliers": multipliers, "shifts": shifts},
        (source.index,),
        largest_sum=_largest_sum(values.reshape(-1, channels).T, bias, shifts),
    )


def _fully_connected(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    weights, values, bias = _weights(graph, operator)
    if options.weightsFormat != 0:
        raise Unsupported("has shuffled weights; convert it again with the default format")
    outputs, inputs = values.shape
    # As TFLite: with one scale, the product of the scales is rounded to float32 first.
    products = [_product(scale_of(source), weights, s) for s in _scales(weights, outputs)]
    multipliers, shifts = multipliers_of([product / scale_of(output) for product in products])
    _largest_sum(values, bias, np.zeros(1, np.int8))  # its own rounding takes all 32 bits
    depth = _padded(inputs)
    return Layer(
        operator,
        ("common", "words", "column", "fully_connected"),
        "fully_connected",
        "fully_connected",
        {
            "rows": source.elements // inputs,
            "inputs": inputs,
            "outputs": outputs,
            **_zero_points(source, output),
            **_limits(options.fusedActivationFunction, output),
            "depth": depth,
        },
        {"weights": pack_pairs(values), "bias": bias, "multipliers": multipliers, "shifts": shifts},
        (source.index,),
        scratch_bytes=2 * depth,
    )


def _product(source: float, weights: Tensor, scale: float) -> float:
    assert weights.quantisation is not None
    if len(weights.quantisation.scales) > 1:
        return source * scale
    return float(np.float32(source) * np.float32(scale))


def _operands(graph: Graph, operator: Operator) -> Iterator[tuple[Tensor, int]]:
    """Both inputs of an element-wise operator, and after how many values each is repeated."""
    output = graph.model.outputs_of(operator)[0]
    for tensor in graph.model.inputs_of(operator)[:2]:
        if tensor.dtype != "int8" or tensor.quantisation is None:
            raise Unsupported(f"has an operand of {tensor.dtype}; quantise it to int8")
        shape = tensor.shape
        while shape and shape[0] == 1:
            shape = shape[1:]
        if shape != output.shape[len(output.shape) - len(shape) :]:
            raise Unsupported(
                f"spreads {tensor.shape} over {output.shape}, C only repeats last dimensions; reshape it so"
            )
        yield tensor, prod(shape)


def _add(graph: Graph, operator: Operator, options: Any) -> Layer:
    output = graph.model.outputs_of(operator)[0]
    (first, first_values), (second, second_values) = _operands(graph, operator)
    common = 2 * max(scale_of(first), scale_of(second))

    def term(tensor: Tensor, values: int) -> dict[str, object]:
        factor = scale_of(tensor) / common
        return {"values": values, "zero_point": zero_point_of(tensor), **_scaling(factor)}

    scaling = _scaling(common / ((1 << 20) * scale_of(output)))
    return Layer(
        operator,
        ("common", "requantise", "add"),
        "add",
        "add",
        {
            "first": term(first, first_values),
            "second": term(second, second_values),
            "values": output.elements,
            "zero_point": zero_point_of(output),
            **scaling,
            **_limits(options.fusedActivationFunction, output),
            "sign": -1 if operator.name == "SUB" else 1,
        },
        inputs=(first.index, second.index),
    )


def _mul(graph: Graph, operator: Operator, options: Any) -> Layer:
    output = graph.model.outputs_of(operator)[0]
    (first, first_values), (second, second_values) = _operands(graph, operator)
    factor = scale_of(first) * scale_of(second) / scale_of(output)
    if multiplier_of(factor)[1] > 13:
        raise Unsupported("can overflow 32 bits; quantise it with a larger output scale")
    return Layer(
        operator,
        ("common", "requantise", "mul"),
        "mul",
        "mul",
        {
            "first_values": first_values,
            "second_values": second_values,
            "first_zero_point": zero_point_of(first),
            "second_zero_point": zero_point_of(second),
            "values": output.elements,
            "zero_point": zero_point_of(output),
            **_scaling(factor),
            **_limits(options.fusedActivationFunction, output),
        },
        inputs=(first.index, second.index),
    )


def _pool_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    if source.quantisation != output.quantisation:
        raise Unsupported("changes its scale; quantise its input and output alike")
    function = operator.name.lower()
    filter_shape = (options.filterHeight, options.filterWidth)
    return Layer(
        operator,
        ("common", "pool_2d", function),
        "pool_2d",
        function,
        {
            **_window(source.shape, output.shape, filter_shape, options),
            "channels": source.shape[3],
            "filter_height": filter_shape[0],
            "filter_width": filter_shape[1],
            **_limits(options.fusedActivationFunction, output),
        },
        inputs=(source.index,),
    )


def _mean(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    axes = sorted(int(a) % len(source.shape) for a in graph.values(graph.model.inputs_of(operator)[1]).flat)
    if not axes or axes != list(range(axes[0], axes[-1] + 1)):
        raise Unsupported(f"averages over the axes {axes}, which do not lie side by side; transpose first")
    count = prod(source.shape[axes[0] : axes[-1] + 1])
    return Layer(
        operator,
        ("common", "requantise", "mean"),
        "mean",
        "mean",
        {
            "outer": prod(source.shape[: axes[0]]),
            "count": count,
            "inner": prod(source.shape[axes[-1] + 1 :]),
            **_zero_points(source, output),
            **_mean_scaling(scale_of(source) / scale_of(output), count),
        },
        inputs=(source.index,),
    )


def _mean_scaling(factor: float, count: int) -> dict[str, object]:
    """As the reference kernel: the count is divided out of the integer multiplier."""
    multiplier, shift = multiplier_of(factor)
    spare = min(63 - count.bit_length() + 1 - 1, 32, 31 + shift)
    return {"multiplier": (multiplier << spare) // count, "shift": shift - spare}


def _pad(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    if source.quantisation != output.quantisation:
        raise Unsupported("changes its scale; quantise its input and output alike")
    tensors = graph.model.inputs_of(operator)
    if len(source.shape) > FOUR or not tensors[1].constant:
        raise Unsupported("pads more than four dimensions, or by what is not constant; write it otherwise")
    amounts = [(0, 0)] * (FOUR - len(source.shape)) + graph.values(tensors[1]).tolist()
    value = zero_point_of(output)
    if len(tensors) > 2:
        value = int(graph.values(tensors[2]).reshape(-1)[0])
    return Layer(
        operator,
        ("pad",),
        "pad",
        "pad",
        {
            "input": [1] * (FOUR - len(source.shape)) + list(source.shape),
            "before": [before for before, _ in amounts],
            "after": [after for _, after in amounts],
            "value": value,
        },
        inputs=(source.index,),
    )


def _softmax(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
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


def _quantize(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    scaling = _scaling(scale_of(source) / scale_of(output))
    return Layer(
        operator,
        ("common", "requantise", "quantize"),
        "quantize",
        "quantize",
        {"values": output.elements, **_zero_points(source, output), **scaling},
        inputs=(source.index,),
    )


def _rename(graph: Graph, operator: Operator, options: Any) -> Layer:
    source, output = _ends(graph, operator)
    if source.quantisation != output.quantisation or source.bytes != output.bytes:
        raise Unsupported("changes more than the shape; quantise its input and output alike")
    return Layer(operator, inputs=(source.index,))


LAYERS: dict[str, Builder] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _add,
    "SUB": _add,
    "MUL": _mul,
    "AVERAGE_POOL_2D": _pool_2d,
    "MAX_POOL_2D": _pool_2d,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "SOFTMAX": _softmax,
    "QUANTIZE": _quantize,
    "RESHAPE": _rename,
    "SQUEEZE": _rename,
    "EXPAND_DIMS": _rename,
}
INSTEAD = {
    "TRANSPOSE": "write the network channels last, with (1, K) convolutions, so that no transposition is left",
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
