"""One stream of one clip, from whatever file a manifest names: values in edgehar's units, repaired times.

.csv .txt .tsv .dat   a table: t, x, y, z by header or in that order; a skeleton has 3 columns a joint
.npy .mat             (T, 3), (T, 4) with the time first, skeletons (T, V, 3), depth (T, H, W)
.mp4 .avi .mov ...    colour video by PyAV
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.data.columns import Roles, roles
from edgehar.data.files import read_mat_any, read_npy, read_video_frames
from edgehar.data.repair import repaired
from edgehar.data.table import read_columns, sniff
from edgehar.data.units import check_rate, factor_of
from edgehar.errors import InputError
from edgehar.signals.clock_repairs import Repairs, period_of
from edgehar.signals.timestamps import LONGEST_GAP_S, Times, parse_times, repair_times

READ_BY = 1  # version of what this file and those it calls make of a stream file
TABLES = (".csv", ".txt", ".tsv", ".dat")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
TALLEST = 240  # rows of a picture that are kept: prepared clips are smaller
MOTION = ("acc", "gyro", "orientation")


@dataclass(frozen=True)
class Source:
    """One row of a manifest. where: the row, for sentences. modality: `stream` without its place. start_s:
    when the file's first sample was taken, in s on the clip's clock, where the file does not say it. columns:
    what its columns are, where no header says it, such as ("t", "x", "y", "z")."""

    where: str
    path: Path
    stream: str
    unit: str = ""
    rate_hz: float | None = None
    time_unit: str | None = None
    start_s: float | None = None
    columns: tuple[str, ...] | None = None

    @property
    def modality(self) -> str:
        """`stream` without its place."""
        return self.stream.partition(".")[0]

    @property
    def told(self) -> str:
        """The file and the row that names it."""
        return f"{self.path} ({self.where})"


@dataclass(frozen=True)
class Raw:
    """A stream as its file holds it, in edgehar's units, times repaired.

    values (T, ...). seconds (T,) float64 rising, since `origin_s` on the file's clock; None where the file
    has no times and the row no start: then rate_hz is the row's, and the stream spans its clip. absolute:
    whether that clock is the calendar's. filled: samples without a value, taken from straight lines.
    time_unit, recognised_by: what the times were taken for, and why; None without times.
    """

    values: np.ndarray
    seconds: np.ndarray | None
    origin_s: float
    absolute: bool
    rate_hz: float
    filled: int = 0
    repairs: Repairs | None = None
    time_unit: str | None = None
    recognised_by: str | None = None

    @property
    def span(self) -> tuple[float, float] | None:
        """First and last sample on the file's clock in s, None where the stream has no times."""
        if self.seconds is None:
            return None
        return self.origin_s + float(self.seconds[0]), self.origin_s + float(self.seconds[-1])

    @property
    def duration_s(self) -> float:
        """From the first sample to the end of the last."""
        if self.seconds is None:
            return len(self.values) / self.rate_hz
        return float(self.seconds[-1] - self.seconds[0]) + 1 / self.rate_hz


def read_raw(source: Source, longest_gap_s: float | None = LONGEST_GAP_S) -> Raw:
    """The stream that a row names. longest_gap_s: None lets gaps be, however long.

    Raises InputError that names file, row, what is wrong and what to do.
    """
    if source.rate_hz is not None:
        check_rate(source.rate_hz, source.told)
    suffix = source.path.suffix.lower()
    if source.modality in ("rgb", "depth"):
        return _read_pictures(source, suffix)
    factor = factor_of(source.unit, source.modality, source.where)
    if suffix in TABLES:
        values, times = _read_table(source)
    elif suffix in (".npy", ".mat"):
        values, times = _read_array(source, suffix)
    else:
        raise InputError(_unknown_kind(source, (*TABLES, ".npy", ".mat")))
    if len(values) < 2:
        raise InputError(f"{source.told} has one sample, and a movement needs two: remove the clip.")
    return _timed(source, values * factor, times, longest_gap_s)


def _unknown_kind(source: Source, kinds: tuple[str, ...]) -> str:
    kind = source.path.suffix or "no ending"
    return f"{source.told}: {source.modality} cannot be read from {kind}: give it as {', '.join(kinds)}."


def _read_table(source: Source) -> tuple[np.ndarray, Times | None]:
    written = sniff(source.path)
    names = source.columns or written.header
    if source.columns and len(source.columns) != written.columns:
        raise InputError(
            f"{source.told} has {written.columns} columns, and the manifest names {len(source.columns)}: "
            "name each, with - for those that are not wanted."
        )
    found = roles(names, written.columns, source.modality, source.told)
    wanted = ([] if found.time is None else [found.time]) + found.values
    if late := [at for at in found.values if at in written.dated]:
        raise InputError(f"{source.told}: column {late[0] + 1} holds date-times, not {source.modality}.")
    columns = read_columns(source.path, written, wanted)
    if found.time is None:
        return columns.values, None
    if columns.texts is not None:
        return columns.values, _times(source, columns.texts, found)
    return columns.values[:, 1:], _times(source, columns.values[:, 0], found)


def _times(source: Source, column: list[str] | np.ndarray, found: Roles) -> Times:
    unit = source.time_unit or found.time_unit
    return parse_times(column, unit, source.rate_hz, f"{source.told}: its time")


def _read_array(source: Source, suffix: str) -> tuple[np.ndarray, Times | None]:
    values = read_npy(source.path) if suffix == ".npy" else read_mat_any(source.path)
    if source.modality == "skeleton" and values.ndim == 3:
        if values.shape[2] != 3 and values.shape[1] == 3:
            values = values.transpose(2, 0, 1)  # (V, 3, T) -> (T, V, 3), as UTD-MHAD's
        return np.asarray(values, np.float32), None
    if values.ndim != 2:
        expected = "(frames, joints, 3)" if source.modality == "skeleton" else "(samples, 3)"
        raise InputError(f"{source.told} has shape {values.shape}, expected {expected}: convert it.")
    names = source.columns
    if names and len(names) != values.shape[1]:
        raise InputError(
            f"{source.told} has {values.shape[1]} columns, and the manifest names {len(names)}: name each."
        )
    found = roles(names, values.shape[1], source.modality, source.told)
    times = None if found.time is None else _times(source, np.asarray(values[:, found.time]), found)
    if found.values == list(range(found.values[0], found.values[0] + len(found.values))):
        return values[:, found.values[0] : found.values[-1] + 1], times  # a view: 10^7 samples are not copied
    return values[:, found.values], times


def _timed(source: Source, values: np.ndarray, times: Times | None, longest_gap_s: float | None) -> Raw:
    """Values with repaired times, or with the row's rate where the file has none."""
    if times is None and source.rate_hz is None:
        raise InputError(f"{source.told} has no time column: state rate_hz in the manifest.")
    if times is None or source.start_s is not None:
        times = _from_start(source, len(values), times)
    if times is None:
        assert source.rate_hz is not None
        values, filled = _shaped(source, values, np.arange(len(values)) / source.rate_hz, longest_gap_s)
        return Raw(values, None, 0.0, False, source.rate_hz, filled)
    seconds, values, repairs = repair_times(
        times.seconds, values, where=source.told, longest_gap_s=longest_gap_s
    )
    values, filled = _shaped(source, values, seconds, longest_gap_s)
    return Raw(
        values, seconds, times.origin_s, times.absolute, 1 / period_of(seconds), filled, repairs, times.unit,
        times.recognised_by,
    )  # fmt: skip


def _from_start(source: Source, count: int, times: Times | None) -> Times | None:
    """Times moved to the row's start, or made of its rate."""
    start = source.start_s
    if start is None:
        return None
    if times is None:
        assert source.rate_hz is not None
        times = Times(np.arange(count) / source.rate_hz, 0.0, False, "s", f"even at {source.rate_hz:g} Hz")
    return Times(times.seconds, start, start > 9e8, times.unit, f"{times.recognised_by}; start stated")


def _shaped(
    source: Source, values: np.ndarray, seconds: np.ndarray, longest_gap_s: float | None
) -> tuple[np.ndarray, int]:
    """Motion (T, 3), its missing values filled in; a skeleton (T, V, 3) as repair.py repairs it."""
    if source.modality == "skeleton":
        joints = np.asarray(values, np.float32).reshape(len(values), -1, 3)
        return repaired(joints, 1 / period_of(seconds), source.told)
    lost = ~np.isfinite(values).all(axis=1)
    values = np.asarray(values, np.float32)
    if not lost.any():
        return values, 0
    if (~lost).sum() < 2:
        raise InputError(f"{source.told} holds {(~lost).sum()} whole samples: the recording holds nothing.")
    known = np.flatnonzero(~lost)
    pauses = np.diff(seconds[np.concatenate([[0], known, [len(values) - 1]])])
    if longest_gap_s is not None and pauses.max() > max(longest_gap_s, 2 * period_of(seconds)):
        raise InputError(
            f"{source.told} has no values for {pauses.max():.2f} s, and gaps above {longest_gap_s:g} s are "
            "not filled in: cut the clip there, or remove it."
        )
    filled = values.copy()
    for axis in range(values.shape[1]):
        filled[lost, axis] = np.interp(seconds[lost], seconds[known], values[known, axis])
    return filled, int(lost.sum())


def _read_pictures(source: Source, suffix: str) -> Raw:
    """Colour (T, H, W, 3) or depth (T, H, W, 1) uint8."""
    if suffix == ".npy":
        values, seconds, rate = _picture_array(source), None, source.rate_hz
        if rate is None:
            raise InputError(f"{source.told} has no times: state rate_hz in the manifest.")
    elif source.modality == "rgb" and suffix in VIDEOS:
        values, seconds = read_video_frames(source.path, TALLEST)
        rate = source.rate_hz or (1 / period_of(seconds) if len(seconds) > 1 else 1.0)
    else:
        kinds = (".npy", *VIDEOS) if source.modality == "rgb" else (".npy",)
        raise InputError(_unknown_kind(source, kinds))
    if len(values) < 2:
        raise InputError(f"{source.told} has {len(values)} frame, and a movement needs two: remove the clip.")
    if source.start_s is None:
        return Raw(values, None, 0.0, False, rate)
    seconds = np.arange(len(values)) / rate if seconds is None else seconds - seconds[0]
    return Raw(values, seconds, source.start_s, source.start_s > 9e8, rate, 0, None, "s", "start stated")


def _picture_array(source: Source) -> np.ndarray:
    values = read_npy(source.path)
    if source.modality == "rgb":
        if values.ndim != 4 or values.shape[3] != 3 or values.dtype != np.uint8:
            raise InputError(
                f"{source.told} has shape {values.shape} of {values.dtype}, expected (frames, height, width, "
                "3) of uint8: convert it."
            )
        return values
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[3] != 1:
        raise InputError(
            f"{source.told} has shape {values.shape}, expected (frames, height, width): convert it."
        )
    factor = factor_of(source.unit, "depth", source.where)
    if factor == 1.0 and values.dtype == np.uint8:
        return values
    with np.errstate(invalid="ignore"):
        scaled = np.nan_to_num(values.astype(np.float32) * factor, nan=0.0)
    return np.round(np.clip(scaled, 0, 255)).astype(np.uint8)
