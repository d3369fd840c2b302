"""A recorded action and its streams, as every data set reader yields them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

MODALITIES = ("acc", "gyro", "orientation", "skeleton", "depth", "rgb")
SENSORS = ("acc", "gyro", "orientation")


def modality_of(stream: str) -> str:
    """What kind of stream a name means: `acc` for `acc` and for `acc.left_wrist`."""
    return stream.partition(".")[0]


def sensors_of(streams: Iterable[str]) -> tuple[str, ...]:
    """Those among streams that a body wears, in their order."""
    return tuple(name for name in streams if modality_of(name) in SENSORS)


@dataclass(frozen=True)
class Stream:
    """One modality of a clip.

    values: acc and gyro (T, 3) float32 in m/s^2 and rad/s; skeleton (T, V, 3) float32 in m;
    depth (T, H, W, 1) uint8, 0 to 5 m; rgb (T, H, W, 3) uint8. rate_hz: samples or frames a second.
    """

    values: np.ndarray
    rate_hz: float
    unit: str


@dataclass(frozen=True)
class Clip:
    """One recorded action. `streams` maps a modality's name to a function that reads it.

    Reading waits until a stream is asked for: a depth video is a thousand times an accelerometer. A name may
    have a place behind a point: `acc.left_wrist`. session, scene: "" where a data set names none.
    """

    id: str
    label: int
    subject: str
    trial: str
    streams: Mapping[str, Callable[[], Stream]] = field(repr=False)
    session: str = ""
    scene: str = ""


@dataclass(frozen=True)
class Recordings:
    """A data set: its clips in a fixed order, the names of its labels, and its published splits.

    splits: what is published: split name -> function that says whether a clip is for training (else it is for
    testing). edgehar.data.splits has more that any recordings can be divided by.
    version: changes whenever the reader would yield other values; part of every cache key.
    """

    name: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...] = field(repr=False)
    splits: Mapping[str, Callable[[Clip], bool]] = field(repr=False)
    version: str = "1"
