"""What a system of the papers is, in edgehar's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Method:
    """teachers: the kinds it accepts. schedule: `pretrained` (teachers first, then frozen)
    or `progressive` (teachers and student in turns). loss: a name
    of edgehar.losses. weights: the loss's keywords, over the loss's own defaults."""

    name: str
    paper: str
    teachers: tuple[str, ...]
    schedule: str
    loss: str
    weights: Mapping[str, float | str] = field(default_factory=dict)
