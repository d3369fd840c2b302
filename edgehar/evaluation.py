"""How right a network is, and where it is not: accuracy, macro-F1, per subject, per class, confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from edgehar.training.batches import Clips


@dataclass(frozen=True)
class Scores:
    """accuracy and macro_f1: 0 to 1. per_subject: accuracy by subject. confusion: rows true, columns said."""

    accuracy: float
    macro_f1: float
    per_subject: dict[str, float]
    confusion: list[list[int]]


def score(predicted: np.ndarray, labels: np.ndarray, subjects: Sequence[str], classes: int) -> Scores:
    """Scores of decisions (N,) against labels (N,), both class indices; subjects name each clip's person."""
    import torch
    from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_f1_score

    said, true = torch.from_numpy(np.asarray(predicted)), torch.from_numpy(np.asarray(labels))
    right = np.asarray(predicted) == np.asarray(labels)
    names = np.asarray(subjects)
    return Scores(
        accuracy=float(right.mean()),
        macro_f1=float(multiclass_f1_score(said, true, classes, average="macro")),
        per_subject={s: float(right[names == s].mean()) for s in sorted(set(subjects))},
        confusion=multiclass_confusion_matrix(said, true, classes).tolist(),
    )


def vote(said: np.ndarray, of: np.ndarray) -> np.ndarray:
    """What the windows of each clip say together: class indices (W,) and the clip of each (W,), in order, to
    (clips,). The class that most windows say; between equals the one that was said first."""
    begin = np.flatnonzero(np.diff(of, prepend=-1))
    return np.array([Counter(part.tolist()).most_common(1)[0][0] for part in np.split(said, begin[1:])])


def by_clip(said: np.ndarray, clips: Clips) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What is said of each clip, its label and its subject, (clips,) each: of whole clips as it is, of
    windows by vote."""
    if clips.of is None:
        return said, clips.labels, [str(name) for name in clips.subjects]
    begin = np.flatnonzero(np.diff(clips.of, prepend=-1))
    return vote(said, clips.of), clips.labels[begin], [str(name) for name in clips.subjects[begin]]


@dataclass(frozen=True)
class Confusion:
    """How often one class was taken for another: `clips` of them, `share` (0 to 1) of all that it has."""

    true: str
    said: str
    clips: int
    share: float


def recall(scores: Scores, labels: Sequence[str]) -> dict[str, float | None]:
    """By class, the fraction of its clips that were named rightly; None for a class without a clip."""
    rows = zip(labels, scores.confusion, strict=True)
    return {label: row[i] / sum(row) if any(row) else None for i, (label, row) in enumerate(rows)}


def worst_confusions(scores: Scores, labels: Sequence[str], most: int = 10) -> tuple[Confusion, ...]:
    """At most `most` pairs of classes that were taken for one another, the most clips first."""
    matrix = np.asarray(scores.confusion)
    np.fill_diagonal(matrix, 0)
    of_class = np.sum(scores.confusion, axis=1)
    order = np.argsort(-matrix, axis=None, kind="stable")[:most]
    pairs = (np.unravel_index(at, matrix.shape) for at in order)
    return tuple(
        Confusion(
            labels[true], labels[said], int(matrix[true, said]), float(matrix[true, said] / of_class[true])
        )
        for true, said in pairs
        if matrix[true, said]
    )


def summary(per_seed: Sequence[Scores]) -> dict[str, Any]:
    """M of metrics.json: mean and spread (n - 1, null for one seed) of accuracy and macro-F1."""
    return {name: _spread([getattr(s, name) for s in per_seed]) for name in ("accuracy", "macro_f1")}


def _spread(values: list[float]) -> dict[str, Any]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"per_seed": values, "mean": float(np.mean(values)), "std": std}
