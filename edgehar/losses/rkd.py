"""RKD: how clips lie to one another is all that the teacher teaches.

Park et al., Relational Knowledge Distillation, CVPR 2019; VSKD eqs. 4 to 7. The terms are in relational.py.
"""

from __future__ import annotations

from torch import Tensor

from edgehar.losses import relational
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def rkd(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    distance: float = 25.0,
    angle: float = 50.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + distance L_D + angle L_A, the last two the mean over the teachers.

    Embeddings (N, D) and (N, E); labels (N,) class indices or (N, classes) probabilities. The defaults 25
    and 50 are the paper's and RepDistiller's. Returns shape (), at least 0. No gradient to the teachers.
    Raises ValueError for weights that are negative, not finite or all zero, for teachers that are missing,
    and for other clips.
    """
    return weighted_sum(
        "rkd",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "distance": (distance, lambda: over_teachers(relational.distance)(student, teachers)),
            "angle": (angle, lambda: over_teachers(relational.angle)(student, teachers)),
        },
    )
