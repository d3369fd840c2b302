"""Who moves, and how: eight people of different build, habits and watch straps, and their trials.

Everything is drawn from generators seeded by fixed numbers, never by a training seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from edgehar.data.synthetic.body import ANGLES, Build, build_of
from edgehar.data.synthetic.motions import REST, Action, Angles
from edgehar.data.synthetic.perform import Manner, shared, waves

SUBJECTS = 8
TRIALS = 4
CAMERA_HEIGHT = 0.95  # m above the floor
_SEED = 20150927
_WAVES = 3
# Standard deviations of the resting posture in rad, where they differ from _SLACK.
_SLACK = 0.07
_FIRM = {"turn": 0.0, "lean": 0.02, "thigh": 0.03, "knee": 0.05, "apart": 0.02}


class Draw(IntEnum):
    """What is drawn, so that a change to one leaves the others as they are."""

    PERSON = 0
    HABIT = 1
    TRIAL = 2
    BODY = 3
    SENSOR = 4
    TRACKER = 5
    CAMERA = 6


def generator(draw: Draw, *key: int) -> np.random.Generator:
    """A generator of its own for everything that is drawn."""
    return np.random.default_rng((_SEED, draw, *key))


@dataclass(frozen=True)
class Person:
    """tempo and reach: factors on speed and size of all movements. rest: rad by angle, the posture.

    strap: (3, 3), its columns the sensor's axes in the wrist's (`Pose.wrist`): how the watch sits.
    """

    number: int
    build: Build
    tempo: float
    reach: float
    rest: Angles
    strap: np.ndarray


def person(number: int) -> Person:
    """Subject `number`, from 1."""
    rng = generator(Draw.PERSON, number)
    return Person(
        number=number,
        build=build_of(
            rng.uniform(1.52, 1.92),
            arms=rng.uniform(0.94, 1.06),
            legs=rng.uniform(0.95, 1.05),
            girth=rng.uniform(0.85, 1.2),
        ),
        tempo=float(np.exp(rng.normal(0, 0.16))),
        reach=float(np.exp(rng.normal(0, 0.08))),
        rest={name: REST.get(name, 0.0) + rng.normal(0, _slack(name)) for name in ANGLES},
        strap=turned(rng.normal(0, (0.45, 0.15, 0.15))),
    )


def habit(who: Person, number: int, action: Action) -> Action:
    """This person's own way of action `number`, the same in every trial."""
    rng = generator(Draw.HABIT, who.number, number)
    action = shared(action, rng.uniform(0.8, 1.0) if action.two_handed else rng.uniform(0.0, 0.25))
    tempo = who.tempo * float(np.exp(rng.normal(0, 0.1)))
    gain = _factors(rng, action.moved, 0.09)
    offset = _normals(rng, action.moved, 0.08)
    swing = _factors(rng, action.swing, 0.15)
    lag = _normals(rng, action.swing, 0.05)

    def own(pose: Angles) -> Angles:
        rest = {name: REST.get(name, 0.0) for name in pose}
        return {n: rest[n] + who.reach * gain[n] * (rad - rest[n]) + offset[n] for n, rad in pose.items()}

    return replace(
        action,
        poses=tuple((reach / tempo, stay / tempo, own(pose)) for reach, stay, pose in action.poses),
        swing={n: (who.reach * swing[n] * rad, at + lag[n]) for n, (rad, at) in action.swing.items()},
        swing_hz=action.swing_hz * tempo,
        back=action.back / tempo,
    )


def manner(who: Person, number: int, action: Action, trial: int) -> Manner:
    """What chance makes of this person's action `number` in this trial."""
    rng = generator(Draw.TRIAL, who.number, number, trial)
    return Manner(
        start=rng.uniform(0.1, 0.45),
        tempo=float(np.exp(rng.normal(0, 0.07))),
        size=float(np.exp(rng.normal(0, 0.06))),
        phase=rng.uniform(0, 1),
        rest={name: rad + rng.normal(0, 0.03) for name, rad in who.rest.items()},
        offset=_normals(rng, action.moved, 0.04),
    )


def fidget(rng: np.random.Generator, time: np.ndarray) -> dict[str, np.ndarray]:
    """Small smooth movements of every joint that mean nothing: rad (n,) by angle."""
    hz = rng.uniform(0.3, 2.0, (len(ANGLES), _WAVES))
    moved = waves(rng, rng.normal(0, 0.012, hz.shape) / hz, hz, time)
    return dict(zip(ANGLES, moved, strict=True))


def stand(rng: np.random.Generator, time: np.ndarray) -> tuple[np.ndarray, float]:
    """Where the body stands, (n, 3) m in the camera's frame with a slow sway, and its turn in rad.

    It faces past the camera, with its left side nearer, so that hands held forward are seen.
    """
    place = np.array([rng.uniform(-0.06, 0.06), -CAMERA_HEIGHT, rng.uniform(2.65, 2.85)])
    turn = rng.normal(-0.45, 0.08)
    sway = waves(rng, np.array([[0.01], [0.0], [0.01]]), rng.uniform(0.2, 0.6, (3, 1)), time)
    return place + sway.T, turn


def turned(vector: Sequence[float] | np.ndarray) -> np.ndarray:
    """The rotation by |vector| rad about `vector` (3,), not zero: (3, 3), by Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    x, y, z = np.asarray(vector) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _slack(name: str) -> float:
    return _FIRM.get(name.rsplit("_", 1)[-1], _SLACK)


def _normals(rng: np.random.Generator, names: Iterable[str], spread: float) -> dict[str, float]:
    return {name: float(rng.normal(0, spread)) for name in names}


def _factors(rng: np.random.Generator, names: Iterable[str], spread: float) -> dict[str, float]:
    return {name: float(np.exp(rng.normal(0, spread))) for name in names}
