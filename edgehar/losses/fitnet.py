"""FitNet: half-way down, the student already says what the teacher says there.

Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015, eq. 3: L = 1/2 ||u(x) - r(v(x))||^2, where r,
a learned regressor, brings the student's middle map v to the shape of the teacher's u. Both are time
courses here. The paper trains by hints first and by soft targets afterwards; here the hint is a term
beside the cross-entropy from the first step on, as in RepDistiller (Tian et al., ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.maps import middle
from edgehar.losses.pairwise import over_pairs, over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def fitnet(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    fitnet: float = 200.0,
    label_smoothing: float = 0.0,
    regressed: Sequence[Tensor] | None = None,
) -> Tensor:
    """ce CE + fitnet L, L the mean of `hint` over the teachers.

    Labels are (N,) class indices or (N, classes) probabilities. regressed holds, teacher by teacher, the
    student's middle map as a regressor brings it to that teacher's, (N, C_t, T_t); None where the shapes
    agree. The default 200 is RepDistiller's 100 times the mean square, of which `hint` is half.
    Returns shape (), at least 0. No gradient to the teachers. Raises ValueError for weights that are
    negative, not finite or all zero, for teachers or maps that are missing, and for shapes that do not fit.
    """
    return weighted_sum(
        "fitnet",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "fitnet": (fitnet, lambda: _hints(student, teachers, regressed)),
        },
    )


def hint(student: Output, teacher: Output) -> Tensor:
    """Half the squared difference between both middle time courses, mean over clips, channels and time.

    Maps of both such that the middle one is (N, C, T). Returns shape (), at least 0; 0 for equal courses.
    No gradient to the teacher. Raises ValueError if the shapes differ or there are no maps.
    """
    ours, theirs = middle(student), middle(teacher).detach()
    if ours.shape != theirs.shape:
        raise ValueError(
            f"middle maps are {tuple(ours.shape)} in time of the student and {tuple(theirs.shape)} of the"
            " teacher; give the student a regressor to the teacher's, or fitnet=0."
        )
    return (ours - theirs).square().mean() / 2


def _hints(student: Output, teachers: tuple[Output, ...], regressed: Sequence[Tensor] | None) -> Tensor:
    if regressed is None or not teachers:
        return over_teachers(hint)(student, teachers)
    students = [replace(student, maps={"regressed": course}) for course in regressed]
    return over_pairs(hint, students, teachers, "regressed")
