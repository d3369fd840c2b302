"""WISDM: an accelerometer in the pocket, and since 2019 a second one on the wrist, at 20 Hz.

Kwapisz, Weiss, Moore, "Activity recognition using cell phone accelerometers", SIGKDD Explorations 2010: six
activities of 36 people in one file, `WISDM_ar_v1.1_raw.txt`, rows `user,activity,timestamp,x,y,z;`. Weiss,
Yoneda, Hayajneh, "Smartphone and smartwatch-based biometrics using activities of daily living", IEEE Access
2019: 18 activities of 51 people, a file for each in `raw/phone/accel/data_1600_accel_phone.txt` and
`raw/watch/accel/data_1600_accel_watch.txt`, rows `1600,A,252207666810782,-0.36,8.79,1.05;`. Both in m/s^2.

A person does one thing for minutes; here a clip is ten seconds of it, as in both papers. In the files of 2010
some rows have no value, some lines two rows, some stamps are 0: what cannot be used is counted in a warning.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.errors import InputError
from edgehar.signals.timestamps import at_rate, repair_times

VERSION = 1  # of this reader: what it yields from the same files
RATE_HZ = 20.0
CLIP_S = 10.0
PAUSE_S = 1.0  # longer between two samples, and a new piece begins
OF_2010 = ("Downstairs", "Jogging", "Sitting", "Standing", "Upstairs", "Walking")
OF_2019 = {
    "A": "walking", "B": "jogging", "C": "stairs", "D": "sitting", "E": "standing", "F": "typing",
    "G": "brushing teeth", "H": "eating soup", "I": "eating chips", "J": "eating pasta", "K": "drinking",
    "L": "eating sandwich", "M": "kicking", "O": "playing catch", "P": "dribbling", "Q": "writing",
    "R": "clapping", "S": "folding clothes",
}  # fmt: skip
_ROW = re.compile(
    r"(\d+),([A-Za-z]+),(\d+),(-?[\d.]+(?:[eE]-?\d+)?),(-?[\d.]+(?:[eE]-?\d+)?),(-?[\d.]+(?:[eE]-?\d+)?)"
)
_FILE = re.compile(r"data_(\d+)_accel_(phone|watch)\.txt")


@dataclass(frozen=True)
class _Piece:
    """Ten seconds of one person's activity: rows `first` to `last` of a file."""

    subject: str
    activity: str
    number: int
    path: Path
    first: int
    last: int


def read(folder: Path) -> Recordings:
    """List the clips in `folder`, of 2010 (stream `acc`) or of 2019 (`acc.phone` and `acc.watch`).

    Phone and watch have clocks of their own: their clips are paired by the time since the activity began.
    Raises InputError if the folder is missing or holds neither file.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: unpack WISDM there, or name the place with --data-dir.")
    old = sorted(folder.rglob("WISDM_ar_v1.1_raw.txt"))
    new = {
        path: match
        for path in sorted(folder.rglob("data_*_accel_*.txt"))
        if (match := _FILE.fullmatch(path.name))
    }
    if bool(old) == bool(new):
        what = (
            "files of both 2010 and 2019"
            if old
            else "neither WISDM_ar_v1.1_raw.txt nor data_1600_accel_watch.txt"
        )
        raise InputError(f"{folder} holds {what}: name the folder of one of them with --data-dir.")
    streams = {old[0]: "acc"} if old else {path: f"acc.{match[2]}" for path, match in new.items()}
    found: dict[tuple[str, str, int], dict[str, _Piece]] = {}
    for path, stream in streams.items():
        for piece in _pieces(path):
            found.setdefault((piece.subject, piece.activity, piece.number), {})[stream] = piece
    labels = OF_2010 if old else tuple(OF_2019.values())
    stamps = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in streams]
    return Recordings(
        name="wisdm",
        labels=labels,
        clips=tuple(_clip(labels, key, found[key]) for key in sorted(found, key=_order)),
        splits={},
        version=fingerprint([VERSION, stamps]),
    )


def _order(key: tuple[str, str, int]) -> tuple[int, str, int]:
    return int(key[0]), key[1], key[2]


def _clip(labels: tuple[str, ...], key: tuple[str, str, int], pieces: dict[str, _Piece]) -> Clip:
    subject, activity, number = key
    streams: dict[str, Callable[[], Stream]] = {name: partial(_acc, each) for name, each in pieces.items()}
    name = f"{activity.replace(' ', '-')}_s{subject}_{number}"
    return Clip(name, labels.index(activity), subject, str(number), streams)


def _acc(piece: _Piece) -> Stream:
    """Acceleration (200, 3) in m/s^2 at 20 Hz."""
    seen = piece.path.stat()
    _, _, seconds, values = _rows(piece.path, seen.st_size, seen.st_mtime_ns)
    rows = slice(piece.first, piece.last)
    where = f"{piece.path}, {piece.activity} of subject {piece.subject}, piece {piece.number}"
    times, kept, _ = repair_times(seconds[rows] - seconds[piece.first], values[rows], where=where)
    return Stream(
        at_rate(times, kept, RATE_HZ, float(times[0]), float(times[0]) + CLIP_S - 1 / RATE_HZ),
        RATE_HZ,
        "m/s^2",
    )


def _pieces(path: Path) -> Iterator[_Piece]:
    """Every ten seconds without a pause; what is left over of a stretch is too short for a clip."""
    seen = path.stat()
    subjects, activities, seconds, _ = _rows(path, seen.st_size, seen.st_mtime_ns)
    steps = np.diff(seconds)
    new = (
        (subjects[1:] != subjects[:-1])
        | (activities[1:] != activities[:-1])
        | (steps <= 0)
        | (steps > PAUSE_S)
    )
    begins = np.concatenate([[0], np.flatnonzero(new) + 1, [len(seconds)]])
    count: dict[tuple[str, str], int] = {}
    for begin, end in pairwise(begins):
        stretch = seconds[begin:end] - seconds[begin]
        who = (str(subjects[begin]), str(activities[begin]))
        for number in range(int((stretch[-1] + 1 / RATE_HZ) // CLIP_S)):
            first, last = np.searchsorted(stretch, [number * CLIP_S, (number + 1) * CLIP_S])
            if last - first < CLIP_S * RATE_HZ / 2:
                continue
            count[who] = count.get(who, 0) + 1
            yield _Piece(*who, count[who], path, int(begin + first), int(begin + last))


@lru_cache(maxsize=4)
def _rows(path: Path, size: int, changed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A file's rows: subjects (T,), activities' names (T,), times (T,) in s, and values (T, 3) in m/s^2."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): copy it again.") from None
    rows = _ROW.findall(text.replace(" ", ""))
    unreadable = sum(1 for part in re.split(r"[;\n]+", text) if part.strip(" ,\r")) - len(rows)
    stamped = [row for row in rows if row[2] != "0"]
    if not stamped:
        raise InputError(
            f"{path} holds no row such as 33,Jogging,49105962326000,-0.69,12.68,0.50;: copy it again."
        )
    if unreadable > 0 or len(stamped) < len(rows):
        warnings.warn(
            f"{path}: of {len(rows) + max(unreadable, 0)} rows {max(unreadable, 0)} have no values and "
            f"{len(rows) - len(stamped)} no time; they are left out.",
            stacklevel=2,
        )
    names = [OF_2019.get(row[1], row[1]) for row in stamped]
    if unknown := set(names) - set(OF_2010) - set(OF_2019.values()):
        raise InputError(f"{path} names the activity {min(unknown)!r}, which WISDM has not: correct it.")
    seconds = np.array([int(row[2]) for row in stamped]) * 1e-9
    values = np.array([row[3:] for row in stamped], np.float64)
    return np.array([row[0] for row in stamped]), np.array(names), seconds, values
