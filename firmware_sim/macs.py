"""Multiply-accumulates of an operator, counted from the shapes of its tensors.

Conventions: one MAC is one product added; biases, padding, activations and element by element
operators count 0; a transposed convolution counts what its input scatters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

Shape = tuple[int, ...]

CONVOLUTIONS = frozenset({"CONV_2D", "CONV_3D", "TRANSPOSE_CONV", "CONV_3D_TRANSPOSE"})
# Cost that no rule here can tell: what they run lies in another subgraph, a library, or a newer schema.
UNCOUNTED = frozenset({
    "IF", "WHILE", "CALL", "CALL_ONCE", "DELEGATE", "CONCAT_EMBEDDINGS", "LSH_PROJECTION", "RNN", "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_LSTM", "SKIP_GRAM",
    "RFFT2D", "SVDF", "REDUCE_WINDOW", "DILATE", "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
})  # fmt: skip


def _conv(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    _, height, width, depth = inputs[1]  # (out, height, width, in / groups)
    return prod(output) * height * width * depth


def _depthwise(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    _, height, width, _ = inputs[1]
    return prod(output) * height * width


def _conv_3d(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    depth, height, width, channels, _ = inputs[1]
    return prod(output) * depth * height * width * channels


def _transpose_conv(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    channels, height, width, _ = inputs[1]  # (out, height, width, in); inputs[0] holds the output's shape
    return prod(inputs[2]) * height * width * channels


def _conv_3d_transpose(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    depth, height, width, channels, _ = inputs[1]
    return prod(inputs[2]) * depth * height * width * channels


def _fully_connected(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    return prod(output) * inputs[1][-1]


def _batch_matmul(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    return prod(output) * inputs[0][-2 if adjoint else -1]


def _lstm(inputs: Sequence[Shape], output: Shape, adjoint: bool) -> int:
    """Four gates, each from the input (inputs[1..4]) and from the state (inputs[5..8]), at every step."""
    steps = prod(inputs[0][:-1])
    return steps * sum(prod(shape) for shape in inputs[1:9] if shape)


RULES: dict[str, Callable[[Sequence[Shape], Shape, bool], int]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "CONV_3D": _conv_3d,
    "TRANSPOSE_CONV": _transpose_conv,
    "CONV_3D_TRANSPOSE": _conv_3d_transpose,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}


def count_macs(name: str, inputs: Sequence[Shape], output: Shape, adjoint: bool = False) -> int | None:
    """MACs of the operator `name`; 0 for operators that only move or map elements; None where unknown.

    inputs: shapes in the operator's order, () for an input left out. adjoint: BATCH_MATMUL's `adj_x`.
    Unknown are custom operators, control flow, StableHLO and whatever is newer than the schema known here.
    ValueError or IndexError where the shapes do not fit the operator.
    """
    if name in UNCOUNTED or name.startswith(("CUSTOM:", "BUILTIN_", "STABLEHLO_")):
        return None
    rule = RULES.get(name)
    return rule(inputs, output, adjoint) if rule else 0
