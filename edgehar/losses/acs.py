"""ACS: adaptive confidence and semantics, the loss of PSKD (Ni et al., ACM Multimedia 2022), eq. 7.

L = ce CE + kd KD + confidence L_MK + semantic L_S. L_MK lets the student follow, clip by clip, the teachers
that are right about it, the surer one more, and the ground truth where none is. The paper searched its
weights and prints none: 1 each. Misprints: eq. 4's leading minus, which would reward the student for
being unlike its teachers (its source, Zhang et al., CA-MKD, ICASSP 2022, has none), and eq. 5's logits
Z_T, where probabilities are meant. Its ablations (Table 4) are this loss with a weight of 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgehar.losses import kd as kd_loss
from edgehar.losses.cross_entropy import cross_entropies, cross_entropy, named
from edgehar.losses.pairwise import check_same_logits, over_teachers
from edgehar.losses.precision import widen
from edgehar.losses.semantic import semantic_over_teachers
from edgehar.losses.weighted import weighted_sum
from edgehar.models.output import Output

GATES = ("correct", "loss")


def acs(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    ce: float = 1.0,
    kd: float = 1.0,
    confidence: float = 1.0,
    semantic: float = 1.0,
    tau: float = 4.0,
    gate: str = "correct",
    label_smoothing: float = 0.0,
    projected: Sequence[Tensor] | None = None,
) -> Tensor:
    """The weighted sum of the four terms; KD and L_S are means over the teachers, L_MK chooses among them.

    Labels are (N,) class indices or (N, classes) probabilities. tau is the temperature of KD, gate that of
    `adaptive_confidence`; label_smoothing is for CE. projected holds, teacher by teacher, the student's
    embedding as a projection head brings it to that teacher's width; only L_S looks at it. A term of weight
    0 is not computed: then no teacher, or no common width, is needed for it. Returns shape (), at least 0.
    No gradient to the teachers. Raises ValueError for weights that are negative, not finite or all zero,
    for a gate that is none, for teachers that are missing, and for shapes that do not fit.
    """
    _check_gate(gate)
    return weighted_sum(
        "acs",
        {
            "ce": (ce, lambda: cross_entropy(student, teachers, labels, label_smoothing=label_smoothing)),
            "kd": (kd, lambda: over_teachers(kd_loss.kd)(student, teachers, tau=tau)),
            "confidence": (
                confidence,
                lambda: adaptive_confidence(student, teachers, labels, gate=gate, kd=kd, tau=tau),
            ),
            "semantic": (semantic, lambda: semantic_over_teachers(student, teachers, projected)),
        },
    )


def adaptive_confidence(
    student: Output,
    teachers: tuple[Output, ...],
    labels: Tensor,
    *,
    gate: str = "correct",
    kd: float = 1.0,
    tau: float = 4.0,
) -> Tensor:
    """L_MK, eq. 5: mean over the clips of sum_k w_k CE(softmax(z_T_k), softmax(z_S)).

    gate="correct" (the text and figure 4): open to the teachers whose likeliest class is the label's
    likeliest; among those K the weights are (1 - softmax_k(CE_k)) / (K - 1), CE_k the teacher's own
    cross-entropy (eq. 3); a lone one has weight 1. gate="loss" (eq. 4 as printed): open to the teachers
    whose CE_k is at most the clip's L_KD = CE + kd KD of the student (eq. 1); the weights are over all K
    teachers, whichever are open. Where the gate is open to none, the clip's term is the student's
    cross-entropy with the label, not smoothed. Returns shape (), at least 0. No gradient to the teachers
    or through the weights. Raises ValueError as `acs` does.
    """
    _check_gate(gate)
    if not teachers:
        raise ValueError("confidence needs a teacher's Output and got none.")
    for teacher in teachers:
        check_same_logits(student, teacher)
    weights, followed = _weights(student, teachers, labels, gate, kd, tau)
    spoken = widen(student.logits).log_softmax(1)
    heard = torch.stack(
        [widen(teacher.logits.detach()).softmax(1) for teacher in teachers]
    )  # (K, N, classes)
    mimicry = -(weights * (heard * spoken).sum(2)).sum(0)
    return torch.where(followed, mimicry, cross_entropies(student, labels)).mean()


@torch.no_grad()
def _weights(
    student: Output, teachers: tuple[Output, ...], labels: Tensor, gate: str, kd: float, tau: float
) -> tuple[Tensor, Tensor]:
    """w (K, N), 0 where the gate is closed, and whether it is open to anyone, (N,)."""
    losses = torch.stack([cross_entropies(teacher, labels) for teacher in teachers])  # (K, N), eq. 3
    if gate == "correct":
        truth = named(labels)
        opened = torch.stack([teacher.logits.argmax(1) == truth for teacher in teachers])
        return _shares(losses, opened), opened.any(0)
    soft = torch.stack([kd_loss.kd_each(student, teacher, tau=tau) for teacher in teachers]).mean(0)
    opened = losses <= cross_entropies(student, labels) + kd * soft
    return _shares(losses, torch.ones_like(opened)).where(opened, 0), opened.any(0)


def _shares(losses: Tensor, among: Tensor) -> Tensor:
    """(1 - softmax of the losses) / (K - 1) over the K teachers that take part in a clip, (teachers, N).

    1 for a lone one, where that would be 0 / 0; 0 for those who take no part.
    """
    count = among.sum(0)
    relative = losses.masked_fill(~among, -torch.inf).where(count > 0, 0).softmax(0)
    shares = (1 - relative) / (count - 1).clamp(min=1)
    return shares.where(count > 1, 1).where(among, 0)


def _check_gate(gate: str) -> None:
    if gate not in GATES:
        raise ValueError(f"gate is {gate}; it is {' or '.join(GATES)}.")
