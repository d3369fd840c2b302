"""Why an operator costs other cycles under emulation than was estimated, where the counts tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firmware_sim.emulator.counts import InstructionCounts
from firmware_sim.emulator.cycles import CoreModel
from firmware_sim.report import OperatorCost

CLOSE = 1.25  # a ratio within this needs no reason
MUCH_MEMORY = 0.3  # share of an operator's cycles
MUCH_MOVING = 0.5  # share of its instructions
# Products that one instruction of the class adds, of int8 numbers; of floats, four.
LANES = {"vector_mac": 8, "dot_product": 16, "float_mac": 4}
CORTEX_M_LANES = {"dot_product": 2, "multiply": 1}
WASTED = 2.0


@dataclass(frozen=True)
class OperatorDifference:
    """One operator's cycles by both methods. ratio: emulated over estimated.

    reason: why they differ; None where they are close (within 1.25) or it is unknown.
    """

    index: int
    name: str
    estimated_cycles: float | None
    emulated_cycles: float | None
    ratio: float | None
    reason: str | None


def differences(
    estimated: Sequence[OperatorCost],
    emulated: Sequence[OperatorCost],
    counts: Mapping[int, InstructionCounts],
    core_model: CoreModel,
) -> tuple[OperatorDifference, ...]:
    """Both costs of each operator side by side, in the order of the file."""
    return tuple(
        _difference(before, after, counts.get(after.index), core_model)
        for before, after in zip(estimated, emulated, strict=True)
    )


def _difference(
    before: OperatorCost, after: OperatorCost, counts: InstructionCounts | None, core_model: CoreModel
) -> OperatorDifference:
    ratio = reason = None
    if counts is not None and before.cycles and after.cycles is not None:
        ratio = after.cycles / before.cycles
        if not 1 / CLOSE <= ratio <= CLOSE:
            reason = explain(after, counts, core_model, ratio)
    return OperatorDifference(after.index, after.name, before.cycles, after.cycles, ratio, reason)


def explain(cost: OperatorCost, counts: InstructionCounts, core_model: CoreModel, ratio: float) -> str | None:
    """What in the counts of an operator explains its ratio of emulated to estimated cycles; None if nothing.

    What a counter shows, not what a pipeline would: memory's share, products that were computed and not
    needed (padding of channels to the vector's width), instructions that only move.
    """
    if counts.total <= 0:
        return "the runtime runs it together with its neighbour: it adds no instructions"
    missed = core_model.l1_miss * counts.l1d_misses + core_model.l2_miss * counts.l2_misses
    per_mac = counts.total / cost.macs if cost.macs else None
    if ratio > 1 and cost.cycles and missed / cost.cycles > MUCH_MEMORY:
        return f"{missed / cost.cycles:.0%} of its cycles wait for memory ({counts.l2_misses:,} misses of L2)"
    if per_mac is None:
        return (
            f"its {counts.total:,} instructions multiply nothing: it moves or compares numbers"
            if ratio > 1
            else None
        )
    done = _products(counts, core_model)
    if ratio > 1 and done > WASTED * cost.macs:  # type: ignore[operator]
        return (
            f"{done / cost.macs:.1f} products are computed for each one that is needed: "  # type: ignore[operator]
            "the kernel fills its vectors with padding"
        )
    moving = sum(
        counts.by_class[name] for name in ("load", "store", "vector_load", "vector_store", "alu", "branch")
    )
    if ratio > 1 and moving / counts.total > MUCH_MOVING:
        return f"{moving / counts.total:.0%} of its {per_mac:.2f} instructions an MAC load, store or count"
    return f"{per_mac:.2f} instructions an MAC, where the estimate has one speed for its kind"


def _products(counts: InstructionCounts, core_model: CoreModel) -> float:
    lanes = LANES if core_model.l1_miss else CORTEX_M_LANES
    return sum(counts.by_class[name] * width for name, width in lanes.items())
