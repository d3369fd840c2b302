"""How right a network is: accuracy, macro-F1, confusion, per subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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


def summary(per_seed: Sequence[Scores]) -> dict[str, Any]:
    """M of metrics.json: mean and spread (n - 1, null for one seed) of accuracy and macro-F1."""
    return {name: _spread([getattr(s, name) for s in per_seed]) for name in ("accuracy", "macro_f1")}


def _spread(values: list[float]) -> dict[str, Any]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"per_seed": values, "mean": float(np.mean(values)), "std": std}
