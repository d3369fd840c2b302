"""CC, correlation congruence: clips correlate in the student's embedding as they do in the teacher's.

Peng et al., Correlation Congruence for Knowledge Distillation, ICCV 2019: L = 1 / N^2 sum over i, j of
(k(s_i, s_j) - k(t_i, t_j))^2, with the Gaussian kernel k(x, y) = exp(-gamma ||x - y||^2) of embeddings at
length 1 by its Taylor series, exp(-2 gamma) sum over p of (2 gamma)^p / p! (x y)^p.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.directions import unit
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.precision import widen
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output

HIGHEST = 20  # order of the series: far beyond what float64 tells apart at the gammas in use


def cc(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    cc: float = 100.0,
    gamma: float = 0.4,
    order: float = 2,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + cc L, L the mean of `congruence` over the teachers.

    Labels are (N,) class indices or (N, classes) probabilities. gamma and order are the kernel's; 0.4 and
    2, and the weight 100, are those of Knowledge-Distillation-Zoo, whose formula this is. (RepDistiller's
    0.02 weighs another one, products of differences.) Returns shape (), at least 0. No gradient to the
    teachers. Raises ValueError for weights that are negative, not finite or all zero, for a kernel that is
    none, for teachers that are missing, and for other clips.
    """
    return weighted_sum(
        "cc",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "cc": (cc, lambda: over_teachers(congruence)(student, teachers, gamma=gamma, order=order)),
        },
    )


def congruence(student: Output, teacher: Output, *, gamma: float = 0.4, order: float = 2) -> Tensor:
    """Mean squared difference between both kernels over all N^2 pairs of clips.

    Embeddings (N, D) and (N, E), row i of both the same clip; the series ends with the power `order`.
    Returns shape (), at least 0; 0 for a scaled or rotated copy, and for N = 1. No gradient to the teacher.
    Raises ValueError if the N differ, gamma is not above 0 or order no whole number from 1 to `HIGHEST`.
    """
    ours, theirs = widen(student.embedding), widen(teacher.embedding.detach())
    if len(ours) != len(theirs):
        raise ValueError(
            f"embeddings are {tuple(ours.shape)} of the student and {tuple(theirs.shape)} of the teacher;"
            " give (N, D) and (N, E) of the same N clips."
        )
    series = _series(gamma, order)
    # Mixed precision would run the products in three digits.
    with torch.autocast(ours.device.type, enabled=False):
        return (_kernel(ours, series) - _kernel(theirs, series)).square().mean()


def _series(gamma: float, order: float) -> list[float]:
    """The factors of (x y)^0, (x y)^1, ..., by logarithms: the powers of a great gamma would overflow."""
    if not (math.isfinite(gamma) and gamma > 0):
        raise ValueError(f"gamma is {gamma}; the kernel's is above 0.")
    if order not in range(1, HIGHEST + 1):
        raise ValueError(f"order is {order}; the series ends with a whole number from 1 to {HIGHEST}.")
    return [
        math.exp(-2 * gamma + p * math.log(2 * gamma) - math.lgamma(p + 1)) for p in range(int(order) + 1)
    ]


def _kernel(embedding: Tensor, series: list[float]) -> Tensor:
    """(N, N) of embeddings (N, D), by Horner's rule."""
    directions = unit(embedding)
    cosines = directions @ directions.T
    kernel = torch.full_like(cosines, series[-1])
    for factor in reversed(series[:-1]):
        kernel = kernel * cosines + factor
    return kernel
