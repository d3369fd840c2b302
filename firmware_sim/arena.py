"""The working memory of a model, planned by lifetimes as TensorFlow Lite for Microcontrollers plans it.

The head of its arena holds what lives for a while: activations and scratch buffers. Its greedy planner
sorts them by size, largest first, and puts each at the lowest offset where it meets nobody who is alive
at the same time. Sizes are multiples of 16 bytes; the graph's inputs live from the start and its outputs
to the end; a constant or variable takes no place here; no operator works in place. This module follows
those rules to the byte (tflite-micro, `memory_planner/greedy_memory_planner.cc`,
`micro_allocation_info.cc`), with the scratch buffers of the reference kernels.

What lives for ever (the tail) is in `firmware_sim/persistent.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_sim.model import Model, Operator

ALIGNMENT = 16
# Operators that XNNPACK lets write over what they read.
IN_PLACE = frozenset({
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ABS",
    "NEG", "SQRT", "EXP", "LOGISTIC", "TANH", "ELU", "LEAKY_RELU", "HARD_SWISH", "RESHAPE", "SQUEEZE",
    "EXPAND_DIMS",
})  # fmt: skip
NEVER = -1  # the moment of a tensor that nobody makes or uses: it is planned, but meets nobody who is used


@dataclass(frozen=True)
class Buffer:
    """Something that needs a place from moment `first` to moment `last`, both included.

    Moment 0 is before the first operator, moment i + 1 is operator i. owner: the tensor's name, or
    `scratch of <operator>`.
    """

    owner: str
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Placed:
    """A buffer and where it begins in the arena; `buffer.bytes` is its size rounded up to the alignment."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        """First byte after it."""
        return self.offset + self.buffer.bytes


def align(size: int, alignment: int = ALIGNMENT) -> int:
    """`size` rounded up to a multiple of `alignment`."""
    return -(-size // alignment) * alignment


def plan_activations(
    model: Model, alignment: int = ALIGNMENT, in_place: bool = False, scratch: bool = True
) -> tuple[Placed, ...]:
    """Place the activations and scratch buffers of `model`. The largest `end` is TFLite-Micro's head.

    in_place: an operator that maps elements one by one writes over an input that nobody else needs, as
    XNNPACK does and TFLite-Micro does not. scratch: with the buffers of the reference kernels.
    """
    buffers = find_lifetimes(model, scratch)
    return place(merge_in_place(model, buffers) if in_place else buffers, alignment)


def activation_bytes(plan: Sequence[Placed]) -> int:
    """Bytes that the plan needs; 0 for an empty one."""
    return max((placed.end for placed in plan), default=0)


def find_lifetimes(model: Model, scratch: bool = True) -> list[Buffer]:
    """Every buffer to be planned with its moments, in the order in which TFLite-Micro hands them over."""
    first = [NEVER] * len(model.tensors)
    last = [NEVER] * len(model.tensors)
    for index in model.inputs:
        first[index] = last[index] = 0
    for moment, operator in enumerate(model.operators, start=1):
        for index in operator.outputs:
            first[index] = moment
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0:
                last[index] = moment
    for index in model.outputs:
        first[index] = first[index] if first[index] != NEVER else 0
        last[index] = len(model.operators)
    activations = [
        Buffer(tensor.name, tensor.bytes, first[tensor.index], last[tensor.index])
        for tensor in model.tensors
        if tensor.bytes and not tensor.constant and not tensor.variable
    ]
    if not scratch:
        return activations
    return activations + [
        Buffer(f"scratch of {operator.name} {operator.index}", size, moment, moment)
        for moment, operator in enumerate(model.operators, start=1)
        for size in scratch_bytes(model, operator)
    ]


def merge_in_place(model: Model, buffers: Sequence[Buffer]) -> list[Buffer]:
    """The same buffers, an operator's input and output as one where it may write over what it read.

    It may if it maps elements one by one, the sizes agree, it is the input's last reader, and neither is
    an input or output of the graph. `owner` names both.
    """
    ends = {*model.inputs, *model.outputs}
    planned = [t.index for t in model.tensors if t.bytes and not t.constant and not t.variable]
    merged = dict(zip(planned, buffers, strict=False))
    place_of = {index: index for index in planned}  # tensor -> the tensor whose buffer it lies in
    for moment, operator in enumerate(model.operators, start=1):
        if operator.name not in IN_PLACE or len(operator.outputs) != 1:
            continue
        made = operator.outputs[0]
        for read in operator.inputs:
            if made in ends or read in ends or read not in place_of or place_of.get(made) != made:
                continue
            below, above = merged[place_of[read]], merged[made]
            if below.bytes == above.bytes and below.last == moment == above.first:
                both = Buffer(f"{below.owner}, {above.owner}", below.bytes, below.first, above.last)
                merged[place_of[read]] = both
                del merged[made]
                place_of[made] = place_of[read]
                break
    return [*merged.values(), *buffers[len(planned) :]]


def place(buffers: Sequence[Buffer], alignment: int = ALIGNMENT) -> tuple[Placed, ...]:
    """Give each buffer the lowest free place, largest first, of equal ones the last first.

    Returns them in the order of `buffers`. No two that share a moment overlap.
    """
    sized = [Buffer(b.owner, align(b.bytes, alignment), b.first, b.last) for b in buffers]
    order = sorted(reversed(range(len(sized))), key=lambda i: -sized[i].bytes)
    placed: dict[int, Placed] = {}
    by_offset: list[Placed] = []
    for i in order:
        placed[i] = Placed(sized[i], _lowest_gap(sized[i], by_offset))
        by_offset.insert(bisect_right(by_offset, placed[i].offset, key=lambda p: p.offset), placed[i])
    return tuple(placed[i] for i in range(len(sized)))


def _lowest_gap(wanted: Buffer, by_offset: Sequence[Placed]) -> int:
    offset = 0
    for other in by_offset:
        if other.buffer.first > wanted.last or wanted.first > other.buffer.last:
            continue
        if other.offset - offset >= wanted.bytes:
            break
        offset = max(offset, other.end)
    return offset


def _reduce_scratch(model: Model, operator: Operator) -> list[int]:
    """A counter a dimension, the axes put in order, and for a mean of integers their sums in 32 bits."""
    values, axes = model.inputs_of(operator)[:2]
    counters = [4 * len(values.shape), 4 * axes.elements]
    if operator.name in ("MEAN", "SUM") and values.dtype in ("int8", "uint8", "int16"):
        return [4 * model.outputs_of(operator)[0].elements, *counters]
    return counters


def _transpose_conv_scratch(model: Model, operator: Operator) -> list[int]:
    accumulator = {"int8": 4, "int16": 8}.get(model.tensors[operator.inputs[2]].dtype, 0)
    return [accumulator * model.outputs_of(operator)[0].elements] if accumulator else []


def _int4_scratch(model: Model, operator: Operator) -> list[int]:
    weights = model.tensors[operator.inputs[1]]
    return [weights.elements] if weights.dtype == "int4" else []


# What the reference kernels ask for (`tensorflow/lite/micro/kernels/*_common.cc` of tflite-micro).
SCRATCH: dict[str, Callable[[Model, Operator], list[int]]] = {
    "MEAN": _reduce_scratch,
    "SUM": _reduce_scratch,
    "REDUCE_MAX": _reduce_scratch,
    "REDUCE_MIN": _reduce_scratch,
    "TRANSPOSE_CONV": _transpose_conv_scratch,
    "CONV_2D": _int4_scratch,
    "DEPTHWISE_CONV_2D": _int4_scratch,
    "FULLY_CONNECTED": _int4_scratch,
}
# Their kernels ask for scratch buffers that depend on more than shapes: the plan is too small there.
UNKNOWN_SCRATCH = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF", "DETECTION_POSTPROCESS", "ADD_N"})


def scratch_bytes(model: Model, operator: Operator) -> list[int]:
    """Sizes of the buffers that the operator's kernel needs while it runs, in the order of its requests."""
    rule = SCRATCH.get(operator.name)
    return rule(model, operator) if rule else []
