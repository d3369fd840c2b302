"""What a student is trained by: f(student, teachers, labels, **weights) -> Tensor ().

`LOSSES` is the one table of names. It holds where a function lies, not the function, so that
the command line can list the names without importing torch; `loss(name)` fetches the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from edgehar import registry

if TYPE_CHECKING:
    from torch import Tensor

    from edgehar.models.output import Output

LOSSES = {
    "ce": "edgehar.losses.cross_entropy:cross_entropy",
    "dask": "edgehar.losses.dask:dask",
    "acs": "edgehar.losses.acs:acs",
    "logits": "edgehar.losses.logits:logits",
    "fitnet": "edgehar.losses.fitnet:fitnet",
    "st": "edgehar.losses.st:st",
    "at": "edgehar.losses.at:at",
    "sp": "edgehar.losses.sp:sp",
    "cc": "edgehar.losses.cc:cc",
    "rkd": "edgehar.losses.rkd:rkd",
}


class Loss(Protocol):
    """The signature of every loss; weights are keywords with defaults, gradients reach the student only.

    A keyword called `projected` or `regressed` gets what training.adapters learns for it, teacher by teacher.
    """

    def __call__(
        self, student: Output, teachers: tuple[Output, ...], labels: Tensor, **weights: Any
    ) -> Tensor: ...


def loss(name: str) -> Loss:
    """The function behind a name of `LOSSES`.

    Raises InputError, with the nearest name, if there is no such loss.
    """
    return registry.load(LOSSES[registry.check("loss", name, LOSSES)])
