"""Berkeley MHAD: 11 actions by 12 people, 5 times each, felt by six accelerometers.

Ofli, Chaudhry, Kurillo, Vidal, Bajcsy, "Berkeley MHAD: A comprehensive multimodal human action database",
WACV 2013. 658 recordings: s02_a07_r05 and s04_a08_r05 were never published. Expected below the folder, as
published: `Accelerometer.zip`, or what is in it, `Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt`: rows
`x y z time`, g and seconds since 1970, about 31 Hz with jitter. The other parts of the data set (motion
capture, cameras, Kinects, microphones) are not read.
"""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.units import GRAVITY
from edgehar.errors import InputError
from edgehar.signals.timestamps import at_rate, repair_times

VERSION = 1  # of this reader: what it yields from the same files
RATE_HZ = 30.0  # what the sensors were set to; the stamps say 31.2 with jitter
SHORTEST_S = 1.0  # that all six sensors must share
PLACES = ("left_wrist", "right_wrist", "left_hip", "right_hip", "left_ankle", "right_ankle")
TRAINING = 7  # the first subjects train, the last five test, as in VSKD and SAKDN

LABELS = (
    "jumping in place", "jumping jacks", "bending", "punching", "waving two hands", "waving one hand",
    "clapping hands", "throwing a ball", "sit down then stand up", "sit down", "stand up",
)  # fmt: skip

_NAME = re.compile(r"(?:.*/)?acc_h(\d\d)_s(\d\d)_a(\d\d)_r(\d\d)\.txt")


def read(folder: Path) -> Recordings:
    """List the recordings in `folder`; sensors are read when asked for.

    Raises InputError if the folder is missing or holds none, or holds a sensor or action that is not known.
    """
    source, names, stamps = _listed(folder)
    found: dict[tuple[int, int, int], dict[int, str]] = {}
    for name in names:
        if match := _NAME.fullmatch(name.replace("\\", "/")):
            sensor, subject, action, repetition = map(int, match.groups())
            if not 1 <= sensor <= len(PLACES) or not 1 <= action <= len(LABELS):
                raise InputError(f"{folder}: {name} is of no sensor or action of Berkeley MHAD: remove it.")
            found.setdefault((subject, action, repetition), {})[sensor] = name
    if not found:
        raise InputError(
            f"{folder} holds no Accelerometer.zip and no recording such as acc_h01_s01_a01_r01.txt."
        )
    return Recordings(
        name="berkeley-mhad",
        labels=LABELS,
        clips=tuple(_clip(source, *key, found[key]) for key in sorted(found)),
        splits={"cross-subject": _trains},
        version=fingerprint([VERSION, stamps]),
    )


def _listed(folder: Path) -> tuple[Path | None, list[str], list[list[object]]]:
    """The archive, None where the files lie open; the names of all files; and what changes when they do."""
    archive = folder / "Accelerometer.zip"
    if archive.is_file():
        seen = archive.stat()
        return archive, _archive(archive).namelist(), [[archive.name, seen.st_size, seen.st_mtime_ns]]
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder: put Berkeley MHAD's Accelerometer.zip there, or name the place with "
            "--data-dir."
        )
    paths = sorted(folder.glob("**/acc_h*.txt"))
    stamps: list[list[object]] = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    return None, [str(path) for path in paths], stamps


def _trains(clip: Clip) -> bool:
    return int(clip.subject) <= TRAINING


def _clip(archive: Path | None, subject: int, action: int, repetition: int, names: dict[int, str]) -> Clip:
    sources = tuple(names[sensor] for sensor in sorted(names))
    streams = {
        f"acc.{PLACES[sensor - 1]}": partial(_acc, archive, name, sources) for sensor, name in names.items()
    }
    name = f"s{subject:02}_a{action:02}_r{repetition:02}"
    return Clip(name, action - 1, str(subject), str(repetition), dict(sorted(streams.items(), key=_place)))


def _place(stream: tuple[str, object]) -> int:
    return PLACES.index(stream[0].partition(".")[2])


def _acc(archive: Path | None, name: str, sources: tuple[str, ...]) -> Stream:
    """Acceleration (T, 3) in m/s^2 at 30 Hz over the time that all sensors of the clip were recording."""
    read = [_table(archive, source) for source in sources]
    start = max(table[0, 3] for table in read)
    end = min(table[-1, 3] for table in read)
    if end - start < SHORTEST_S:
        raise InputError(
            f"{name}: the sensors of this clip share {max(end - start, 0):.2f} s: remove the clip."
        )
    table = _table(archive, name)
    seconds, values, _ = repair_times(table[:, 3] - start, table[:, :3] * GRAVITY, where=name)
    return Stream(at_rate(seconds, values, RATE_HZ, 0.0, end - start), RATE_HZ, "m/s^2")


@lru_cache(maxsize=12)  # the six sensors of a clip are asked for one after another
def _table(archive: Path | None, name: str) -> np.ndarray:
    """Rows (T, 4): x, y, z in g and the time in s."""
    where = f"{archive}: {name}" if archive else name
    try:
        text = _archive(archive).read(name) if archive else Path(name).read_bytes()
        values = np.array(text.split(), np.float64)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{where} cannot be read ({error}): copy it again.") from None
    except ValueError as error:
        raise InputError(f"{where} holds something that is no number ({error}): copy it again.") from None
    if values.size < 8 or values.size % 4:
        raise InputError(f"{where} holds {values.size} numbers, expected rows of x y z time: copy it again.")
    table = values.reshape(-1, 4)
    if not np.isfinite(table).all():
        raise InputError(f"{where} holds NaN or infinite values: repair or remove the recording.")
    return table


@lru_cache(maxsize=2)
def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a zip file ({error}): fetch it again.") from None
