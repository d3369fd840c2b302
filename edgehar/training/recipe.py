"""How one network is trained: a frozen record that is part of every cache key and of config.json."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """AdamW under a one-cycle learning rate, and the augmentation.

    epochs, batch: counts. lr: peak learning rate. mixup: Beta(mixup, mixup) per batch row, 0 for none.
    warp, trim: time (see signals.augment). rotation: radians; scale: of the logarithm; noise: m/s^2;
    shift, zoom: fractions of the picture. turn: of a skeleton about the vertical, radians; stretch: of
    its axes, of the logarithm; joint_noise: m (of joints found in a video: sizes of the body). pose: weight
    of the joints' error, of a teacher that watches recordings which hold a skeleton too (see training.pose).
    precision: Lightning's, or `auto` (bf16-mixed where the processor multiplies bf16 in hardware, else
    32-true).
    """

    epochs: int
    batch: int = 32
    lr: float = 4e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    mixup: float = 0.0
    warp: float = 0.0
    trim: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    noise: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    stretch: float = 0.0
    joint_noise: float = 0.0
    pose: float = 0.0
    precision: str = "32-true"

    def as_seen(self) -> Recipe:
        """The same with skeletons left as they are, so that they fit the video of their clip."""
        return replace(self, turn=0.0, stretch=0.0, joint_noise=0.0)

    def told(self) -> dict[str, Any]:
        """What differs from the defaults: names it in a key, also once recipes have more."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in vars(self).items() if value != defaults[name]}
