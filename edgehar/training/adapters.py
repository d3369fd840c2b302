"""What only training needs: projection heads that bring the student's embedding to a teacher's width."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from edgehar.models.output import Output
from edgehar.training.batches import Bank


def takes_projections(loss: Callable[..., Any]) -> bool:
    """Whether a loss looks at the student's embedding in each teacher's width."""
    return "projected" in inspect.signature(loss).parameters


def projection_heads(student: Output, bank: Bank) -> nn.ModuleList:
    """One linear head a teacher, from the student's width to the teacher's; where widths agree, none is
    needed and the identity stands there."""
    width = student.embedding.shape[1]
    teachers = [embedding.shape[-1] for _, embedding in bank.outputs]
    return nn.ModuleList(nn.Identity() if t == width else nn.Linear(width, t) for t in teachers)
