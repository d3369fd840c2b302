"""What one operator of the file becomes in C, and the pieces that several kinds of operator share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from export.c.graph import Graph, scale_of, zero_point_of
from export.c.rounding import LIMITS, limits_of, multiplier_of
from firmware_sim.model import Operator, Tensor

SAME = 0  # the schema's Padding
QUICK_SUM = 2**30  # sums below it can be stored by kernels/requantise.c


@dataclass(frozen=True)
class Layer:
    """What stands in student.c for one operator.

    kernels: files of `export/c/kernels`. struct: the type of its sizes, without `_t`. function: to call.
    fields: of the struct. arrays: name of a constant -> its numbers. inputs: tensors that are handed
    over. scratch_bytes: for the kernel while it runs. largest_sum: no sum of products is larger.
    An operator that only renames its input has none of it but the input.
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

    @property
    def is_plain(self) -> bool:
        """Whether a convolution's sums can be stored by kernels/requantise.c, the quick way."""
        full = (self.fields["low"], self.fields["high"]) == LIMITS
        return full and self.largest_sum < QUICK_SUM and int(self.arrays["halvings"].min(initial=0)) >= 0


class Unsupported(Exception):
    """What C cannot do about one operator; `build_layers` adds which file and operator."""


def ends(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    """The operator's first input and its output."""
    return graph.model.inputs_of(operator)[0], graph.model.outputs_of(operator)[0]


def same_scale(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    """`ends` of an operator that cannot change the scale."""
    source, output = ends(graph, operator)
    if source.quantisation != output.quantisation:
        raise Unsupported("changes its scale; quantise its input and output alike")
    return source, output


def limits(activation: int, output: Tensor) -> dict[str, object]:
    """The fields `low` and `high` of a fused activation."""
    found = limits_of(activation, output)
    if found is None:
        raise Unsupported("ends in an activation that C does not know; use ReLU or ReLU6")
    return {"low": found[0], "high": found[1]}


def scaling(factor: float) -> dict[str, object]:
    """The fields `multiplier` and `shift` of a real factor."""
    multiplier, shift = multiplier_of(factor)
    return {"multiplier": multiplier, "shift": shift}


def zero_points(source: Tensor, output: Tensor) -> dict[str, object]:
    """The fields of both zero points."""
    return {"input_zero_point": zero_point_of(source), "output_zero_point": zero_point_of(output)}


def window(
    source: Tensor,
    output: Tensor,
    kernel: tuple[int, int],
    options: Any,
    dilation: tuple[int, int] = (1, 1),
) -> dict[str, object]:
    """The fields of sizes, strides, and the padding before the first row and column."""
    strides = (options.strideH, options.strideW)
    pads = [0, 0]
    if options.padding == SAME:
        for i in (0, 1):
            reach = (kernel[i] - 1) * dilation[i] + 1
            pads[i] = max((output.shape[1 + i] - 1) * strides[i] + reach - source.shape[1 + i], 0) // 2
    return {
        "input_height": source.shape[1],
        "input_width": source.shape[2],
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "stride_height": strides[0],
        "stride_width": strides[1],
        "pad_top": pads[0],
        "pad_left": pads[1],
    }


def layer_scale(source: Tensor, output: Tensor) -> float:
    """Scale of the input by that of the output."""
    return scale_of(source) / scale_of(output)
