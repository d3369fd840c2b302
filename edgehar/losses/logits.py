"""Logits: the student repeats the teacher's logits, number by number, before any softmax.

Ba and Caruana, Do Deep Nets Really Need to be Deep?, NeurIPS 2014: L = 1 / (2 N) sum ||z_S - z_T||^2.
"""

from __future__ import annotations

from torch import Tensor

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.pairwise import check_same_logits, over_teachers
from edgehar.losses.precision import widen
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def logits(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    logits: float = 1.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + logits L, L the mean of `regression` over the teachers.

    Logits (N, classes) of all; labels (N,) class indices or (N, classes) probabilities. The default 1 is
    the paper's, where L stands alone (ce = 0). Returns shape (), at least 0. No gradient to the teachers.
    Raises ValueError for weights that are negative, not finite or all zero, for teachers that are missing,
    and for shapes that do not fit.
    """
    return weighted_sum(
        "logits",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "logits": (logits, lambda: over_teachers(regression)(student, teachers)),
        },
    )


def regression(student: Output, teacher: Output) -> Tensor:
    """Half the squared Euclidean distance between both logits (N, classes) of a clip, mean over the batch.

    Returns shape (), at least 0; 0 for equal logits. No gradient to the teacher. Raises ValueError if the
    shapes differ.
    """
    check_same_logits(student, teacher)
    return (widen(student.logits) - widen(teacher.logits.detach())).square().sum(1).mean() / 2
