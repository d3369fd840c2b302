"""DASK: distance- and angle-wise semantic knowledge, the loss of VSKD (Ni et al., ICASSP 2022), eq. 9.

L = ce CE + kd KD + distance L_D + angle L_A + semantic L_S. The paper prints none of its weights
(alpha for kd, one beta for distance and angle, gamma for semantic); the defaults of distance and
angle are RKD's, the others 1. Its ablations (Table 4) are this loss with a weight of 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from edgehar.losses import kd as kd_loss
from edgehar.losses import relational
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.semantic import semantic_over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def dask(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    kd: float = 1.0,
    distance: float = 25.0,
    angle: float = 50.0,
    semantic: float = 1.0,
    tau: float = 4.0,
    label_smoothing: float = 0.0,
    projected: Sequence[Tensor] | None = None,
) -> Tensor:
    """The weighted sum of the five terms, each but CE the mean over the teachers.

    Labels are (N,) class indices or (N, classes) probabilities. tau is the temperature of KD;
    label_smoothing is for CE. projected holds, teacher by teacher, the student's embedding as a
    projection head brings it to that teacher's width; only L_S looks at it. A term of weight 0 is
    not computed: then no teacher, or no common width, is needed for it. Returns shape (), at least 0.
    No gradient to the teachers. Raises ValueError for weights that are negative, not finite or all
    zero, for teachers that are missing, and for shapes that do not fit.
    """
    terms = {
        "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
        "kd": (kd, lambda: over_teachers(kd_loss.kd)(student, teachers, tau=tau)),
        "distance": (distance, lambda: over_teachers(relational.distance)(student, teachers)),
        "angle": (angle, lambda: over_teachers(relational.angle)(student, teachers)),
        "semantic": (semantic, lambda: semantic_over_teachers(student, teachers, projected)),
    }
    return weighted_sum("dask", terms)
