"""Relational losses: how clips lie to one another, so the widths of the embeddings may differ.

Park et al., Relational Knowledge Distillation, CVPR 2019; VSKD eqs. 4 to 7. Eq. 6 prints
t_j t_j t_k where the angle t_i t_j t_k is meant. The sums of eqs. 5 and 7 are taken as means, so
that a weight holds for every batch size: over all N^2 pairs and all N^3 triples, as in the authors'
code (where two of the clips are one and the same, both relations are 0 and add nothing).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from edgehar.losses.precision import widen
from edgehar.models.output import Output

# Below this part of the longest embedding a difference is rounding: it has no length and no direction.
ROUNDING = 1e-6


def distance(student: Output, teacher: Output) -> Tensor:
    """L_D: Huber loss between the pairwise Euclidean distances, each divided by its own batch's mean.

    Embeddings (N, D) and (N, E), row i of both the same clip; the mean is over distances that are
    not zero. Returns shape (), at least 0; 0 for a moved, rotated or scaled copy, and for N = 1. Clips
    that coincide have no gradient. No gradient to the teacher. Raises ValueError if the N differ.
    """
    _check(student, teacher)
    wanted = _relative_distances(teacher.embedding.detach())
    return _mean_huber(_relative_distances(student.embedding), wanted)


def angle(student: Output, teacher: Output) -> Tensor:
    """L_A: Huber loss between the cosines of the angle at j over all triples (i, j, k) of clips.

    Embeddings (N, D) and (N, E), row i of both the same clip. Returns shape (), at least 0; 0 for a
    moved, rotated or scaled copy, and for N = 1. Clips that coincide have no direction: cosine 0,
    no gradient. No gradient to the teacher. Takes memory for some N^3 and N^2 D numbers.
    Raises ValueError if the N differ.
    """
    _check(student, teacher)
    # Mixed precision would run the products of directions in three digits.
    with torch.autocast(student.embedding.device.type, enabled=False):
        wanted = _cosines(teacher.embedding.detach())
        return _mean_huber(_cosines(student.embedding), wanted)


def _check(student: Output, teacher: Output) -> None:
    ours, theirs = student.embedding.shape, teacher.embedding.shape
    if len(ours) != 2 or len(theirs) != 2 or ours[0] != theirs[0]:
        raise ValueError(
            f"embeddings are {tuple(ours)} of the student and {tuple(theirs)} of the teacher;"
            " give (N, D) and (N, E) of the same N clips."
        )


def _pairs(embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Differences t_i - t_j (N, N, D) at [j, i], their lengths (N, N), and which lengths are not rounding."""
    embedding = widen(embedding)
    differences = embedding.unsqueeze(0) - embedding.unsqueeze(1)
    lengths = torch.linalg.vector_norm(differences, dim=2)
    longest = torch.linalg.vector_norm(embedding.detach(), dim=1).max()
    return differences, lengths, lengths > ROUNDING * longest


def _relative_distances(embedding: Tensor) -> Tensor:
    """psi_D, eq. 4: (N, N), mean 1 over the pairs that lie apart, 0 for the others."""
    _, lengths, apart = _pairs(embedding)
    lengths = lengths.where(apart, 0)
    mean = lengths.sum() / apart.sum().clamp(min=1)
    return lengths / mean.where(mean > 0, 1)


def _cosines(embedding: Tensor) -> Tensor:
    """psi_A, eq. 6: (N, N, N), the cosine between t_i - t_j and t_k - t_j at [j, i, k]."""
    differences, lengths, apart = _pairs(embedding)
    apart = apart.unsqueeze(2)
    directions = (differences / lengths.unsqueeze(2).where(apart, 1)).where(apart, 0)
    return directions @ directions.transpose(1, 2)


def _mean_huber(relation: Tensor, wanted: Tensor) -> Tensor:
    return functional.smooth_l1_loss(relation, wanted.to(relation.dtype))
