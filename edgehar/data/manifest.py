"""Your own recordings: a manifest, one CSV row a stream.

    clip,label,subject,trial,stream,path,rate_hz,unit
    walk_1,walk,anna,1,acc.left_wrist,anna/walk_1.csv,,g

`rate_hz` is empty where the file has a time column. Paths count from the manifest's folder. Further columns,
all optional: `time_unit` (s, ms, us, ns, where it is taken for another), `start` (when the first sample was
taken, in s or as date-time, to align a file without times), `columns` (such as `x y z - t`, where no header
says what they are), `session`, `scene`. docs/own-recordings.md has examples.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from edgehar.cache import fingerprint
from edgehar.data.align import Reader
from edgehar.data.clip import MODALITIES, Clip, Recordings
from edgehar.data.splits import natural
from edgehar.data.streams import READ_BY, Source
from edgehar.data.units import check_rate, factor_of
from edgehar.errors import InputError
from edgehar.signals.timestamps import check_time_unit, parse_times

REQUIRED = ("clip", "label", "subject", "trial", "stream", "path", "rate_hz", "unit")
OPTIONAL = ("time_unit", "start", "columns", "session", "scene")
OF_CLIP = ("label", "subject", "trial", "session", "scene")  # the same in all rows of a clip


@dataclass(frozen=True)
class Row:
    """A row of a manifest: what it says of its clip, in the order of OF_CLIP, and its stream."""

    line: int
    clip: str
    about: tuple[str, ...]
    source: Source


def is_manifest(data: str) -> bool:
    """Whether what `--data` was given is a manifest and not a data set's name."""
    return Path(data).suffix.lower() == ".csv" or "/" in data or Path(data).is_file()


def read(path: Path) -> Recordings:
    """The recordings that a manifest names; streams are read when asked for.

    Raises InputError that names the line for what is missing, unknown or said twice.
    """
    rows = read_rows(path)
    labels = tuple(sorted({row.about[0] for row in rows}, key=natural))
    by_clip: dict[str, list[Row]] = {}
    for row in rows:
        by_clip.setdefault(row.clip, []).append(row)
    clips = tuple(_clip(path, name, found, labels) for name, found in by_clip.items())
    return Recordings(
        name=re.sub(r"[^\w-]+", "-", path.stem) or "manifest",
        labels=labels,
        clips=clips,
        splits=_splits(clips),
        version=fingerprint([READ_BY, [_said(row) for row in rows]]),
    )


def read_rows(path: Path) -> list[Row]:
    """The rows of a manifest, each checked on its own. Raises InputError that names the line."""
    if path.is_dir():
        raise InputError(
            f"{path} is a folder: write its manifest with: edgehar data scan {path} --pattern ..."
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(path, file)
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: name a manifest, or a data set (all names: edgehar ls)."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV text ({error}): save it as CSV in UTF-8.") from None


def _rows(path: Path, lines: Iterable[str]) -> list[Row]:
    lines = iter(lines)
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    header = [
        name.strip().lower() for name in next(csv.reader([first.rstrip("\r\n")], delimiter=delimiter), [])
    ]
    _check_header(path, header)
    rows, seen = [], dict[tuple[str, str], int]()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for cells in reader:
        line = reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(
                f"{path} line {line} has {len(cells)} columns, and the header {len(header)}: put a text that "
                "holds a comma between quotes."
            )
        row = _row(path, line, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        key = row.clip, row.source.stream
        if key in seen:
            raise InputError(
                f"{path} line {line}: clip {row.clip!r} has {row.source.stream} in line {seen[key]} already: "
                "give each clip its own name, and each stream a place, such as acc.left_wrist."
            )
        seen[key] = line
        rows.append(row)
    if not rows:
        raise InputError(f"{path} names no recording: add rows, or write it with: edgehar data scan.")
    return rows


def _check_header(path: Path, header: list[str]) -> None:
    known = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise InputError(f"{path} line 1: no column is called {name!r}: {hint}")
        if header.count(name) > 1:
            raise InputError(f"{path} line 1 names the column {name} twice: remove one.")
    if missing := [name for name in REQUIRED if name not in header]:
        raise InputError(
            f"{path} line 1 lacks the column {', '.join(missing)}: a manifest begins with "
            f"{','.join(REQUIRED)}."
        )


def _row(path: Path, line: int, cells: dict[str, str]) -> Row:
    where = f"{path} line {line}"
    for name in ("clip", "label", "subject", "stream", "path"):
        if not cells[name]:
            raise InputError(f"{where}: {name} is empty: write it.")
    modality, dot, place = cells["stream"].partition(".")
    if modality not in MODALITIES or (dot and not place):
        near = get_close_matches(modality.lower(), MODALITIES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"{where}: no stream is called {cells['stream']!r}: {hint}known are {', '.join(MODALITIES)}, "
            "each with a place if you like, such as acc.left_wrist."
        )
    factor_of(cells["unit"], modality, where)
    file = path.parent / Path(cells["path"]).expanduser()
    _check_file(file, where)
    source = Source(
        where=f"{path.name} line {line}",
        path=file,
        stream=cells["stream"],
        unit=cells["unit"],
        rate_hz=_rate(cells["rate_hz"], where),
        time_unit=_time_unit(cells.get("time_unit", ""), where),
        start_s=_start(cells.get("start", ""), where),
        columns=tuple(re.split(r"[\s,;]+", cells["columns"])) if cells.get("columns") else None,
    )
    return Row(line, cells["clip"], tuple(cells.get(name, "") for name in OF_CLIP), source)


def _check_file(file: Path, where: str) -> None:
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        what = "is a link to a missing file" if file.is_symlink() else "does not exist"
        raise InputError(f"{where}: {file} {what}: correct the path, or remove the row.") from None
    except OSError as error:
        raise InputError(f"{where}: {file} cannot be reached ({error.strerror}): correct the path.") from None
    if file.is_dir():
        raise InputError(f"{where}: {file} is a folder: name the file of this stream.")
    if not size:
        raise InputError(f"{where}: {file} is empty: the recording holds nothing; remove the row.")
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise InputError(
            f"{where}: {file} cannot be read ({error.strerror}): change its permissions."
        ) from None


def _rate(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        return check_rate(float(text), where)
    except ValueError:
        raise InputError(
            f"{where}: {text!r} is no rate: write Hz, such as 50, or nothing if the file has times."
        ) from None


def _time_unit(text: str, where: str) -> str | None:
    return check_time_unit(text, where) if text else None


def _start(text: str, where: str) -> float | None:
    if not text:
        return None
    return parse_times([text], None, None, f"{where}: start").origin_s


def _clip(path: Path, name: str, rows: list[Row], labels: tuple[str, ...]) -> Clip:
    first = rows[0]
    for row in rows[1:]:
        for what, one, other in zip(OF_CLIP, first.about, row.about, strict=True):
            if one != other:
                raise InputError(
                    f"{path} line {row.line}: clip {name!r} has the {what} {other!r}, and in line "
                    f"{first.line} {one!r}: give two clips two names, or correct one."
                )
    sources = tuple(row.source for row in rows)
    streams = {s.stream: Reader(name, s, tuple(o for o in sources if o is not s)) for s in sources}
    label, subject, trial, session, scene = first.about
    return Clip(name, labels.index(label), subject, trial or "1", streams, session, scene)


def _splits(clips: tuple[Clip, ...]) -> dict:
    """cross-subject and cross-trial, where there are two or more of these; else the split `all`."""
    splits = {}
    for by in ("subject", "trial"):
        names = sorted({getattr(clip, by) for clip in clips}, key=natural)
        if len(names) > 1:
            train = frozenset(names[::2]) if by == "subject" else frozenset(names[: (len(names) + 1) // 2])
            splits[f"cross-{by}"] = lambda clip, by=by, train=train: getattr(clip, by) in train
    return splits


def _said(row: Row) -> list[object]:
    """What a row says and what its file is, so that nothing made of another is used."""
    seen = row.source.path.stat()
    source = row.source
    about = [source.stream, source.unit, source.rate_hz, source.time_unit, source.start_s, source.columns]
    return [row.clip, *row.about, *about, str(source.path), seen.st_size, seen.st_mtime_ns]
