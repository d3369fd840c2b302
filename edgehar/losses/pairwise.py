"""From one teacher to several: the mean over them, in the one place where it is taken."""

from __future__ import annotations

import functools
from collections.abc import Callable
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
