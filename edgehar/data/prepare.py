"""From clips to arrays of one shape, made once and cached.

One `.npy` file a stream and data set, memory-mapped, under the cache folder; a second run starts in
seconds. The key holds everything that made it: the data set and its version, the clips, the stream,
the shape, and where windows are cut. A row is a clip, or a window of a clip.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from edgehar.cache import cache_dir, fingerprint
from edgehar.data.clip import Clip, Recordings, modality_of
from edgehar.data.repair import REPAIRED_BY, repaired
from edgehar.data.store import Chunk, load, write_rows
from edgehar.errors import InputError
from edgehar.signals.person import frame_person, is_cut_out
from edgehar.signals.resample import resample
from edgehar.signals.windows import look, places, starts

T = TypeVar("T")
Progress = Callable[[Iterable[T], str, int], Iterable[T]]
VIDEO = ("depth", "rgb")
PREPARED_BY = 2  # version of what this file does to a stream


@dataclass(frozen=True)
class Shape:
    """The common shape of every row: samples of motion, frames and picture height of video.

    The width follows from the first video's aspect, rounded to 4.
    """

    window: int = 128
    frames: int = 32
    height: int = 64


@dataclass(frozen=True)
class Cuts:
    """Where clips are cut into windows, by the stream that the student feels, at `rate_hz`.

    counts (N,): samples of each clip. window, hop: in samples.
    """

    counts: np.ndarray
    window: int
    hop: int
    rate_hz: float

    @property
    def offsets(self) -> np.ndarray:
        """(N + 1,): clip i has the windows from offsets[i] to offsets[i + 1]."""
        windows = np.maximum(self.counts - self.window, 0) // self.hop + 1
        return np.concatenate([[0], windows.cumsum()])

    @property
    def of(self) -> np.ndarray:
        """(W,): the clip of each window."""
        return np.repeat(np.arange(len(self.counts)), np.diff(self.offsets))


def silent(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """A progress bar that shows nothing."""
    return items


def prepare(
    recordings: Recordings,
    stream: str,
    shape: Shape,
    progress: Progress = silent,
    cuts: Cuts | None = None,
    jobs: int | None = None,
) -> np.ndarray:
    """Every clip's stream in the data set's order: acc and gyro (N, T, 3), skeleton (N, T, V, 3) float32;
    depth (N, F, H, W, 1) and rgb (N, F, H, W, 3) uint8. With `cuts` a row is a window instead of a clip.

    Skeletons with short gaps are repaired, and a warning says how many positions were (repair.py).
    jobs: processes; None for all cores where there is much to do. Raises InputError that names the clip if
    one lacks the stream or cannot be read, and if skeletons have not all the same joints.
    """
    check_present(recordings, stream)
    ids = [clip.id for clip in recordings.clips]
    key: list[Any] = [PREPARED_BY, recordings.name, recordings.version, ids, _sizes(shape, stream)]
    offsets = np.arange(len(ids) + 1)
    if cuts is not None:
        key.append([cuts.window, cuts.hop, cuts.rate_hz])
        offsets = cuts.offsets
    path = cache_dir() / "prepared" / f"{recordings.name}-{stream}-{fingerprint(key)}.npy"
    if (kept := load(path, offsets[-1])) is not None:
        return kept
    maker = _Rows(recordings.name, stream, shape, cuts, _size(recordings, stream, shape))
    said = write_rows(path, recordings.clips, offsets, maker, progress, f"Preparing {stream}", jobs)
    _tell_filled(recordings.name, said)
    values = load(path, offsets[-1])
    assert values is not None, f"{path} was written and cannot be read"
    return values


def check_present(recordings: Recordings, stream: str) -> None:
    """Raises InputError, with a count, if a clip lacks the stream."""
    missing = [clip.id for clip in recordings.clips if stream not in clip.streams]
    if missing:
        raise InputError(
            f"{recordings.name}: {len(missing)} of {len(recordings.clips)} clips have no {stream} "
            f"(the first is {missing[0]}): add their files, remove the clips, or choose a teacher "
            "that needs other streams."
        )


def find_cuts(
    recordings: Recordings, stream: str, window: int, hop: int, rate_hz: float, progress: Progress = silent
) -> Cuts:
    """Where the clips are cut by a stream. Raises InputError for one that has another rate than `rate_hz`."""
    check_present(recordings, stream)
    ids = [clip.id for clip in recordings.clips]
    key = ["lengths", recordings.name, recordings.version, ids]
    path = cache_dir() / "prepared" / f"{recordings.name}-{stream}-lengths-{fingerprint(key)}.npy"
    if (found := load(path, len(ids))) is None:
        offsets = np.arange(len(ids) + 1)
        write_rows(path, recordings.clips, offsets, _Lengths(stream), progress, f"Measuring {stream}")
        found = load(path, len(ids))
        assert found is not None, f"{path} was written and cannot be read"
    if (other := np.flatnonzero(np.abs(found[:, 1] - rate_hz) > 1e-6)).size:
        raise InputError(
            f"{recordings.name}: clip {ids[other[0]]} has {found[other[0], 1]:g} Hz where others have "
            f"{rate_hz:g} Hz: use --framing clip, or bring all to one rate (rate_hz in a manifest)."
        )
    return Cuts(found[:, 0].astype(int), window, hop, rate_hz)


def common_rate(recordings: Recordings, modality: str, shape: Shape) -> float | None:
    """The rate in Hz if every clip has exactly `shape.window` samples at one rate, else None.

    Only then does a student trained on whole clips understand a live stream.
    """
    rates = set()
    for clip in recordings.clips:
        if modality not in clip.streams:
            return None
        stream = clip.streams[modality]()
        if len(stream.values) != shape.window:
            return None
        rates.add(stream.rate_hz)
    return rates.pop() if len(rates) == 1 else None


@dataclass(frozen=True)
class _Lengths:
    """Makes of each clip one row: samples and rate of a stream."""

    stream: str

    def rows(self, chunk: Chunk) -> tuple[list[np.ndarray], list[Any]]:
        read = [clip.streams[self.stream]() for clip in chunk.clips]
        return [np.array([len(stream.values), stream.rate_hz]) for stream in read], []

    def agree(self, said: list[Any]) -> None:
        pass


@dataclass(frozen=True)
class _Rows:
    """Makes a clip's row, or those of its windows. size: height and width of pictures, None for motion."""

    name: str
    stream: str
    shape: Shape
    cuts: Cuts | None
    size: tuple[int, int] | None

    def rows(self, chunk: Chunk) -> tuple[list[np.ndarray], list[Any]]:
        made: list[np.ndarray] = []
        said = []
        for number, clip in enumerate(chunk.clips, chunk.first):
            values, filled = self._read(clip)
            made += self._fit(number, values)
            if modality_of(self.stream) == "skeleton":
                said.append([clip.id, values.shape[1], filled])
        return made, said

    def agree(self, said: list[Any]) -> None:
        """All skeletons have the same joints."""
        joints: dict[int, str] = {}
        for clip, count, _ in said:
            joints.setdefault(count, clip)
        if len(joints) > 1:
            (one, first), (other, second) = list(joints.items())[:2]
            raise InputError(
                f"{self.name}: the skeleton of clip {first} has {one} joints and that of {second} {other}: "
                "keep recordings of one kind."
            )

    def _read(self, clip: Clip) -> tuple[np.ndarray, int]:
        """A clip's stream without gaps, and how many positions of joints were filled in."""
        stream = clip.streams[self.stream]()
        if modality_of(self.stream) == "skeleton":
            return repaired(stream.values, stream.rate_hz, clip.id)
        if not np.isfinite(stream.values).all():
            raise InputError(
                f"Clip {clip.id}: {self.stream} holds NaN or infinite values: repair or remove it."
            )
        return stream.values, 0

    def _fit(self, number: int, values: np.ndarray) -> list[np.ndarray]:
        if self.cuts is None:
            if self.size is None:
                return [resample(values, self.shape.window)]
            return [_fit_video(values, np.linspace(0, len(values) - 1, self.shape.frames), self.size)]
        cuts, count = self.cuts, int(self.cuts.counts[number])
        steps = self.shape.window if self.size is None else self.shape.frames
        fit: Callable[[np.ndarray, np.ndarray], np.ndarray] = look
        if self.size is not None:
            fit = partial(_fit_video, size=self.size)
        begun = starts(count, cuts.window, cuts.hop)
        return [fit(values, places(count, start, cuts.window, steps, len(values))) for start in begun]


def _sizes(shape: Shape, stream: str) -> list[int]:
    """What makes this stream's arrays beside the recordings and PREPARED_BY."""
    modality = modality_of(stream)
    if modality in VIDEO:
        return [shape.frames, shape.height]
    return [shape.window, REPAIRED_BY] if modality == "skeleton" else [shape.window]


def _size(recordings: Recordings, stream: str, shape: Shape) -> tuple[int, int] | None:
    """Height and width of the prepared pictures; None for motion."""
    if modality_of(stream) not in VIDEO:
        return None
    height, width = recordings.clips[0].streams[stream]().values.shape[1:3]
    return shape.height, max(4, round(shape.height * width / height / 4) * 4)


def _tell_filled(name: str, said: list[Any]) -> None:
    gaps = [filled for _, _, filled in said]
    if any(gaps):
        warnings.warn(
            f"{name}: {sum(gaps)} positions of joints were missing in the skeletons of "
            f"{sum(map(bool, gaps))} clips and are filled in from the frames around them.",
            stacklevel=3,
        )


def _fit_video(values: np.ndarray, at: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The frames nearest to `at`, a person who was cut out brought to one size, each picture averaged to the
    wanted size.

    Depth 0 means unseen: it takes no part in an average, and where most of a cell is unseen, so is the cell.
    """
    import torch
    from torch.nn.functional import interpolate

    shown = np.round(at).astype(int)
    values = frame_person(values[shown]) if is_cut_out(values) else values[shown]
    pictures = torch.from_numpy(values).permute(0, 3, 1, 2).float()
    small = interpolate(pictures, size, mode="area")
    if values.shape[-1] == 1:
        seen = interpolate((pictures > 0).float(), size, mode="area")
        small = torch.where(seen >= 0.5, small / seen.clamp(min=0.5), 0.0)
    return small.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
