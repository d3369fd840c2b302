"""UTD-MHAD: 27 actions by 8 people, 4 trials each, seen by a Kinect and felt by one inertial sensor.

Chen, Jafari, Kehtarnavaz, "UTD-MHAD: A multimodal dataset for human action recognition utilizing a
depth camera and a wearable inertial sensor", ICIP 2015. 861 clips. The sensor sat on the right wrist
for actions 1 to 21 and on the right thigh for 22 to 27. Expected below the folder, as published:
`Inertial/a1_s1_t1_inertial.mat`, `Skeleton/a1_s1_t1_skeleton.mat`, `Depth/a1_s1_t1_depth.mat`, and
where there is colour video `RGB/a1_s1_t1_color.avi`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.files import read_mat, read_video
from edgehar.data.units import GRAVITY
from edgehar.errors import InputError

VERSION = 1  # of this reader: what it yields from the same files
INERTIAL_HZ = 50.0
KINECT_HZ = 30.0
DEPTH_RANGE_MM = 5000.0
# The Kinect stood still: this part of its 240 x 320 picture holds every person whole.
DEPTH_ROWS, DEPTH_COLUMNS = slice(8, 240), slice(80, 224)

LABELS = (
    "swipe left", "swipe right", "wave", "clap", "throw", "cross arms", "basketball shoot",
    "draw x", "draw circle clockwise", "draw circle counter clockwise", "draw triangle", "bowling",
    "boxing", "baseball swing", "tennis swing", "arm curl", "tennis serve", "push", "knock", "catch",
    "pick up and throw", "jog", "walk", "sit to stand", "stand to sit", "lunge", "squat",
)  # fmt: skip

JOINTS = (
    "head", "shoulder_center", "spine", "hip_center", "left_shoulder", "left_elbow", "left_wrist",
    "left_hand", "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee",
    "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot",
)  # fmt: skip

_FILES = {
    "acc": ("Inertial", "inertial.mat"),
    "gyro": ("Inertial", "inertial.mat"),
    "skeleton": ("Skeleton", "skeleton.mat"),
    "depth": ("Depth", "depth.mat"),
    "rgb": ("RGB", "color.avi"),
}
_NAME = re.compile(r"a(\d+)_s(\d+)_t(\d+)_")


def read(data_dir: Path | None = None) -> Recordings:
    """List the clips below `data_dir`; streams are read when asked for.

    Raises InputError if the folder is missing or holds no clip.
    """
    folder = Path(data_dir) if data_dir else Path("data/UTD-MHAD")
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder: put UTD-MHAD's Inertial, Skeleton and Depth folders there, "
            "or name the place with --data-dir."
        )
    found: dict[tuple[int, int, int], dict[str, Path]] = {}
    for modality, (subfolder, ending) in _FILES.items():
        for path in folder.glob(f"{subfolder}/*_{ending}"):
            if match := _NAME.match(path.name):
                action, subject, trial = map(int, match.groups())
                found.setdefault((action, subject, trial), {})[modality] = path
    if not found:
        raise InputError(f"{folder} holds no UTD-MHAD clip such as Inertial/a1_s1_t1_inertial.mat.")
    unknown = [key for key in found if not 1 <= key[0] <= len(LABELS)]
    if unknown:
        raise InputError(f"{folder} holds action {unknown[0][0]}, but UTD-MHAD has 1 to {len(LABELS)}.")
    return Recordings(
        name="utd-mhad",
        labels=LABELS,
        clips=tuple(_clip(*key, found[key]) for key in sorted(found)),
        splits={
            "cross-subject": lambda clip: int(clip.subject) % 2 == 1,
            "cross-trial": lambda clip: int(clip.trial) <= 2,
        },
        version=fingerprint([VERSION, [_stamp(p) for key in sorted(found) for p in found[key].values()]]),
    )


def _stamp(path: Path) -> tuple[str, int, int]:
    """What changes when a file is repaired or replaced, so that nothing made of the old one is used."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path} is a link to a missing file: fetch it or remove the link.") from None
    return path.name, seen.st_size, seen.st_mtime_ns


def _clip(action: int, subject: int, trial: int, paths: dict[str, Path]) -> Clip:
    streams: dict[str, Callable[[], Stream]] = {m: partial(_READERS[m], path) for m, path in paths.items()}
    return Clip(f"a{action}_s{subject}_t{trial}", action - 1, str(subject), str(trial), streams)


def _inertial(path: Path) -> np.ndarray:
    values = read_mat(path, "d_iner").astype(np.float32)
    if values.ndim != 2 or values.shape[1] != 6 or len(values) < 2:
        raise InputError(f"{path}: d_iner has shape {values.shape}, expected (samples, 6).")
    return values


def read_acc(path: Path) -> Stream:
    """Acceleration (T, 3) in m/s^2 at 50 Hz; the file holds g."""
    return Stream(_inertial(path)[:, :3] * np.float32(GRAVITY), INERTIAL_HZ, "m/s^2")


def read_gyro(path: Path) -> Stream:
    """Angular rate (T, 3) in rad/s at 50 Hz; the file holds degrees a second."""
    return Stream(np.deg2rad(_inertial(path)[:, 3:]), INERTIAL_HZ, "rad/s")


def read_skeleton(path: Path) -> Stream:
    """Twenty joints (T, 20, 3) in m at 30 Hz, in the order of JOINTS."""
    values = read_mat(path, "d_skel")
    if values.ndim != 3 or values.shape[:2] != (20, 3):
        raise InputError(f"{path}: d_skel has shape {values.shape}, expected (20, 3, frames).")
    return Stream(np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32), KINECT_HZ, "m")


def read_depth(path: Path) -> Stream:
    """Depth video (T, 232, 144, 1) uint8, 0 to 5 m, 0 where the Kinect saw no person, at 30 Hz."""
    values = read_mat(path, "d_depth")
    if values.ndim != 3 or values.shape[:2] != (240, 320):
        raise InputError(f"{path}: d_depth has shape {values.shape}, expected (240, 320, frames).")
    person = values[DEPTH_ROWS, DEPTH_COLUMNS].transpose(2, 0, 1)[..., None]
    metres = np.clip(person.astype(np.float32) * (255.0 / DEPTH_RANGE_MM), 0, 255)
    return Stream(np.round(metres).astype(np.uint8), KINECT_HZ, "5 m / 255")


def read_rgb(path: Path) -> Stream:
    """Colour video (T, H, W, 3) uint8 with the rate that the file states."""
    return read_video(path)


_READERS: dict[str, Callable[[Path], Stream]] = {
    "acc": read_acc,
    "gyro": read_gyro,
    "skeleton": read_skeleton,
    "depth": read_depth,
    "rgb": read_rgb,
}
