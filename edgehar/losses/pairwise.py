"""From one teacher to several: the mean over them, in the one place where it is taken."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from edgehar.models.output import Output


def over_teachers(pair: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss out of `pair(student, teacher, **weights)`, which knows one teacher: the mean over all of them.

    The result has a loss's signature (student, teachers, labels, **weights) and may stand in `LOSSES`;
    it does not look at the labels. It raises ValueError where there is no teacher.
    """

    @functools.wraps(pair)
    def mean_over_teachers(
        student: Output, teachers: tuple[Output, ...], labels: Tensor | None = None, **weights: Any
    ) -> Tensor:
        if not teachers:
            raise ValueError(f"{pair.__name__} needs a teacher's Output and got none.")
        return torch.stack([pair(student, teacher, **weights) for teacher in teachers]).mean()

    return mean_over_teachers


def over_pairs(
    pair: Callable[[Output, Output], Tensor],
    students: Sequence[Output],
    teachers: tuple[Output, ...],
    keyword: str,
) -> Tensor:
    """The mean of `pair(student, teacher)` where each teacher meets the student in a form of its own, made
    from the tensors that `keyword` of a loss holds. Raises ValueError if there is not one for each teacher.
    """
    if len(students) != len(teachers):
        raise ValueError(
            f"{keyword} has {len(students)} tensors for {len(teachers)} teachers; give one each."
        )
    return torch.stack([pair(ours, theirs) for ours, theirs in zip(students, teachers, strict=True)]).mean()


def check_same_logits(student: Output, teacher: Output) -> None:
    """Raises ValueError unless both gave logits of one shape: of the same clips, for the same classes."""
    if student.logits.shape != teacher.logits.shape:
        raise ValueError(
            f"logits are {tuple(student.logits.shape)} of the student and {tuple(teacher.logits.shape)}"
            " of the teacher; both must judge the same clips and classes."
        )
