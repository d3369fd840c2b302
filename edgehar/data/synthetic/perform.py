"""From an action to joint angles over time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgehar.data.synthetic.body import ARM
from edgehar.data.synthetic.motions import REST, Action, Angles

_BLEND = 1.2  # a movement begins to leave a pose before it has quite arrived


@dataclass(frozen=True)
class Manner:
    """How an action is done this time.

    start: s until it begins. tempo: factor on its speed. size: factor on what is left of rest.
    phase: cycles, where its swing begins. rest: rad by angle, the posture. offset: rad by angle, added
    to every pose that moves it.
    """

    start: float = 0.3
    tempo: float = 1.0
    size: float = 1.0
    phase: float = 0.0
    rest: Angles = field(default_factory=lambda: REST)
    offset: Angles = field(default_factory=dict)


def perform(action: Action, manner: Manner, time: np.ndarray) -> dict[str, np.ndarray]:
    """The angles (n,) in rad by name at `time` (n,) s, twice continuously differentiable."""
    own = (time - manner.start) * manner.tempo
    angles = {name: np.full(len(time), rad) for name, rad in manner.rest.items()}
    for name in action.moved:
        angles[name] = _path(action, manner, name, own)
    for name, (rad, lag) in action.swing.items():
        cycles = action.swing_hz * own + manner.phase + lag
        swing = manner.size * rad * _swinging(action, own) * np.sin(2 * np.pi * cycles)
        angles[name] = angles.get(name, 0.0) + swing
    return angles


def shared(action: Action, share: float) -> Action:
    """The same action, and the idle arm does `share` (0 to 1) of what the other arm does.

    Where both arms have a part, it is the left that does only `share` of what the right does.
    """
    busy, idle = ("right", "left") if "right_elbow" in action.moved else ("left", "right")
    twin = {f"{busy}_{name}": f"{idle}_{name}" for name in ARM} if f"{busy}_elbow" in action.moved else {}

    def joined(pose: Angles) -> Angles:
        rest = {name: REST.get(name, 0.0) for name in pose}
        return {
            **pose,
            **{twin[n]: rest[n] + share * (rad - rest[n]) for n, rad in pose.items() if n in twin},
        }

    swing = {twin[name]: (share * rad, lag) for name, (rad, lag) in action.swing.items() if name in twin}
    poses = tuple((reach, stay, joined(pose)) for reach, stay, pose in action.poses)
    return replace(action, poses=poses, swing={**action.swing, **swing})


def step(time: np.ndarray, start: float, duration: float) -> np.ndarray:
    """The minimum-jerk way from 0 to 1 over `duration` s: (n,), 0 before `start`, 1 afterwards."""
    u = np.clip((time - start) / duration, 0.0, 1.0)
    return u**3 * (10 - 15 * u + 6 * u**2)


def waves(rng: np.random.Generator, size: np.ndarray, hz: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Smooth wandering (k, n): sums of waves with amplitudes (k, w), rates (k, w) and random phases."""
    start = rng.uniform(0, 2 * np.pi, hz.shape)
    return (size[..., None] * np.sin(2 * np.pi * hz[..., None] * time + start[..., None])).sum(axis=1)


def _path(action: Action, manner: Manner, name: str, own: np.ndarray) -> np.ndarray:
    """One angle's way through all poses and back to rest."""
    rest = manner.rest.get(name, 0.0)
    way = np.full(len(own), rest)
    at, before = 0.0, rest
    for seconds, stay, pose in (*action.poses, (action.back, 0.0, {})):
        after = rest
        if name in pose:
            after += manner.size * (pose[name] - REST.get(name, 0.0)) + manner.offset.get(name, 0.0)
        way += (after - before) * step(own, at, _BLEND * seconds)
        at, before = at + seconds + stay, after
    return way


def _swinging(action: Action, own: np.ndarray) -> np.ndarray:
    """0 to 1: the swing sets in while the first pose is taken and fades as it is left."""
    reach, stay, _ = action.poses[0]
    return step(own, 0.5 * reach, 0.5 * reach) - step(own, reach + stay, 0.6 * action.back)
