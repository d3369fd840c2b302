"""LiteRT on phones: which operators it hands to XNNPACK, and which stay with its own, slower kernels."""

from __future__ import annotations

from firmware_sim.errors import SimError
from firmware_sim.lint_targets.finding import Asked, Finding, Verdict, dtype_of, gathered
from firmware_sim.model import Model, Operator
from firmware_sim.runtimes.litert import LiteRtSession

_SMALL = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE")


def ask(model: Model) -> Asked:
    """What LiteRT refuses, and what XNNPACK leaves to LiteRT's own kernels on this machine."""
    try:
        session = LiteRtSession(model.path)
    except SimError as error:
        if "pip install" in str(error):
            raise
        why = str(error).partition("refuses it (")[2].rstrip(".)") or str(error)
        return Asked("its interpreter", (Finding("the file", "", (), "refused", why, None),))
    taken = _delegated(session, model)
    said: list[tuple[Operator, str, Verdict, str]] = [
        (operator, dtype_of(model, operator), "slow", "XNNPACK leaves it to LiteRT's own kernels")
        for operator in model.operators
        if operator.index not in taken and operator.name not in _SMALL
    ]
    return Asked("its interpreter, by what it hands to XNNPACK", gathered(said))


def _delegated(session: LiteRtSession, model: Model) -> set[int]:
    """Operators that lie between the inputs and the outputs of a piece that XNNPACK has taken."""
    makers = {made: operator for operator in model.operators for made in operator.outputs}
    taken: set[int] = set()
    for piece in session.delegated():
        borders, wanted = set(piece[0]), list(piece[1])
        while wanted:
            operator = makers.get(wanted.pop())
            if operator is None or operator.index in taken:
                continue
            taken.add(operator.index)
            wanted.extend(index for index in operator.inputs if index >= 0 and index not in borders)
    return taken
