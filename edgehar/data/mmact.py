"""MMAct: 37 actions by 20 people in four scenes, seen by four cameras, felt by a phone and a watch.

Kong et al., "MMAct: A large-scale dataset for cross modal human action understanding", ICCV 2019. More than
36,000 clips. Below the folder every file may lie as deep as it was unpacked: of its path this reader needs
the parts `subject1`, `scene1`, `session1`, a camera's `cam1` above a video, and above a sensor's file a
folder that names sensor and device, such as `acc_watch_clip`, `acc_phone_clip`, `gyro_clip`,
`orientation_clip`; the file's name is the action's, in small letters or not: `carrying.csv`, `carrying.mp4`.
Rows of a sensor are `20181016_13:37:28.612000,x,y,z` (acceleration in m/s^2 at about 100 Hz, gyroscope in
rad/s and orientation at about 50 Hz). Some sensors' files were published empty: these are left out.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.files import read_video
from edgehar.errors import InputError
from edgehar.signals.timestamps import at_rate, parse_times, repair_times

VERSION = 1  # of this reader: what it yields from the same files
RATES_HZ = {"acc": 100.0, "gyro": 50.0, "orientation": 50.0}
UNITS = {"acc": "m/s^2", "gyro": "rad/s", "orientation": "degrees"}
TRAINING_SUBJECTS = 16  # of 20: the paper's cross-subject test, 80 % of the people
OCCLUDED_SCENE = (
    "2"  # in the paper's cross-scene test what was recorded behind an obstacle is left for testing
)
PHONE = "phone"  # where gyroscope and orientation are from: their folders name no device

_PLACE = re.compile(
    r"(?:.*/)?subject(\d+)/(?:(?P<cam>cam\d+)/)?scene(\d+)/session(\d+)/([^/]+)\.(csv|mp4)", re.I
)
_SENSORS = (("acc", "acc"), ("gyr", "gyro"), ("ori", "orientation"))


def read(folder: Path) -> Recordings:
    """List the clips below `folder`: one a subject, scene, session and action, with what was recorded of it.

    Streams are `acc.watch`, `acc.phone`, `gyro.phone`, `orientation.phone`, and `rgb` of the first camera
    that saw the clip, `rgb.cam2` and so on of the others. Warns of empty files, counted. Raises InputError if
    the folder is missing or holds no clip.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: unpack MMAct there, or name the place with --data-dir.")
    found: dict[tuple[str, ...], dict[str, Path]] = {}
    stamps = []
    for path, inside, match, stream in _files(folder):
        subject, _, scene, session, action, _ = match.groups()
        key = (action.lower().replace("_", " "), f"{int(subject)}", f"{int(scene)}", f"{int(session)}")
        found.setdefault(key, {})[stream] = path
        stamps.append([inside, path.stat().st_size, path.stat().st_mtime_ns])
    if not found:
        raise InputError(
            f"{folder} holds no MMAct clip such as acc_watch_clip/subject1/scene1/session1/carrying.csv."
        )
    labels = tuple(sorted({action for action, *_ in found}))
    keys = sorted(found, key=lambda key: (key[0], *map(int, key[1:])))
    return Recordings(
        name="mmact",
        labels=labels,
        clips=tuple(_clip(labels, key, found[key]) for key in keys),
        splits={"cross-subject": _by_subject, "cross-scene": _by_scene},
        version=fingerprint([VERSION, stamps]),
    )


def _files(folder: Path) -> list[tuple[Path, str, re.Match[str], str]]:
    """Every file that holds something of a clip: path, path inside the folder, its parts, and its stream."""
    files, empty = [], []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if (match := _PLACE.fullmatch(inside)) and (stream := _stream(inside, match)):
            if path.stat().st_size:
                files.append((path, inside, match, stream))
            else:
                empty.append(path)
    if empty:
        warnings.warn(f"{folder}: {len(empty)} empty files are left out, such as {empty[0]}.", stacklevel=3)
    return files


def _by_subject(clip: Clip) -> bool:
    return int(clip.subject) <= TRAINING_SUBJECTS


def _by_scene(clip: Clip) -> bool:
    return clip.scene != OCCLUDED_SCENE


def _stream(inside: str, match: re.Match[str]) -> str | None:
    """What a file holds, by its ending and the folders above it; None for what edgehar has no use for."""
    if match[6].lower() == "mp4":
        return f"rgb.{match['cam'] or 'cam1'}".lower()
    above = inside[: match.start(1)].lower()
    for folder in reversed(above.split("/")):  # acc and gyro may lie together below trimmed_acc
        for part, modality in _SENSORS:
            if re.search(rf"(?:^|_){part}", folder):
                return f"{modality}.{'watch' if 'watch' in above else PHONE}"
    return None


def _clip(labels: tuple[str, ...], key: tuple[str, ...], paths: dict[str, Path]) -> Clip:
    action, subject, scene, session = key
    streams: dict[str, Callable[[], Stream]] = {}
    for name, path in sorted(paths.items()):
        modality = name.partition(".")[0]
        if modality != "rgb":
            streams[name] = partial(read_sensor, path, modality)
        else:
            streams["rgb" if "rgb" not in streams else name] = partial(read_video, path)
    id = f"{action.replace(' ', '-')}_s{subject}_c{scene}_n{session}"
    return Clip(id, labels.index(action), subject, session, streams, session=session, scene=scene)


def read_sensor(path: Path, modality: str = "acc") -> Stream:
    """One sensor's file as values (T, 3) at an even rate, its stamps repaired.

    Raises InputError for a file that is missing, empty or not of rows `time,x,y,z`.
    """
    try:
        lines = [line.split(",") for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): copy it again.") from None
    if len(lines) < 2:
        raise InputError(f"{path} holds {len(lines)} samples, and a movement needs two: remove the clip.")
    for number, row in enumerate(lines, 1):
        if len(row) != 4:
            raise InputError(
                f"{path} line {number} has {len(row)} columns, expected time,x,y,z: copy it again."
            )
    rate_hz = RATES_HZ[modality]
    times = parse_times([row[0] for row in lines], nominal_hz=rate_hz, where=str(path))
    try:
        values = np.array([row[1:] for row in lines], np.float64)
    except ValueError as error:
        raise InputError(f"{path} holds something that is no number ({error}): copy it again.") from None
    seconds, values, _ = repair_times(times.seconds, values, where=str(path))
    return Stream(at_rate(seconds, values, rate_hz), rate_hz, UNITS[modality])
