"""Operators with weights: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from export.c.graph import Graph, scale_of, zero_point_of
from export.c.layer import Layer, Unsupported, ends, limits, window, zero_points
from export.c.rounding import multiplier_of, multipliers_of, rescale
from firmware_sim.model import Operator, Tensor

FOUR = 4  # weights are read by words,
EIGHT = 8  # two in a turn of the inner loop
LARGEST_SUM = 2**31


@dataclass
class Weights:
    """Weights (channels, depth), and for each channel bias, multiplier and halvings.

    halvings: one less than the shift to the right that follows the product with the multiplier.
    """

    values: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    halvings: np.ndarray

    @property
    def reach(self) -> np.ndarray:
        """What the sum of products can be away from the bias, at most."""
        return np.abs(self.values.astype(np.int64)).sum(axis=1) * 255

    @property
    def largest_sum(self) -> int:
        """A bound for all sums, once shifted to the left where that is needed."""
        sums = self.reach + np.abs(self.bias.astype(np.int64))
        largest = int((sums << np.maximum(-1 - self.halvings, 0).astype(np.int64)).max(initial=0))
        if largest >= LARGEST_SUM:
            raise Unsupported("can overflow 32 bits; quantise it with a larger output scale")
        return largest


def read_constants(graph: Graph, operator: Operator) -> tuple[Tensor, np.ndarray, np.ndarray]:
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


def scales(weights: Tensor, channels: int) -> list[float]:
    """The weights' scale of each channel."""
    assert weights.quantisation is not None
    found = list(weights.quantisation.scales)
    return found * channels if len(found) == 1 else found


def convolution_weights(
    graph: Graph, operator: Operator, rows: np.ndarray, tensor: Tensor, bias: np.ndarray
) -> Weights:
    """rows: the weights as (channels, depth)."""
    source, output = ends(graph, operator)
    factors = [scale_of(source) * s / scale_of(output) for s in scales(tensor, len(rows))]
    multipliers, shifts = multipliers_of(factors)
    weights = Weights(rows.copy(), bias.copy(), multipliers, np.where(multipliers == 0, 0, -1 - shifts))
    _settle_constants(weights, source, output)
    weights.halvings = weights.halvings.astype(np.int8)
    return weights


def _settle_constants(weights: Weights, source: Tensor, output: Tensor) -> None:
    """Channels that always give the same get no weights and a small bias instead of a very large one.

    Training leaves such channels: their weights are near 0, so their scale is small and the bias, in its
    steps, so large that all other channels would need the slow way to be stored.
    """
    zero_point = zero_point_of(source)
    wide = weights.values.astype(np.int64)
    ends_of_range = np.stack([wide * (-128 - zero_point), wide * (127 - zero_point)])
    lows = weights.bias + ends_of_range.min(axis=0).sum(axis=1)
    highs = weights.bias + ends_of_range.max(axis=0).sum(axis=1)
    for channel, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        multiplier, halvings = int(weights.multipliers[channel]), int(weights.halvings[channel])
        if halvings < 0:
            continue
        steps = {_stored(value, multiplier, halvings, output) for value in (low, high)}
        if len(steps) == 1:
            weights.values[channel] = 0
            weights.multipliers[channel], weights.halvings[channel] = 2**30, 0  # together a quarter
            weights.bias[channel] = 4 * (steps.pop() - zero_point_of(output))


def _stored(total: int, multiplier: int, halvings: int, output: Tensor) -> int:
    """A sum as an output without an activation stores it."""
    return min(max(rescale(total, multiplier, -1 - halvings) + zero_point_of(output), -128), 127)


def pack_pairs(weights: np.ndarray) -> np.ndarray:
    """Weights (channels, depth) as kernels/column.c reads them, padded with zeros.

    Channels two by two take turns of four bytes; each four lie in the order 0 2 1 3.
    """
    channels, depth = weights.shape
    padded = np.zeros((channels + channels % 2, padded_depth(depth)), np.int8)
    padded[:channels, :depth] = weights
    fours = padded.reshape(-1, 2, padded.shape[1] // FOUR, FOUR)[..., [0, 2, 1, 3]]
    return fours.transpose(0, 2, 1, 3).reshape(-1)


def _even(values: np.ndarray) -> np.ndarray:
    """One more 0 behind an odd number of values."""
    return np.pad(values, (0, len(values) % 2))


def padded_depth(depth: int) -> int:
    """`depth` rounded up to whole turns of the inner loop."""
    return -(-depth // EIGHT) * EIGHT


def _shape_fields(source: Tensor, output: Tensor, kernel: tuple[int, int], options: Any) -> dict[str, object]:
    dilation = (options.dilationHFactor, options.dilationWFactor)
    fields: dict[str, object] = {
        **window(source, output, kernel, options, dilation),
        "kernel_height": kernel[0],
        "kernel_width": kernel[1],
        "dilation_height": dilation[0],
        "dilation_width": dilation[1],
        "input_channels": source.shape[3],
        "output_channels": output.shape[3],
        **zero_points(source, output),
        **limits(options.fusedActivationFunction, output),
    }
    upright = source.shape[2] == output.shape[2] == kernel[1] == 1 < source.shape[1]
    return _turned(fields) if upright else fields


def _turned(fields: dict[str, object]) -> dict[str, object]:
    """A convolution over height alone as the same over width alone, for which the inner loops are made."""
    other = {"height": "width", "width": "height", "top": "left", "left": "top"}

    def turn(name: str) -> str:
        what, _, side = name.rpartition("_")
        return f"{what}_{other[side]}" if side in other else name

    return {name: fields[turn(name)] for name in fields}


def conv_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    """CONV_2D, dilated ones too."""
    source, output = ends(graph, operator)
    tensor, values, bias = read_constants(graph, operator)
    if values.shape[3] != source.shape[3]:
        raise Unsupported("is grouped; use a depthwise convolution and a pointwise one")
    weights = convolution_weights(graph, operator, values.reshape(len(values), -1), tensor, bias)
    kernel, depth = values.shape[1:3], padded_depth(weights.values.shape[1])
    pointwise = kernel == (1, 1) and source.shape[:3] == output.shape[:3] and depth == source.shape[3]
    return Layer(
        operator,
        ("common", "words", "column", "conv_2d"),
        "conv_2d",
        "conv_2d",
        {**_shape_fields(source, output, kernel, options), "depth": depth, "pointwise": int(pointwise)},
        {
            "weights": pack_pairs(weights.values),
            "bias": _even(weights.bias),
            "multipliers": _even(weights.multipliers),
            "halvings": _even(weights.halvings),
        },
        (source.index,),
        scratch_bytes=2 * 2 * depth,
        largest_sum=weights.largest_sum,
    )


def depthwise_conv_2d(graph: Graph, operator: Operator, options: Any) -> Layer:
    """DEPTHWISE_CONV_2D, with several outputs of a channel too."""
    source, output = ends(graph, operator)
    tensor, values, bias = read_constants(graph, operator)
    channels = values.shape[3]
    weights = convolution_weights(graph, operator, values.reshape(-1, channels).T, tensor, bias)
    return Layer(
        operator,
        ("common", "words", "depthwise_conv_2d"),
        "depthwise_conv_2d",
        "depthwise_conv_2d",
        {
            **_shape_fields(source, output, values.shape[1:3], options),
            "multiplier": channels // source.shape[3],
        },
        {
            "weights": np.ascontiguousarray(weights.values.T).reshape(-1),
            "bias": weights.bias,
            "multipliers": weights.multipliers,
            "halvings": weights.halvings,
        },
        (source.index,),
        largest_sum=weights.largest_sum,
    )


def fully_connected(graph: Graph, operator: Operator, options: Any) -> Layer:
    """FULLY_CONNECTED; alone among these, it is rounded once."""
    source, output = ends(graph, operator)
    tensor, values, bias = read_constants(graph, operator)
    if options.weightsFormat != 0:
        raise Unsupported("has shuffled weights; convert it again with the default format")
    outputs, inputs = values.shape
    pairs = [multiplier_of(factor) for factor in _linear_factors(source, tensor, output, outputs)]
    multipliers, shifts = np.array(pairs, np.int64).T
    depth = padded_depth(inputs)
    return Layer(
        operator,
        ("common", "words", "column", "fully_connected"),
        "fully_connected",
        "fully_connected",
        {
            "rows": source.elements // inputs,
            "inputs": inputs,
            "outputs": outputs,
            **zero_points(source, output),
            **limits(options.fusedActivationFunction, output),
            "depth": depth,
        },
        {
            "weights": pack_pairs(values),
            "bias": bias,
            "multipliers": multipliers.astype(np.int32),
            "shifts": shifts.astype(np.int8),
        },
        (source.index,),
        scratch_bytes=2 * depth,
        largest_sum=Weights(values, bias, multipliers, np.zeros(outputs, np.int8)).largest_sum,
    )


def _linear_factors(source: Tensor, weights: Tensor, output: Tensor, channels: int) -> list[float]:
    """As TFLite: the product of the scales is rounded to float32 where one scale serves all channels."""
    found = scales(weights, channels)
    if len(set(found)) > 1:
        return [scale_of(source) * s / scale_of(output) for s in found]
    return [float(np.float32(scale_of(source)) * np.float32(s)) / scale_of(output) for s in found]
