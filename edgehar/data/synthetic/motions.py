"""What the body does: every action as poses taken one after the other and a swing about the first.

All is smooth: poses are joined by minimum-jerk steps (Flash and Hogan 1985, eq. 3), whose second
derivative is continuous, because a wrist's acceleration is taken from them.

Actions come in pairs that the right wrist feels almost alike and a camera tells apart: one hand or
both, the left hand or a foot, from the back or from the knees, from one side or from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Angles = Mapping[str, float]

# How a body stands when it does nothing: rad by angle, 0 for those left out.
REST: Angles = {
    "bend": 0.03,
    **{
        f"{side}_{name}": rad
        for side in ("left", "right")
        for name, rad in (
            *(("spread", 0.12), ("elbow", 0.25), ("palm", 0.2), ("wrist", 0.1)),
            *(("thigh", 0.05), ("apart", 0.06), ("knee", 0.1)),
        )
    },
}


@dataclass(frozen=True)
class Action:
    """poses: (s to reach it, s to stay, rad by angle that leaves rest) in turn; then rest, `back` s later.

    swing: angles that oscillate while the first pose is held, `swing_hz` times a second: (amplitude in
    rad, lag in cycles) by angle.
    """

    name: str
    poses: tuple[tuple[float, float, Angles], ...]
    swing: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    swing_hz: float = 0.0
    back: float = 0.5

    @property
    def moved(self) -> tuple[str, ...]:
        """The names of all angles that leave rest for a pose."""
        return tuple(sorted({name for _, _, pose in self.poses for name in pose}))

    @property
    def two_handed(self) -> bool:
        """Whether both arms have a part in it."""
        return {"left_elbow", "right_elbow"} <= set(self.moved)


def _of(*sides: str, **values: Any) -> dict[str, Any]:
    return {f"{side}_{name}": value for name, value in values.items() for side in sides}


_BOTH = ("left", "right")
_WAVE = {"spread": 1.2, "lift": 0.3, "roll": -1.3, "elbow": 1.5, "palm": 0.5}
_WAVE_SWING = {"elbow": (0.35, 0.0), "roll": (0.2, 0.25)}
_RAP = {"lift": 0.7, "elbow": 1.45, "roll": 0.3, "palm": 0.2}
_CLAP_SWING = {"roll": (0.22, 0.0), "elbow": (0.12, 0.25)}
_KNOCK_SWING = {"elbow": (0.2, 0.0), "roll": (0.15, 0.15)}
_COCK = {"lift": 2.5, "elbow": 1.5, "palm": 0.4}
_RELEASE = {"lift": 1.2, "elbow": 0.3, "palm": 0.8}
_REACH = {"lift": 1.15, "elbow": 0.45, "palm": 0.9, "spread": 0.0}
_DOWN = _of("right", lift=1.0, elbow=0.1)
_OUT, _ACROSS = _of("right", **_REACH, cross=-0.6), _of("right", **_REACH, cross=0.7)

ACTIONS = (
    Action(
        "wave",
        ((0.5, 1.2, {"lean": 0.2, **_of("right", **_WAVE)}),),
        {"lean": (0.08, 0.5), **_of("right", **_WAVE_SWING)},
        swing_hz=2.0,
    ),
    Action(
        "wave both hands",
        ((0.5, 1.2, _of(*_BOTH, **_WAVE)),),
        _of(*_BOTH, **_WAVE_SWING),
        swing_hz=2.0,
    ),
    Action(
        "wave left hand",
        ((0.5, 1.2, {"lean": -0.1, **_of("left", **_WAVE)}),),
        {"lean": (0.04, 0.5), "twist": (0.04, 0.0), **_of("left", **_WAVE_SWING)},
        swing_hz=2.0,
    ),
    Action(
        "kick",
        (
            (0.45, 0.0, {"twist": 0.1, **_of("right", thigh=1.0, knee=1.5, lift=0.2)}),
            (0.3, 0.05, {"twist": -0.15, "bend": -0.1, **_of("right", thigh=1.3, knee=0.2, lift=-0.25)}),
            (0.3, 0.0, _of("right", thigh=0.9, knee=1.5)),
        ),
    ),
    Action(
        "clap",
        ((0.5, 1.2, _of(*_BOTH, **_RAP)),),
        _of(*_BOTH, **_CLAP_SWING),
        swing_hz=2.4,
    ),
    Action(
        "knock",
        ((0.5, 1.2, {"twist": 0.1, **_of("right", **_RAP)}),),
        {"twist": (0.03, 0.1), **_of("right", **_KNOCK_SWING)},
        swing_hz=2.4,
    ),
    Action(
        "throw",
        (
            (0.5, 0.05, {"twist": -0.15, "bend": -0.1, **_of("right", **_COCK)}),
            (0.4, 0.1, {"twist": 0.2, "bend": 0.2, **_of("right", **_RELEASE)}),
        ),
        back=0.6,
    ),
    Action(
        "throw with both hands",
        (
            (0.5, 0.05, {"bend": -0.15, **_of(*_BOTH, **_COCK)}),
            (0.4, 0.1, {"bend": 0.3, **_of(*_BOTH, **_RELEASE)}),
        ),
        back=0.6,
    ),
    Action("swipe left", ((0.5, 0.1, _OUT), (0.45, 0.1, _ACROSS))),
    Action("swipe right", ((0.5, 0.1, _ACROSS), (0.45, 0.1, _OUT))),
    Action(
        "pick up",
        (
            (0.8, 0.15, {"bend": 1.25, "nod": 0.2, **_of(*_BOTH, thigh=0.7, knee=0.9), **_DOWN}),
            (0.6, 0.1, {"bend": 0.2, **_of("right", lift=0.3, elbow=1.2)}),
        ),
    ),
    Action(
        "squat",
        ((0.8, 0.15, {"bend": 0.6, **_of(*_BOTH, lift=1.2, elbow=0.2, thigh=1.6, knee=1.9)}),),
        back=0.8,
    ),
)
