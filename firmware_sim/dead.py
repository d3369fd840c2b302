"""Dead channels: whole channels of zero weights, and all the work that hangs on them alone.

A filter of zeros gives a constant, whatever comes in, and a channel that meets only zero weights is read by
nobody. Both are followed through the graph, forwards and backwards, as far as channels keep their identity;
what is left is what a runtime that drops them executes. Some runtimes drop none, some a part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from firmware_sim.model import Operator, Tensor

Mask = np.ndarray | None  # which channels, (channels,) bool; None: all of them
Weights = Callable[[int], np.ndarray | None]

MAPPED = frozenset({
    "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "HARD_SWISH", "LOGISTIC", "TANH", "ELU",
    "ABS", "NEG", "SQRT", "QUANTIZE", "DEQUANTIZE", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "SUM", "PAD",
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "ADD", "SUB", "MUL",
})  # fmt: skip
MOST_CHANNELS = 2**20  # beyond this a shape is a claim, not a network
WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


@dataclass(frozen=True)
class Live:
    """What is left of an operator. macs: its MACs; outputs: the share of its output channels, 0 to 1."""

    macs: int
    outputs: float


@dataclass(frozen=True)
class _Links:
    """Which input channel (columns) reaches which output channel (rows) through a weight that is not 0.

    rows: (outputs, inputs of one group); a depthwise convolution has one column. groups: how many.
    """

    rows: np.ndarray
    groups: int

    def spread(self, inputs: Mask) -> np.ndarray:
        """The mask of the input channels as each row sees it: (outputs, inputs of one group)."""
        outputs, width = self.rows.shape
        if inputs is None:
            return np.ones((outputs, width), bool)
        return np.repeat(inputs.reshape(self.groups, width), outputs // self.groups, axis=0)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """The mask of the input channels that any row of its group marks."""
        return rows.reshape(self.groups, -1, self.rows.shape[1]).any(1).ravel()


def find_live(
    operators: tuple[Operator, ...],
    tensors: tuple[Tensor, ...],
    outputs: tuple[int, ...],
    weights: Weights,
) -> dict[int, Live]:
    """What is left of each operator that has dead channels, by its index; the others have none.

    weights(tensor index) gives a constant as an array that is 0 where the weight is, or None if it cannot
    be read. outputs: the graph's, which are all wanted.
    """
    links = {o.index: _links(o, tensors, weights) for o in operators if o.name in WEIGHTED}
    if all(link is None or link.rows.all() for link in links.values()):
        return {}
    varies = _forwards(operators, tensors, links)
    wanted = _backwards(operators, tensors, outputs, links, varies)
    live = {}
    for operator in operators:
        left = _left(operator, tensors, links.get(operator.index), varies, wanted)
        if left is not None and (left.outputs < 1 or left.macs < (operator.macs or 0)):
            live[operator.index] = left
    return live


def _links(operator: Operator, tensors: tuple[Tensor, ...], weights: Weights) -> _Links | None:
    values = weights(operator.inputs[1])
    source, result = tensors[operator.inputs[0]].shape, tensors[operator.outputs[0]].shape
    if values is None or not values.size or not source or not result:
        return None
    if operator.name == "DEPTHWISE_CONV_2D":
        rows = (values != 0).any(axis=(0, 1, 2))[:, None] if values.ndim == 4 else None
    else:
        axes = tuple(range(1, values.ndim - 1))
        rows = (values != 0).any(axis=axes) if values.ndim >= 2 else None
    if rows is None or rows.shape[0] != result[-1] or source[-1] % rows.shape[1]:
        return None
    groups = source[-1] // rows.shape[1]
    return _Links(rows, groups) if rows.shape[0] % groups == 0 else None


def _forwards(
    operators: tuple[Operator, ...], tensors: tuple[Tensor, ...], links: dict[int, _Links | None]
) -> dict[int, Mask]:
    """Which channels of each tensor depend on what comes in."""
    varies: dict[int, Mask] = {}
    for operator in operators:
        link = links.get(operator.index)
        if link is not None:
            rows = link.rows & link.spread(varies.get(operator.inputs[0]))
            varies[operator.outputs[0]] = rows.any(1)
        elif operator.name in MAPPED and len(operator.outputs) == 1:
            sources = [i for i in operator.inputs if i >= 0 and not tensors[i].constant]
            masks = [_fit(varies.get(i), tensors[i], tensors[operator.outputs[0]]) for i in sources]
            varies[operator.outputs[0]] = _either(masks)
    return varies


def _backwards(
    operators: tuple[Operator, ...],
    tensors: tuple[Tensor, ...],
    outputs: tuple[int, ...],
    links: dict[int, _Links | None],
    varies: dict[int, Mask],
) -> dict[int, Mask]:
    """Which channels of each tensor somebody needs; a tensor that is missing is needed by nobody."""
    wanted: dict[int, Mask] = dict.fromkeys(outputs)
    for operator in reversed(operators):
        link = links.get(operator.index)
        for place, index in enumerate(operator.inputs):
            if index < 0 or tensors[index].constant:
                continue
            need: Mask = None
            if link is not None and place == 0:
                rows = link.rows & link.spread(varies.get(index))
                asked = wanted.get(operator.outputs[0])
                need = link.gather(rows if asked is None else rows & asked[:, None])
            elif operator.name in MAPPED and operator.outputs:
                result = operator.outputs[0]
                need = _fit(wanted.get(result), tensors[result], tensors[index], back=True)
            wanted[index] = _either([wanted[index], need]) if index in wanted else need
    return wanted


def _fit(mask: Mask, source: Tensor, result: Tensor, back: bool = False) -> Mask:
    """The mask of `source`'s channels as `result`'s: the same, or repeated where they are flattened."""
    if mask is None or not source.shape or not result.shape:
        return None
    ours, theirs = source.shape[-1], result.shape[-1]
    if ours == theirs:
        return mask
    if source.elements != result.elements or len(mask) != ours or theirs > MOST_CHANNELS:
        return None
    if not back and theirs % ours == 0:
        return np.tile(mask, theirs // ours)
    if back and ours % theirs == 0:
        return np.asarray(mask.reshape(-1, theirs).any(0))
    return None


def _either(masks: list[Mask]) -> Mask:
    known = [mask for mask in masks if mask is not None]
    if len(known) < len(masks) or not known or len({len(mask) for mask in known}) > 1:
        return None
    return np.asarray(np.logical_or.reduce(known))


def _left(
    operator: Operator,
    tensors: tuple[Tensor, ...],
    link: _Links | None,
    varies: dict[int, Mask],
    wanted: dict[int, Mask],
) -> Live | None:
    if len(operator.outputs) != 1:
        return None
    result = operator.outputs[0]
    masks = [mask for mask in (varies.get(result), wanted.get(result)) if mask is not None]
    rows = np.logical_and.reduce(masks) if masks else None
    share = 1.0 if rows is None else float(rows.mean())
    if link is None or not operator.macs:
        return Live(operator.macs or 0, share)
    alive = np.ones(len(link.rows), bool) if rows is None else rows
    pairs = link.rows & link.spread(varies.get(operator.inputs[0])) & alive[:, None]
    columns = pairs.reshape(link.groups, -1, link.rows.shape[1]).any(1).sum(1)
    filters = alive.reshape(link.groups, -1).sum(1)
    total = link.rows.size
    return Live(operator.macs * int((columns * filters).sum()) // total, share)
