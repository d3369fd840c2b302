"""The embedded data set: 12 actions x 8 people x 4 trials, felt, tracked and drawn from one moving body.

Nothing is read: everything is computed in seconds when a stream is first asked for, the same on every
run and whatever the training seed, and kept in the cache folder.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgehar.cache import cache_dir, write_atomic
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.synthetic import draw, people, wrist
from edgehar.data.synthetic.body import JOINTS, Pose, pose
from edgehar.data.synthetic.motions import ACTIONS
from edgehar.data.synthetic.people import Draw
from edgehar.data.synthetic.perform import perform, waves

VERSION = "1"  # of the values: raise it with every change of theirs
SAMPLES, RATE_HZ = 128, 50.0
FRAMES, FRAME_HZ = 32, 12.5
_FINE_HZ = 200.0  # the body moves in finer steps than its sensor samples
_FINE = round(_FINE_HZ / RATE_HZ)
_MARGIN = wrist.REACH + 1  # fine instants before the first sample and after the last: filter, derivative


class Key(NamedTuple):
    """One clip: the action's index, subject and trial from 1."""

    action: int
    subject: int
    trial: int


KEYS = tuple(
    Key(action, subject, trial)
    for action in range(len(ACTIONS))
    for subject in range(1, people.SUBJECTS + 1)
    for trial in range(1, people.TRIALS + 1)
)


def read(data_dir: Path | None = None) -> Recordings:
    """The embedded data set; there is no folder to read, so `data_dir` is not looked at.

    Streams of a clip: acc and gyro (128, 3) and skeleton (128, 20, 3) at 50 Hz, depth (32, 64, 48, 1)
    at 12.5 Hz. The watch is on the right wrist.
    """
    kept: dict[str, dict[str, np.ndarray]] = {}
    return Recordings(
        name="synthetic",
        labels=tuple(action.name for action in ACTIONS),
        clips=tuple(_clip(row, key, kept) for row, key in enumerate(KEYS)),
        splits={
            "cross-subject": lambda clip: int(clip.subject) % 2 == 1,
            "cross-trial": lambda clip: int(clip.trial) <= 2,
        },
        version=VERSION,
    )


def move(key: Key) -> Pose:
    """The clip's moving body at 200 Hz, 21 instants before the first sample until 21 after the last."""
    time = (np.arange((SAMPLES - 1) * _FINE + 1 + 2 * _MARGIN) - _MARGIN) / _FINE_HZ
    rng = people.generator(Draw.BODY, *key)
    who = people.person(key.subject)
    action = people.habit(who, key.action, ACTIONS[key.action])
    angles = perform(action, people.manner(who, key.action, action, key.trial), time)
    for name, moved in people.fidget(rng, time).items():
        angles[name] = angles[name] + moved
    place, turn = people.stand(rng, time)
    angles["turn"] = angles["turn"] + turn
    return pose(who.build, angles, place)


def feel(key: Key, body: Pose, flaws: wrist.Flaws) -> tuple[np.ndarray, np.ndarray]:
    """What the clip's watch says of the moving body: acc in m/s^2 and gyro in rad/s, (128, 3) float32."""
    attitude = body.wrist @ people.person(key.subject).strap
    felt = wrist.feel(body.joints[:, JOINTS.index("right_wrist")], attitude, _FINE_HZ)
    acc, gyro = (wrist.sample(values, _FINE_HZ, _FINE) for values in felt)
    return wrist.spoil(acc, gyro, flaws, people.generator(Draw.SENSOR, *key))


def track(key: Key, body: Pose) -> np.ndarray:
    """The joints (128, 20, 3) float32 in m as a tracker finds them: they wander by centimetres."""
    rng = people.generator(Draw.TRACKER, *key)
    joints = body.joints[_MARGIN:-_MARGIN:_FINE]
    hz = rng.uniform(0.1, 1.0, (joints[0].size, 3))
    error = waves(rng, rng.normal(0, 0.03, hz.shape), hz, np.arange(SAMPLES) / RATE_HZ)
    jitter = rng.normal(0, 0.01, joints.shape)
    return (joints + error.T.reshape(joints.shape) + jitter).astype(np.float32)


def film(key: Key, body: Pose) -> np.ndarray:
    """The clip's depth video (32, 64, 48, 1) uint8, 0 to 5 m."""
    every = round(_FINE_HZ / FRAME_HZ)
    girth = people.person(key.subject).build.girth
    rng = people.generator(Draw.CAMERA, *key)
    return draw.depth_video(
        body.joints[_MARGIN::every][:FRAMES], girth, draw.Camera(floor=people.CAMERA_HEIGHT), rng
    )


def _clip(row: int, key: Key, kept: dict[str, dict[str, np.ndarray]]) -> Clip:
    def stream(name: str, made_by: str, rate_hz: float, unit: str) -> Callable[[], Stream]:
        return lambda: Stream(_arrays(made_by, kept)[name][row], rate_hz, unit)

    return Clip(
        id=f"a{key.action + 1}_s{key.subject}_t{key.trial}",
        label=key.action,
        subject=str(key.subject),
        trial=str(key.trial),
        streams={
            "acc": stream("acc", "motion", RATE_HZ, "m/s^2"),
            "gyro": stream("gyro", "motion", RATE_HZ, "rad/s"),
            "skeleton": stream("skeleton", "motion", RATE_HZ, "m"),
            "depth": stream("depth", "film", FRAME_HZ, "5 m / 255"),
        },
    )


def _motion() -> dict[str, np.ndarray]:
    rows = []
    for key in KEYS:
        body = move(key)
        rows.append((*feel(key, body, wrist.Flaws()), track(key, body)))
    return dict(zip(("acc", "gyro", "skeleton"), map(np.stack, zip(*rows, strict=True)), strict=True))


def _film() -> dict[str, np.ndarray]:
    return {"depth": np.stack([film(key, move(key)) for key in KEYS])}


_MAKERS = {"motion": _motion, "film": _film}
_SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "motion": {"acc": (SAMPLES, 3), "gyro": (SAMPLES, 3), "skeleton": (SAMPLES, len(JOINTS), 3)},
    "film": {"depth": (FRAMES, draw.Camera.height, draw.Camera.width, 1)},
}


def _arrays(name: str, kept: dict[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """All clips' arrays by stream: from memory, else from the cache folder, else made."""
    if name not in kept:
        path = cache_dir() / "synthetic" / f"{name}-{VERSION}.npz"
        shapes = {stream: (len(KEYS), *shape) for stream, shape in _SHAPES[name].items()}
        kept[name] = _load(path, shapes) or _keep(path, _MAKERS[name]())
    return kept[name]


def _load(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray] | None:
    """The arrays of a cache file, or None where there is none or it is damaged (zip files have sums)."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as members:
            arrays = {stream: members[stream] for stream in members.files}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return arrays if {stream: values.shape for stream, values in arrays.items()} == shapes else None


def _keep(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    try:
        write_atomic(path, lambda part: np.savez(part, **arrays))  # type: ignore[arg-type]
    except OSError as error:
        warnings.warn(f"{path} could not be written ({error}); it is made again next time.", stacklevel=2)
    return arrays
