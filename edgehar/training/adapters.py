"""What only training needs: learned layers that bring something of the student to each teacher's shape.

A loss asks for them by the name of a keyword in `ADAPTERS`. They are built once, from what both said of the
same clips, are optimised and checkpointed with the student, and are never exported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from edgehar.losses.maps import middle, resample
from edgehar.models.output import Output


@dataclass(frozen=True)
class Adapter:
    """reads: what of the student it adapts. build: from that and a teacher's, the layer between them."""

    reads: Callable[[Output], Tensor]
    build: Callable[[Tensor, Tensor], nn.Module]


class Regressor(nn.Module):
    """A time course (N, C, T) as another network's (N, channels, length): each step's channels mixed by a
    learned convolution of width 1, then resampled along time. Romero et al., FitNets, ICLR 2015, section 2.2.
    """

    def __init__(self, width: int, channels: int, length: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, channels, 1)
        self.length = length

    def forward(self, course: Tensor) -> Tensor:
        return resample(self.mix(course), self.length)


def _projection(ours: Tensor, theirs: Tensor) -> nn.Module:
    """Embedding (N, D) to the teacher's width; where widths agree, none is needed: the identity."""
    width, wanted = ours.shape[1], theirs.shape[1]
    return nn.Identity() if width == wanted else nn.Linear(width, wanted)


def _regressor(ours: Tensor, theirs: Tensor) -> nn.Module:
    """Middle time course to the teacher's shape. Equal shapes are learned too: channel 3 of the one network
    has nothing to do with channel 3 of the other."""
    return Regressor(ours.shape[1], *theirs.shape[1:])


ADAPTERS = {
    "projected": Adapter(lambda said: said.embedding, _projection),
    "regressed": Adapter(middle, _regressor),
}


def build_adapters(loss: Callable[..., Any], student: Output, teachers: Sequence[Output]) -> nn.ModuleDict:
    """The adapters that a loss asks for: by keyword a ModuleList, one a teacher; empty if it asks for none.

    student, teachers: what each says of a few clips, any number; only shapes are looked at.
    Raises ValueError if the loss asks for inner maps and an Output holds none.
    """
    asked = [keyword for keyword in ADAPTERS if keyword in inspect.signature(loss).parameters]
    return nn.ModuleDict({keyword: _layers(ADAPTERS[keyword], student, teachers) for keyword in asked})


def _layers(adapter: Adapter, student: Output, teachers: Sequence[Output]) -> nn.ModuleList:
    return nn.ModuleList(
        adapter.build(adapter.reads(student), adapter.reads(teacher)) for teacher in teachers
    )


def adapt(adapters: nn.ModuleDict, student: Output) -> dict[str, list[Tensor]]:
    """The keyword arguments of the loss that asked for `adapters`: what each makes of the student."""
    arguments = {}
    for keyword, each in adapters.items():
        read = ADAPTERS[keyword].reads(student)
        arguments[keyword] = [layer(read) for layer in cast(nn.ModuleList, each)]
    return arguments
