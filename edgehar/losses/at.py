"""AT, attention transfer: the student is busy when the teacher is busy.

Zagoruyko and Komodakis, Paying More Attention to Attention, ICLR 2017, eq. 2. Their attention is a
picture: the sum over channels of squared activations. A wrist has no picture, so attention is one over
time here, of the maps' time courses, at the middle and the last map.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.directions import unit
from edgehar.losses.maps import check_same_clips, last, middle, resample
from edgehar.losses.pairwise import over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output


def at(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    at: float = 1000.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """ce CE + at L, L the mean of `attention` over the teachers.

    Labels are (N,) class indices or (N, classes) probabilities. The default 1000 is the paper's beta and
    RepDistiller's, both for a mean over clips and places (the paper's code has no factor 1/2 before it).
    Returns shape (), at least 0. No gradient to the teachers. Raises ValueError for weights that are
    negative, not finite or all zero, for teachers or maps that are missing, and for other clips.
    """
    return weighted_sum(
        "at",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "at": (at, lambda: over_teachers(attention)(student, teachers)),
        },
    )


def attention(student: Output, teacher: Output) -> Tensor:
    """Mean squared difference between both attentions over clips and time, summed over middle and last map.

    The attention of a time course (N, C, T) is its sum of squares over channels, (N, T), scaled to length 1
    clip by clip; the student's is first resampled to the teacher's T. Returns shape (), at least 0; 0 for a
    scaled copy. No gradient to the teacher. Raises ValueError if the N differ or there are no maps.
    """
    return torch.stack([_gap(layer(student), layer(teacher).detach()) for layer in (middle, last)]).sum()


def _gap(ours: Tensor, theirs: Tensor) -> Tensor:
    check_same_clips(ours, theirs)
    wanted = theirs.square().sum(1)  # (N, T)
    paid = resample(ours.square().sum(1, keepdim=True), wanted.shape[1]).squeeze(1)
    return (unit(paid) - unit(wanted)).square().mean()
