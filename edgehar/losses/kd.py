"""Soft targets: the student repeats how sure the teacher is of every class, not only which it names.

Hinton et al., Distilling the Knowledge in a Neural Network, 2015; VSKD eq. 3, which prints
KL(P / T) where probabilities softened by the temperature, softmax(z / T), are meant.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from edgehar.losses.precision import widen
from edgehar.models.output import Output


def kd(student: Output, teacher: Output, *, tau: float = 4.0) -> Tensor:
    """KL(softmax(z_T / tau) || softmax(z_S / tau)) * tau^2, mean over the batch.

    Logits (N, classes) of both. The factor tau^2 keeps the gradient's size as tau grows. Returns
    shape (), at least 0, and 0 if the logits differ by a constant per row. No gradient to the teacher.
    Raises ValueError if the shapes differ or tau is not above 0.
    """
    if student.logits.shape != teacher.logits.shape:
        raise ValueError(
            f"logits are {tuple(student.logits.shape)} of the student and {tuple(teacher.logits.shape)}"
            " of the teacher; both must judge the same clips and classes."
        )
    if not tau > 0:
        raise ValueError(f"tau is {tau}; a temperature is above 0.")
    spoken = functional.log_softmax(widen(student.logits) / tau, dim=1)
    wanted = functional.log_softmax(widen(teacher.logits.detach()) / tau, dim=1)
    return functional.kl_div(spoken, wanted, reduction="batchmean", log_target=True) * tau**2
