"""Targets that are asked by a table of operators and dtypes alone."""

from __future__ import annotations

from firmware_sim.lint_targets.finding import Asked, Verdict, dtype_of, gathered
from firmware_sim.model import Model, Operator
from firmware_sim.operator_tables import EDGEHAR_C

Said = list[tuple[Operator, str, Verdict, str]]


def ask_edgehar_c(model: Model) -> Asked:
    """What the plain C of `edgehar export --c` has no code for."""
    said: Said = []
    for operator in model.operators:
        dtype = dtype_of(model, operator)
        if operator.name not in EDGEHAR_C:
            said.append((operator, dtype, "refused", "there is no code for it"))
        elif dtype not in EDGEHAR_C[operator.name]:
            said.append((operator, dtype, "refused", f"there is code for int8 only, not for {dtype}"))
    return Asked("the table of its operators", gathered(said))
