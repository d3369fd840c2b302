"""A manifest from a folder's names: what a pattern says of each path becomes a row.

{subject}/{label}/{trial}/{stream}.csv      anna/walk/1/acc.csv
{label}_{subject}_{trial}.csv               walk_anna_1.csv, all of them --stream acc
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from edgehar.cache import write_text
from edgehar.data.clip import MODALITIES, SENSORS
from edgehar.data.columns import roles
from edgehar.data.manifest import OF_CLIP, OPTIONAL, REQUIRED
from edgehar.data.splits import natural
from edgehar.data.streams import TABLES, VIDEOS
from edgehar.data.table import sniff
from edgehar.data.units import check_rate, factor_of
from edgehar.errors import InputError
from edgehar.signals.timestamps import check_time_unit

FIELDS = ("clip", *OF_CLIP, "stream")
# What people call a stream's file, and what edgehar does.
NAMES = {
    "accel": "acc", "accelerometer": "acc", "acceleration": "acc", "inertial": "acc", "gyr": "gyro",
    "gyroscope": "gyro", "skel": "skeleton", "pose": "skeleton", "joints": "skeleton", "video": "rgb",
    "color": "rgb", "colour": "rgb", "camera": "rgb",
}  # fmt: skip
DEFAULT_UNIT = {"skeleton": "m", "rgb": "", "depth": "mm"}


@dataclass(frozen=True)
class Scan:
    """What was found. streams: files by stream; left_out: the first that the pattern does not fit."""

    manifest: str
    rows: int
    clips: int
    labels: tuple[str, ...]
    subjects: tuple[str, ...]
    streams: dict[str, int]
    files_left_out: int
    left_out: tuple[str, ...]


def scan(
    folder: Path,
    pattern: str,
    out: Path,
    *,
    unit: str = "",
    rate_hz: float | None = None,
    time_unit: str | None = None,
    stream: str | None = None,
) -> Scan:
    """Write the manifest `out` of the files below `folder` whose paths the pattern fits.

    unit: of the motion sensors, or of each: `acc=g,gyro=deg/s`. rate_hz: of files that have no times.
    time_unit: of tables that have them, where they would be taken for another. stream: of every file, where
    the pattern has no {stream}. Raises InputError for a pattern that cannot be or fits nothing, and for a
    unit or a rate that is none.
    """
    if time_unit is not None:
        check_time_unit(time_unit, "--time-unit")
    if rate_hz is not None:
        check_rate(rate_hz, "--rate")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name the one that holds the recordings.")
    fits, units = compile_pattern(pattern, stream), _units(unit)
    rows, left = [], []
    for path in _files(folder):
        name = path.relative_to(folder.absolute()).as_posix()
        if path == out.absolute() or path.name.startswith("."):
            continue
        if match := fits.fullmatch(name):
            row = _row(match.groupdict(), path, out, units, stream, name)
            rows.append(row | _timed(path, row["stream"], rate_hz, time_unit))
        else:
            left.append(name)
    if not rows:
        seen = f", whose first file is {left[0]}" if left else ", which holds no file"
        raise InputError(
            f"The pattern {pattern} fits nothing in {folder}{seen}: write it as those are called."
        )
    _write(out, rows)
    return _told(out, rows, left)


def _write(out: Path, rows: list[dict[str, str]]) -> None:
    """The manifest, in the order that people read, with the columns that hold something."""
    text = io.StringIO(newline="")
    columns = [*REQUIRED, *(name for name in OPTIONAL if any(row.get(name) for row in rows))]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    rows.sort(
        key=lambda row: [natural(row[name]) for name in ("subject", "label", "trial", "clip", "stream")]
    )
    writer.writerows(rows)
    write_text(out, text.getvalue())


def compile_pattern(pattern: str, stream: str | None = None) -> re.Pattern[str]:
    """A pattern such as {subject}/{label}_{trial}.csv as a regular expression.

    * stands for any part of a name, .* at the end for any ending.
    A field takes as few characters as fit, and none takes a slash. Raises InputError for unknown fields,
    and where label, subject or stream are not said.
    """
    parts: list[str] = []
    seen: set[str] = set()
    ending = r"\.[^/.]+" if pattern.endswith(".*") else ""
    whole = pattern.removesuffix(".*")
    for text, name in re.findall(r"([^{}]+)|\{(\w*)\}", whole):
        if text:
            parts.append("[^/]*".join(map(re.escape, text.split("*"))))
            continue
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, 1)
            hint = f" Did you mean {{{near[0]}}}?" if near else ""
            raise InputError(f"{{{name}}} is no field of a pattern.{hint} Fields: {', '.join(FIELDS)}.")
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)")
        seen.add(name)
    for name in ("label", "subject"):
        if name not in seen:
            raise InputError(f"The pattern {pattern} has no {{{name}}}: every recording needs one.")
    if "stream" not in seen and stream is None:
        raise InputError(
            f"The pattern {pattern} has no {{stream}}: add it, or say what all are: --stream acc."
        )
    return re.compile("".join(parts) + ending)


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, linked folders too, in order."""
    for place, folders, files in os.walk(folder.absolute(), followlinks=True):
        folders.sort()
        yield from (Path(place) / name for name in sorted(files))


def _row(
    found: dict[str, str | None],
    path: Path,
    out: Path,
    units: dict[str, str],
    stream: str | None,
    name: str,
) -> dict[str, str]:
    said = {key: value or "" for key, value in found.items()}
    kind = _stream(said.get("stream") or stream or "", name)
    said["trial"] = said.get("trial", "1")
    parts = ("subject", "label", "session", "scene", "trial")
    clip = said.get("clip") or "_".join(said[name] for name in parts if name in said)
    modality = kind.partition(".")[0]
    return {
        **said,
        "clip": clip,
        "stream": kind,
        "path": os.path.relpath(path, out.absolute().parent),
        "unit": units.get(modality, ""),
    }


def _timed(path: Path, stream: str, rate_hz: float | None, time_unit: str | None) -> dict[str, str]:
    """What a row says of time: a rate where a file has no times, their unit where a table has them."""
    known = _has_times(path, stream.partition(".")[0])
    rate = f"{rate_hz:g}" if rate_hz and not known else ""
    table = path.suffix.lower() in TABLES
    return {"rate_hz": rate, "time_unit": time_unit if time_unit and known and table else ""}


def _units(text: str) -> dict[str, str]:
    """The unit of each modality: one for all motion sensors, or `acc=g,gyro=deg/s`. Raises InputError for a
    part that names no sensor, or a unit that its sensor has not."""
    if "=" not in text:
        return dict.fromkeys(SENSORS, text) | DEFAULT_UNIT
    units = dict(DEFAULT_UNIT)
    for part in text.split(","):
        modality, _, unit = (each.strip() for each in part.partition("="))
        if modality not in SENSORS:
            raise InputError(f"--unit: {part.strip()!r} names none of {', '.join(SENSORS)}: write acc=g.")
        factor_of(unit, modality, "--unit")
        units[modality] = unit
    return units


def _has_times(path: Path, modality: str) -> bool:
    """Whether a file says when its samples were taken; `data check` says what cannot be read."""
    if path.suffix.lower() in VIDEOS:
        return True
    if path.suffix.lower() not in TABLES:
        return False
    try:
        written = sniff(path)
        return roles(written.header, written.columns, modality, str(path)).time is not None
    except (InputError, OSError):
        return False


def _stream(text: str, name: str) -> str:
    """A stream's name as a manifest has it, from what the file is called."""
    modality, dot, place = text.partition(".")
    known = NAMES.get(modality.lower(), modality.lower())
    if known not in MODALITIES:
        near = get_close_matches(known, (*MODALITIES, *NAMES), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"{name}: no stream is called {text!r}: {hint}known are {', '.join(MODALITIES)}; "
            "write the others out of the pattern, or rename the file."
        )
    return known + dot + place


def _told(out: Path, rows: list[dict[str, str]], left: list[str]) -> Scan:
    streams: dict[str, int] = {}
    for row in rows:
        streams[row["stream"]] = streams.get(row["stream"], 0) + 1
    names = {
        key: tuple(sorted({row[key] for row in rows}, key=natural)) for key in ("clip", "label", "subject")
    }
    clips = len(names["clip"])
    return Scan(
        str(out), len(rows), clips, names["label"], names["subject"], streams, len(left), tuple(left[:5])
    )
