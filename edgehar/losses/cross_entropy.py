"""The loss of the ground truth: all that a baseline has."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from edgehar.losses.precision import widen
from edgehar.models.output import Output


def cross_entropy(
    student: Output, teachers: tuple[Output, ...], labels: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy between the labels and the student's softmax; the teachers are not asked.

    Labels are (N,) class indices or (N, classes) probabilities, as mixup makes them.
    Returns shape (). Raises ValueError if the labels fit neither form.
    """
    logits = widen(student.logits)  # (N, classes)
    return functional.cross_entropy(logits, _target(labels, logits), label_smoothing=label_smoothing)


def cross_entropies(said: Output, labels: Tensor) -> Tensor:
    """The cross-entropy of each clip between its label and the softmax of what was said of it: shape (N,).

    Labels as in `cross_entropy`; they are not smoothed. Raises ValueError if they fit neither form.
    """
    logits = widen(said.logits)
    return functional.cross_entropy(logits, _target(labels, logits), reduction="none")


def named(labels: Tensor) -> Tensor:
    """The class that each label names, shape (N,): of probabilities (N, classes) the likeliest."""
    return labels.argmax(1) if labels.is_floating_point() else labels


def _target(labels: Tensor, logits: Tensor) -> Tensor:
    if labels.is_floating_point():
        if labels.shape == logits.shape:
            return labels.to(logits.dtype)
    elif labels.dtype != torch.bool and labels.shape == logits.shape[:1]:
        return labels.long()
    raise ValueError(
        f"labels are {labels.dtype} {tuple(labels.shape)} for logits {tuple(logits.shape)};"
        " give (N,) class indices or (N, classes) probabilities."
    )
