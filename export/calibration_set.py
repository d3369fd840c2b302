"""Recorded windows to calibrate and to check a network on: from a manifest, a .npy or a .npz."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.data.clip import SENSORS, Recordings, Stream, modality_of
from edgehar.signals.resample import resample
from export.errors import ExportError

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
    """By the reader that training has, so that units and time stamps mean the same to both."""
    from edgehar.data.manifest import read
    from edgehar.errors import InputError

    try:
        recordings = read(path)
        stream = _stream_of(path, recordings, stream)
        clips = [clip for clip in recordings.clips if stream in clip.streams]
        streams = [clip.streams[stream]() for clip in clips]
    except InputError as error:
        raise ExportError(str(error)) from error
    if window is None:
        window = _common_length(path, streams)
    if framing == "clip":
        pieces = [[resample(each.values, window)] for each in streams]
    else:
        pieces = [_cut(each.values, window) for each in streams]
    counts = [len(piece) for piece in pieces]
    rates = {each.rate_hz for each in streams}
    same = framing == "window" or {len(each.values) for each in streams} == {window}
    cut = [window_ for piece in pieces for window_ in piece]
    return CalibrationSet(
        windows=np.stack(cut) if cut else np.empty((0, window, 3), np.float32),
        classes=_repeated([recordings.labels[clip.label] for clip in clips], counts),
        subjects=_repeated([clip.subject for clip in clips], counts),
        stream=modality_of(stream),
        unit=streams[0].unit,
        axes=("x", "y", "z"),
        rate_hz=rates.pop() if same and len(rates) == 1 else None,
        framing=framing,
    )


def _stream_of(path: Path, recordings: Recordings, stream: str | None) -> str:
    """The stream of motion that is meant."""
    held = sorted({name for clip in recordings.clips for name in clip.streams})
    motion = [name for name in held if modality_of(name) in SENSORS]
    if stream is None and len(motion) > 1:
        raise ExportError(f"{path} has the streams {', '.join(motion)}; name one with --stream.")
    wanted = [name for name in motion if stream in (None, name)]
    if not wanted:
        raise ExportError(f"{path} has no {stream or '/'.join(SENSORS)} stream: it holds {', '.join(held)}.")
    return wanted[0]


def _common_length(path: Path, streams: Sequence[Stream]) -> int:
    lengths = {len(stream.values) for stream in streams}
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
