"""The semantic loss: a student and a teacher of the same clip mean the same action.

VSKD eq. 8, PSKD eq. 6, on the layer before the last (fc0). Where the widths differ, a method's
projection head brings the student's embedding to the teacher's width before it comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from edgehar.losses.pairwise import over_pairs, over_teachers
from edgehar.losses.precision import widen
from edgehar.models.output import Output


def semantic(student: Output, teacher: Output) -> Tensor:
    """L_S: the squared Euclidean distance between the two embeddings of a clip, mean over the batch.

    Embeddings (N, D) of both. Returns shape (), at least 0; 0 for equal embeddings, unchanged if both
    are rotated alike. No gradient to the teacher. Raises ValueError if the shapes differ.
    """
    ours, theirs = student.embedding, teacher.embedding.detach()
    if ours.shape != theirs.shape:
        raise ValueError(
            f"embeddings are {tuple(ours.shape)} of the student and {tuple(theirs.shape)} of the teacher;"
            " give the student a projection head to the teacher's width, or semantic=0."
        )
    return (widen(ours) - widen(theirs)).square().sum(dim=1).mean()


def semantic_over_teachers(
    student: Output, teachers: tuple[Output, ...], projected: Sequence[Tensor] | None
) -> Tensor:
    """L_S as the mean over the teachers; projected holds, teacher by teacher, the student's embedding as a
    projection head brings it to that teacher's width (N, D_t), or is None where the widths agree.

    Returns shape (). Raises ValueError if there is no teacher, or not one projection for each.
    """
    if projected is None or not teachers:
        return over_teachers(semantic)(student, teachers)
    students = [replace(student, embedding=embedding) for embedding in projected]
    return over_pairs(semantic, students, teachers, "projected")
