"""SP, similarity preserving: clips that look alike to the teacher look alike to the student.

Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019: L = 1 / N^2 ||G_T - G_S||_F^2,
where row i of G is row i of A A^T at length 1 and A (N, C T) holds the last map of every clip.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.directions import unit
from edgehar.losses.maps import check_same_clips, last
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def sp(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    sp: float = 3000.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + sp L, L the mean of `similarity` over the teachers.

    Labels are (N,) class indices or (N, classes) probabilities. The default 3000 is the paper's gamma on
    CIFAR-10 and RepDistiller's. Returns shape (), at least 0. No gradient to the teachers. Raises
    ValueError for weights that are negative, not finite or all zero, for teachers or maps that are
    missing, and for other clips.
    """
    return weighted_sum(
        "sp",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "sp": (sp, lambda: over_teachers(similarity)(student, teachers)),
        },
    )


def similarity(student: Output, teacher: Output) -> Tensor:
    """Mean squared difference between both similarities (N, N) of the clips, seen in the last time course.

    Courses (N, C, T) and (N, D, U), row i of both the same clip. Returns shape (), at least 0; 0 for a
    scaled or rotated copy. No gradient to the teacher. Raises ValueError if the N differ or there are no
    maps.
    """
    ours, theirs = last(student), last(teacher).detach()
    check_same_clips(ours, theirs)
    # Mixed precision would run the products in three digits.
    with torch.autocast(ours.device.type, enabled=False):
        return (_similarities(theirs) - _similarities(ours)).square().mean()


def _similarities(course: Tensor) -> Tensor:
    flat = course.flatten(1)  # (N, C, T) -> (N, C T)
    return unit(flat @ flat.T)
