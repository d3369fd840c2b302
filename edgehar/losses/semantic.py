"""The semantic loss: a student and a teacher of the same clip mean the same action.

VSKD eq. 8, PSKD eq. 6, on the layer before the last (fc0). Where the widths differ, a method's
projection head brings the student's embedding to the teacher's width before it comes here.
"""

from __future__ import annotations

from torch import Tensor

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
