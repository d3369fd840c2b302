"""Taking operators out of quantisation, worst first, until held-back training windows are kept.

Worst is what adds the most noise to its own output (`export.audit`). What has been taken out is measured
anew each time, because noise moves: an operator whose input stays in int8 may come next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from export.audit import OperatorReport, rank
from export.held_back import HeldBack
from export.operators import NamedOperator
from export.quantize import KeptFloat

Attempt = Callable[[KeptFloat], tuple[HeldBack, tuple[OperatorReport, ...]]]


@dataclass(frozen=True)
class Step:
    """One attempt of --auto: what was newly taken out before it (None at first), and what then was lost."""

    taken_out: str | None
    lost_points: float
    agreement: float


@dataclass(frozen=True)
class AutoReport:
    """What --auto did. reached: whether held-back windows ended within half a point."""

    steps: tuple[Step, ...]
    reached: bool


def take_out(
    attempt: Attempt, named: tuple[NamedOperator, ...], kept: KeptFloat
) -> tuple[KeptFloat, AutoReport]:
    """What stays float so that `attempt` is within its slack, or all that can be taken out.

    attempt: quantises with what is kept, and says how that does on held-back training windows.
    """
    outputs = {operator.name: operator.output for operator in named}
    steps: list[Step] = []
    taken_out = None
    while True:
        held, operators = attempt(kept)
        steps.append(Step(taken_out, held.lost_points, held.agreement))
        candidates = [operator for operator in rank(operators) if operator.name in outputs]
        if held.within or not candidates:
            return kept, AutoReport(tuple(steps), held.within)
        taken_out = candidates[0].name
        kept = replace(kept, taken=(*kept.taken, outputs[taken_out]))
