"""From clips to arrays of one shape, made once and cached.

One `.npy` file a stream and data set, memory-mapped, under the cache folder; a second run starts in
seconds. The key holds everything that made it: the data set and its version, the clips, the stream
and the shape.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgehar.cache import cache_dir, fingerprint, write_atomic
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.repair import REPAIRED_BY, repaired
from edgehar.errors import InputError
from edgehar.signals.person import frame_person, is_cut_out
from edgehar.signals.resample import resample

T = TypeVar("T")
Progress = Callable[[Iterable[T], str, int], Iterable[T]]
VIDEO = ("depth", "rgb")
PREPARED_BY = 2  # version of what this file does to a stream


@dataclass(frozen=True)
class Shape:
    """The common shape of every clip: samples of motion, frames and picture height of video.

    The width follows from the first video's aspect, rounded to 4.
    """

    window: int = 128
    frames: int = 32
    height: int = 64


def silent(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """A progress bar that shows nothing."""
    return items


def prepare(recordings: Recordings, modality: str, shape: Shape, progress: Progress = silent) -> np.ndarray:
    """Every clip's stream in the data set's order: acc and gyro (N, T, 3), skeleton (N, T, V, 3) float32;
    depth (N, F, H, W, 1) and rgb (N, F, H, W, 3) uint8.

    Skeletons with short gaps are repaired, and a warning says how many positions were (repair.py).
    Raises InputError that names the clip if one lacks the stream or cannot be read, and if skeletons
    have not all the same joints.
    """
    missing = [clip.id for clip in recordings.clips if modality not in clip.streams]
    if missing:
        raise InputError(
            f"{recordings.name}: {len(missing)} of {len(recordings.clips)} clips have no {modality} "
            f"(the first is {missing[0]}): add their files, remove the clips, or choose a teacher "
            "that needs other streams."
        )
    ids = [clip.id for clip in recordings.clips]
    key = [PREPARED_BY, recordings.name, recordings.version, ids, _sizes(shape, modality)]
    path = cache_dir() / "prepared" / f"{recordings.name}-{modality}-{fingerprint(key)}.npy"
    if (kept := _load(path, len(recordings.clips))) is not None:
        return kept
    if modality in VIDEO:
        height, width = recordings.clips[0].streams[modality]().values.shape[1:3]
        size = (shape.height, max(4, round(shape.height * width / height / 4) * 4))
        fit = partial(_fit_video, frames=shape.frames, size=size)
    else:
        fit = partial(resample, count=shape.window)
    clips = progress(recordings.clips, f"Preparing {modality}", len(recordings.clips))
    if modality == "skeleton":
        values = np.stack([fit(skeleton) for skeleton in _skeletons(recordings.name, clips)])
    else:
        values = np.stack([fit(_read(clip, modality).values) for clip in clips])
    write_atomic(path, lambda part: _save(part, values))
    return values


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


def _sizes(shape: Shape, modality: str) -> list[int]:
    """What makes this modality's arrays beside the recordings and PREPARED_BY."""
    if modality in VIDEO:
        return [shape.frames, shape.height]
    return [shape.window, REPAIRED_BY] if modality == "skeleton" else [shape.window]


def _read(clip: Clip, modality: str) -> Stream:
    stream = clip.streams[modality]()
    if not np.isfinite(stream.values).all():
        raise InputError(f"Clip {clip.id}: {modality} holds NaN or infinite values: repair or remove it.")
    return stream


def _skeletons(name: str, clips: Iterable[Clip]) -> Iterator[np.ndarray]:
    """Each clip's skeleton (T, V, 3) without gaps; at the end a warning if there were any."""
    gaps: list[int] = []
    joints: dict[int, str] = {}
    for clip in clips:
        stream = clip.streams["skeleton"]()
        values, filled = repaired(stream.values, stream.rate_hz, clip.id)
        joints.setdefault(values.shape[1], clip.id)
        if len(joints) > 1:
            (one, first), (other, second) = joints.items()
            raise InputError(
                f"{name}: the skeleton of clip {first} has {one} joints and that of {second} {other}: "
                "keep recordings of one kind."
            )
        gaps.append(filled)
        yield values
    if any(gaps):
        warnings.warn(
            f"{name}: {sum(gaps)} positions of joints were missing in the skeletons of "
            f"{sum(map(bool, gaps))} clips and are filled in from the frames around them.",
            stacklevel=3,
        )


def _fit_video(values: np.ndarray, frames: int, size: tuple[int, int]) -> np.ndarray:
    """Nearest frames, a person who was cut out brought to one size, each picture averaged to the wanted size.

    Depth 0 means unseen: it takes no part in an average, and where most of a cell is unseen, so is the cell.
    """
    import torch
    from torch.nn.functional import interpolate

    at = np.round(np.linspace(0, len(values) - 1, frames)).astype(int)
    values = frame_person(values[at]) if is_cut_out(values) else values[at]
    pictures = torch.from_numpy(values).permute(0, 3, 1, 2).float()
    small = interpolate(pictures, size, mode="area")
    if values.shape[-1] == 1:
        seen = interpolate((pictures > 0).float(), size, mode="area")
        small = torch.where(seen >= 0.5, small / seen.clamp(min=0.5), 0.0)
    return small.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _save(part: Path, values: np.ndarray) -> None:
    with open(part, "wb") as file:
        np.save(file, values)


def _load(path: Path, count: int) -> np.ndarray | None:
    """A damaged file is made again, as if it had never been there."""
    try:
        values = np.lib.format.open_memmap(path, mode="c")
    except Exception:  # numpy raises half a dozen kinds for a damaged header
        return None
    return values if values.shape[:1] == (count,) else None
