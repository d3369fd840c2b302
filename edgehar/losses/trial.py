"""What a person may set of a loss, and whether it can work with that: known before anything is trained."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

import torch

from edgehar.errors import InputError
from edgehar.losses import loss
from edgehar.models.output import Output

CLIPS, TEACHERS = 3, 2


def settings(name: str) -> dict[str, float | str]:
    """The keywords of a loss that a person may set, with their defaults: numbers, or words such as a gate.

    A keyword whose default is None is no setting: training fills it (see training.adapters).
    Raises InputError if there is no such loss.
    """
    keywords = [p for p in inspect.signature(loss(name)).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {p.name: p.default for p in keywords if isinstance(p.default, int | float | str)}


def trial(name: str, given: Mapping[str, float | str]) -> None:
    """Compute a loss once, with the settings `given`, on tiny Outputs of a student and two teachers.

    Raises InputError for a keyword that the loss does not take, for a number that is no weight, and for
    what the loss itself refuses.
    """
    known = settings(name)
    for keyword, value in given.items():
        if keyword not in known:
            raise InputError(f"The loss {name} takes no {keyword!r}; it takes {', '.join(known)}.")
        if isinstance(known[keyword], str):
            continue  # the loss itself knows its words
        if isinstance(value, str) or not (math.isfinite(value) and value >= 0):
            raise InputError(f"{keyword}={value} is no weight: give a number that is 0 or more.")
    student, *teachers = (_tiny(shift) for shift in range(1 + TEACHERS))
    try:
        loss(name)(student, tuple(teachers), torch.arange(CLIPS), **given)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"The loss {name} cannot work with these weights: {error}") from error


def _tiny(shift: int) -> Output:
    """Three clips of three classes that everyone names rightly; shapes agree, so no adapter is needed."""
    values = torch.eye(CLIPS) + shift
    course = values.unsqueeze(2).expand(-1, -1, 4)  # (N, C, T)
    return Output(values, torch.eye(CLIPS), {"middle": course, "last": course})
