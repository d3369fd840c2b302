"""Training windows held back from calibration: what automatic choices are made on, never test windows.

The windows are divided into folds, by subject where subjects are known. Each fold is decided by a file
whose ranges were measured on the other folds alone; the decisions of all folds together are the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from export.calibrate import Extremes, Ranges, merge_ranges
from export.exportable import Windows

FOLDS = 5
LEAST_WINDOWS = 10  # of fewer, none can be spared
SLACK_POINTS = 0.5

Decide = Callable[[bytes, np.ndarray], np.ndarray]  # a model file and windows (N, T, C) -> classes (N,)


@dataclass(frozen=True)
class HeldBack:
    """How a quantised file decides training windows that it was not calibrated on.

    folds: how many times the windows were divided. accuracy, float_accuracy, agreement: fractions of all
    windows. lost_points: 100 times what accuracy loses against float, negative where it gains.
    """

    windows: int
    folds: int
    by_subject: bool
    float_accuracy: float
    accuracy: float
    agreement: float

    @property
    def lost_points(self) -> float:
        return 100 * (self.float_accuracy - self.accuracy)

    @property
    def within(self) -> bool:
        """Whether no more than half a point is lost."""
        return self.lost_points <= SLACK_POINTS + 1e-9


def divide_folds(windows: Windows, folds: int = FOLDS, seed: int = 0) -> list[np.ndarray]:
    """Index arrays that together list every window once; empty for fewer than ten windows.

    By subject where at least two are known, else each class spread over the folds in a seeded order.
    """
    if len(windows) < LEAST_WINDOWS:
        return []
    groups = _subjects(windows)
    if groups is None:
        order = np.random.default_rng(seed).permutation(len(windows))
        groups = np.empty(len(windows), int)
        groups[order[np.argsort(windows.labels[order], kind="stable")]] = np.arange(len(windows)) % folds
    else:
        groups = groups % folds
    return [np.flatnonzero(groups == fold) for fold in range(groups.max() + 1)]


def by_subject(windows: Windows) -> bool:
    """Whether the folds are divided by subject."""
    return _subjects(windows) is not None


def _subjects(windows: Windows) -> np.ndarray | None:
    """Each window's subject as a number, or None where fewer than two are known."""
    if windows.subjects is None:
        return None
    names, numbers = np.unique(windows.subjects, return_inverse=True)
    return numbers if len(names) > 1 else None


def judge_held_back(
    windows: Windows,
    float_decisions: np.ndarray,
    folds: Sequence[np.ndarray],
    extremes: Sequence[Extremes],
    quantize: Callable[[Ranges], bytes],
    decide: Decide,
    judged: Sequence[int] | None = None,
) -> HeldBack:
    """What a way to quantise loses on windows that it was not calibrated on.

    float_decisions: of all windows. extremes: measured on each fold. quantize: ranges to a model file.
    judged: numbers of the folds to judge on, all by default. Needs at least two folds.
    """
    numbers = list(range(len(folds)) if judged is None else judged)
    said = []
    for number in numbers:
        others = merge_ranges([found for other, found in enumerate(extremes) if other != number])
        said.append(decide(quantize(others), windows.values[folds[number]]))
    rows = np.concatenate([folds[number] for number in numbers])
    found, expected, labels = np.concatenate(said), float_decisions[rows], windows.labels[rows]
    return HeldBack(
        windows=len(rows),
        folds=len(numbers),
        by_subject=by_subject(windows),
        float_accuracy=float((expected == labels).mean()),
        accuracy=float((found == labels).mean()),
        agreement=float((found == expected).mean()),
    )
