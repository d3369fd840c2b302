"""Recorded windows to calibrate and to check a network on: from a manifest, a .npy or a .npz."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.signals.resample import resample
from export.errors import ExportError

COLUMNS = ("clip", "label", "subject", "trial", "stream", "path", "rate_hz", "unit")
MOTION = ("acc", "gyro", "orientation")  # streams of three columns that a small network takes
LEAST_WINDOWS = 8
FRAMINGS = ("clip", "window")


@dataclass(frozen=True)
class CalibrationSet:
    """Windows (N, T, C) float32 as a network takes them, and what is known of them.

    classes: of each window its label as recorded, a name or a class index, or None. subjects: likewise.
    stream: a modality's name, "input" where nobody says. rate_hz: None where unknown or mixed.
    """

    windows: np.ndarray
    classes: tuple[str | int, ...] | None
    subjects: tuple[str, ...] | None
    stream: str
    unit: str
    axes: tuple[str, ...]
    rate_hz: float | None
    framing: str


def read_calibration(
    path: Path, window: int | None = None, stream: str | None = None, framing: str = "clip"
) -> CalibrationSet:
    """The windows in `path`: a manifest (.csv), a .npy of (N, T, C), or a .npz with such an array.

    window: samples of each; of a manifest None takes the clips' own length, if it is one for all. stream:
    which stream of a manifest; None takes the only one of motion. framing "clip" resamples each clip of a
    manifest to `window` samples, "window" cuts it into pieces of that length at its own rate.
    Raises ExportError for a file that is missing or damaged, holds NaN, or has fewer than 8 windows.
    """
    path = Path(path)
    if framing not in FRAMINGS:
        raise ExportError(f"There is no framing called {framing!r}; choose of: {', '.join(FRAMINGS)}.")
    if window is not None and window < 1:
        raise ExportError(f"A window of {window} samples is none; give 1 or more.")
    if not path.is_file():
        raise ExportError(f"There is no file {path}; name a manifest, a .npy or a .npz with windows.")
    if path.suffix in (".npy", ".npz"):
        found = _from_arrays(path, window)
    elif path.suffix == ".csv":
        found = _from_manifest(path, window, stream, framing)
    else:
        raise ExportError(f"{path} is no manifest (.csv), .npy or .npz; calibration windows come in those.")
    return _checked(found, path)


def _checked(found: CalibrationSet, path: Path) -> CalibrationSet:
    count = len(found.windows)
    if count < LEAST_WINDOWS:
        raise ExportError(
            f"{path} holds {count} window{'s' * (count != 1)}: ranges and checks need {LEAST_WINDOWS}; "
            "record several clips of every class."
        )
    finite = np.isfinite(found.windows).all(axis=(1, 2))
    if not finite.all():
        raise ExportError(f"{path}: window {int(finite.argmin())} holds a NaN or an infinity; mend it.")
    return found


def _from_arrays(path: Path, window: int | None) -> CalibrationSet:
    arrays = _load(path)
    cubes = {name: values for name, values in arrays.items() if values.ndim == 3}
    if len(cubes) != 1:
        shapes = ", ".join(str(values.shape) for values in arrays.values())
        raise ExportError(f"{path} must hold one array (windows, samples, channels); it holds {shapes}.")
    ((name, values),) = cubes.items()
    if values.dtype.kind not in "fiu":
        raise ExportError(f"{path}: {name} holds no real numbers ({values.dtype}).")
    if window not in (None, values.shape[1]):
        raise ExportError(f"{path} has windows of {values.shape[1]} samples, not {window}; omit --window.")
    beside = {key: held for key, held in arrays.items() if held.ndim == 1 and len(held) == len(values)}
    classes, subjects = beside.get("labels"), beside.get("subjects")
    return CalibrationSet(
        windows=values.astype(np.float32),
        classes=None if classes is None else tuple(classes.tolist()),
        subjects=None if subjects is None else tuple(map(str, subjects.tolist())),
        stream="input",
        unit="unknown",
        axes=tuple(map(str, range(values.shape[2]))),
        rate_hz=None,
        framing="window",
    )


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        found = np.load(path, allow_pickle=False)
        return {"windows": found} if isinstance(found, np.ndarray) else {key: found[key] for key in found}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ExportError(f"{path} cannot be read as NumPy's ({error}); write it again.") from error


def _from_manifest(path: Path, window: int | None, stream: str | None, framing: str) -> CalibrationSet:
    rows = _rows_of(path, stream)
    stream = rows[0]["stream"]
    clips = [_samples(path, row) for row in rows]
    if window is None:
        window = _common_length(path, clips)
    if framing == "clip":
        pieces = [[resample(values, window)] for values, _ in clips]
    else:
        pieces = [_cut(values, window) for values, _ in clips]
    counts = [len(piece) for piece in pieces]
    rates = {rate for _, rate in clips}
    same = framing == "window" or {len(values) for values, _ in clips} == {window}
    cut = [window_ for piece in pieces for window_ in piece]
    return CalibrationSet(
        windows=np.stack(cut) if cut else np.empty((0, window, 3), np.float32),
        classes=_repeated([row["label"] for row in rows], counts),
        subjects=_repeated([row["subject"] for row in rows], counts),
        stream=stream.partition(".")[0],
        unit=_only(path, {row["unit"] for row in rows}, "units"),
        axes=("x", "y", "z"),
        rate_hz=rates.pop() if same and len(rates) == 1 else None,
        framing=framing,
    )


def _rows_of(path: Path, stream: str | None) -> list[dict[str, str]]:
    """The rows of one stream of motion, in the manifest's order."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ExportError(f"{path} line 1 lacks {', '.join(missing)}; it must hold {','.join(COLUMNS)}.")
        rows = [{name: row[name] or "" for name in COLUMNS} for row in reader]
    motion = [row for row in rows if row["stream"].partition(".")[0] in MOTION]
    kinds = sorted({row["stream"] for row in motion})
    if stream is None and len(kinds) > 1:
        raise ExportError(f"{path} has the streams {', '.join(kinds)}; name one with --stream.")
    wanted = [row for row in motion if stream in (None, row["stream"])]
    if not wanted:
        held = ", ".join(sorted({row["stream"] for row in rows})) or "no rows"
        raise ExportError(f"{path} has no {stream or '/'.join(MOTION)} stream: it holds {held}.")
    return wanted


def _samples(manifest: Path, row: dict[str, str]) -> tuple[np.ndarray, float]:
    """A stream file's values (T, 3) float32 and its rate in Hz."""
    path = manifest.parent / row["path"]
    try:
        if path.suffix == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            with path.open(encoding="utf-8-sig") as file:
                headed = any(letter.isalpha() for letter in file.readline().replace("e", ""))
            values = np.loadtxt(path, delimiter=",", skiprows=int(headed), ndmin=2)
    except FileNotFoundError:
        raise ExportError(f"{path}, which {manifest} names, does not exist.") from None
    except (ValueError, OSError) as error:
        raise ExportError(f"{path} is no table of numbers ({error}); copy it again.") from None
    times = values[:, 0] if values.ndim == 2 and values.shape[1] == 4 else None
    if values.ndim != 2 or values.shape[1] not in (3, 4) or len(values) < 2:
        raise ExportError(f"{path} has shape {values.shape}; wanted are (samples, 3), or 4 with time.")
    return values[:, -3:].astype(np.float32), _rate(path, row["rate_hz"], times)


def _rate(path: Path, told: str, times: np.ndarray | None) -> float:
    try:
        rate = float(told) if told or times is None else (len(times) - 1) / float(times[-1] - times[0])
    except (ValueError, ZeroDivisionError):
        rate = 0.0
    if not 0 < rate < 1e6:
        raise ExportError(f"{path} has no rate: fill rate_hz in the manifest, or add a time column.")
    return rate


def _common_length(path: Path, clips: Sequence[tuple[np.ndarray, float]]) -> int:
    lengths = {len(values) for values, _ in clips}
    if len(lengths) > 1:
        raise ExportError(
            f"{path}: clips have {min(lengths)} to {max(lengths)} samples; say with --window how many the "
            "network takes."
        )
    return lengths.pop()


def _cut(values: np.ndarray, window: int) -> list[np.ndarray]:
    return [values[start : start + window] for start in range(0, len(values) - window + 1, window)]


def _repeated(values: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    return tuple(value for value, count in zip(values, counts, strict=True) for _ in range(count))


def _only(path: Path, values: set[str], what: str) -> str:
    if len(values) > 1:
        raise ExportError(f"{path} mixes {what} ({', '.join(sorted(values))}); convert them to one.")
    return values.pop() or "unknown"
