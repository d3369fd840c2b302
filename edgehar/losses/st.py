"""ST: soft targets and nothing else beside the labels.

Hinton et al., Distilling the Knowledge in a Neural Network, 2015; PSKD eq. 1. The term is in kd.py.
"""

from __future__ import annotations

from torch import Tensor

from edgehar.losses import kd as kd_loss
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def st(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    kd: float = 1.0,
    tau: float = 4.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + kd KD, KD the mean over the teachers.

    Logits (N, classes) of all; labels (N,) class indices or (N, classes) probabilities. tau is the
    temperature, 4 in PSKD; no paper here prints kd, so it is 1 (RepDistiller: ce 0.1, kd 0.9).
    Returns shape (), at least 0. No gradient to the teachers. Raises ValueError for weights that are
    negative, not finite or all zero, for a tau not above 0, for teachers that are missing, and for shapes
    that do not fit.
    """
    return weighted_sum(
        "st",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "kd": (kd, lambda: over_teachers(kd_loss.kd)(student, teachers, tau=tau)),
        },
    )
