"""Berkeley MHAD: 11 actions by 12 people, 5 times each, felt by six accelerometers.

Ofli, Chaudhry, Kurillo, Vidal, Bajcsy, "Berkeley MHAD: A comprehensive multimodal human action database",
WACV 2013. 658 recordings: s02_a07_r05 and s04_a08_r05 were never published. Expected below the folder, as
published: `Accelerometer.zip`, or what is in it, `Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt`: rows
`x y z time`, g and seconds since 1970, about 31 Hz with jitter. Motion capture and cameras are read where
they lie beside it (berkeley_views.py); skeletons as BVH, Kinects and microphones are not.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.berkeley_views import (
    Span,
    camera_folders,
    mocap_file,
    mocap_table,
    read_camera,
    read_markers,
)
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.units import GRAVITY
from edgehar.errors import InputError
from edgehar.signals.timestamps import at_rate, repair_times

VERSION = 1  # of this reader: what it yields from the same files
RATE_HZ = 30.0  # what the sensors were set to; the stamps say 31.2 with jitter
SHORTEST_S = 1.0  # that all sensors of a clip, and its markers, must share
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
    archive, names, stamps = _listed(folder)
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
    clips = []
    for key in sorted(found):
        sources = _Sources(folder, archive, found[key], "s{:02}_a{:02}_r{:02}".format(*key))
        stamps += [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sources.views]
        clips.append(_clip(sources, *key))
    return Recordings(
        name="berkeley-mhad",
        labels=LABELS,
        clips=tuple(clips),
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


@dataclass(frozen=True)
class _Sources:
    """Where a recording lies. archive: of the accelerometers; None where they lie open. sensors: name of each
    one's file by number. name: such as s01_a01_r01."""

    folder: Path
    archive: Path | None
    sensors: Mapping[int, str]
    name: str

    @property
    def mocap(self) -> Path | None:
        """The file of its markers; None if it is not there."""
        return mocap_file(self.folder, self.name)

    @property
    def views(self) -> list[Path]:
        """The files and folders of what else there is of it."""
        markers = [] if self.mocap is None else [self.mocap]
        return [*markers, *camera_folders(self.folder, self.name).values()]

    def span(self) -> Span:
        """The time that all sensors, and the markers, were recording, in seconds since 1970.

        Raises InputError if that is less than SHORTEST_S.
        """
        stamps = [_table(self.archive, sensor)[:, 3] for _, sensor in sorted(self.sensors.items())]
        if self.mocap is not None:
            stamps.append(mocap_table(self.mocap)[1])
        start, end = max(each[0] for each in stamps), min(each[-1] for each in stamps)
        if end - start < SHORTEST_S:
            first = self.sensors[min(self.sensors)]
            raise InputError(
                f"{first}: the sensors of this clip share {max(end - start, 0):.2f} s: remove the clip."
            )
        return float(start), float(end)


def _clip(sources: _Sources, subject: int, action: int, repetition: int) -> Clip:
    streams: dict[str, Callable[[], Stream]] = {
        f"acc.{PLACES[number - 1]}": partial(_acc, sources, number) for number in sorted(sources.sensors)
    }
    if sources.mocap is not None:
        streams["skeleton"] = partial(_markers, sources)
    for name, folder in camera_folders(sources.folder, sources.name).items():
        streams[name] = partial(_camera, sources, folder)
    return Clip(sources.name, action - 1, str(subject), str(repetition), streams)


def _acc(sources: _Sources, sensor: int) -> Stream:
    """Acceleration (T, 3) in m/s^2 at 30 Hz over the time that all of the clip were recording."""
    start, end = sources.span()
    name = sources.sensors[sensor]
    table = _table(sources.archive, name)
    seconds, values, _ = repair_times(table[:, 3] - start, table[:, :3] * GRAVITY, where=name)
    return Stream(at_rate(seconds, values, RATE_HZ, 0.0, end - start), RATE_HZ, "m/s^2")


def _markers(sources: _Sources) -> Stream:
    assert sources.mocap is not None
    return read_markers(sources.mocap, sources.span())


def _camera(sources: _Sources, folder: Path) -> Stream:
    told = sources.folder / "Camera" / "Correspondences" / f"corr_moc_img_{sources.name}.txt"
    return read_camera(folder, sources.mocap, told, sources.span())


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
