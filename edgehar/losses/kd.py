"""Soft targets: the student repeats how sure the teacher is of every class, not only which it names.

Hinton et al., Distilling the Knowledge in a Neural Network, 2015; VSKD eq. 3, which prints
KL(P / T) where probabilities softened by the temperature, softmax(z / T), are meant.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from edgehar.losses.pairwise import check_same_logits
from edgehar.losses.precision import widen
from edgehar.models.output import Output


def kd(student: Output, teacher: Output, *, tau: float = 4.0) -> Tensor:
    """KL(softmax(z_T / tau) || softmax(z_S / tau)) * tau^2, mean over the batch.

    Logits (N, classes) of both. The factor tau^2 keeps the gradient's size as tau grows. Returns
    shape (), at least 0, and 0 if the logits differ by a constant per row. No gradient to the teacher.
    Raises ValueError if the shapes differ or tau is not above 0.
    """
    spoken, wanted = _softened(student, teacher, tau)
    return functional.kl_div(spoken, wanted, reduction="batchmean", log_target=True) * tau**2


def kd_each(student: Output, teacher: Output, *, tau: float = 4.0) -> Tensor:
    """`kd` clip by clip: shape (N,), of which `kd` is the mean."""
    spoken, wanted = _softened(student, teacher, tau)
    return functional.kl_div(spoken, wanted, reduction="none", log_target=True).sum(1) * tau**2


def _softened(student: Output, teacher: Output, tau: float) -> tuple[Tensor, Tensor]:
    """The logarithms of both softened probabilities, (N, classes)."""
    check_same_logits(student, teacher)
    if not tau > 0:
        raise ValueError(f"tau is {tau}; a temperature is above 0.")
    spoken = functional.log_softmax(widen(student.logits) / tau, dim=1)
    return spoken, functional.log_softmax(widen(teacher.logits.detach()) / tau, dim=1)
