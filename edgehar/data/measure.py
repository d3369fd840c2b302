"""What one stream of one clip is like: rates, gaps, saturation, flat axes, and what it reads at rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from edgehar.data.clip import Clip, Stream
from edgehar.data.streams import Raw, Source
from edgehar.data.units import GRAVITY, UNITS, factor_of

STILL_S = 0.5  # that an accelerometer must lie still for, to read gravity off it
STILL = 0.03  # of its own mean, the spread of what lies still
GRAVITY_OFF = 0.15  # of 9.81 m/s^2, that a resting accelerometer may read beside it
LINEAR = 0.15  # of 9.81 m/s^2, below which gravity itself is missing


@dataclass
class Measured:
    """One stream of one clip. rate_hz as stamped (or stated), nominal_hz as stated. drift_s: how much longer
    it lasts by its stamps than by its stated rate. level: the median length of acceleration, m/s^2; still:
    that of its stillest half second, None where it never lies still. repairs: what was repaired, counted.
    unit: as stated."""

    clip: str
    stream: str
    samples: int
    duration_s: float
    rate_hz: float
    nominal_hz: float | None
    jitter: float | None
    gaps: int
    longest_gap_s: float
    saturated: float
    flat: str
    level: float | None
    still: float | None
    repairs: dict[str, int] = field(default_factory=dict)
    times: str | None = None
    unit: str = "m/s^2"
    digest: str = ""

    @property
    def drift_s(self) -> float | None:
        """Seconds by which the stamps outlast the stated rate; None where not both are known."""
        if self.nominal_hz is None or self.jitter is None:
            return None
        return self.duration_s - self.samples / self.nominal_hz


def of_raw(clip: Clip, source: Source, raw: Raw) -> Measured:
    """The measures of a stream as its file holds it, with what was repaired at reading."""
    repairs = dict(raw.repairs.counts) if raw.repairs else {}
    if raw.filled:
        repairs["filled"] = raw.filled
    gap = raw.repairs.longest_gap_s if raw.repairs else 0.0
    one = _of_values(clip, source.stream, raw.values, raw.rate_hz, raw.duration_s)
    one.nominal_hz, one.unit = source.rate_hz, source.unit
    one.jitter = raw.repairs.jitter if raw.repairs else None
    one.gaps, one.longest_gap_s = (raw.repairs.gaps, gap) if raw.repairs else (0, 0.0)
    one.repairs = repairs
    one.times = f"{raw.time_unit}: {raw.recognised_by}" if raw.time_unit else None
    return one


def of_stream(clip: Clip, name: str, stream: Stream) -> Measured:
    """What a manifest's stream is like, its stamps and repairs too."""
    one = _of_values(clip, name, stream.values, stream.rate_hz, len(stream.values) / stream.rate_hz)
    one.nominal_hz = stream.rate_hz
    return one


def _of_values(clip: Clip, name: str, values: np.ndarray, rate_hz: float, duration_s: float) -> Measured:
    """What a data set's stream is like, which has no stamps."""
    motion = name.partition(".")[0] in ("acc", "gyro")
    acc = name.partition(".")[0] == "acc"
    return Measured(
        clip=clip.id,
        stream=name,
        samples=len(values),
        duration_s=duration_s,
        rate_hz=rate_hz,
        nominal_hz=None,
        jitter=None,
        gaps=0,
        longest_gap_s=0.0,
        saturated=saturation(values) if motion else 0.0,
        flat=flat_axes(values) if motion else "",
        level=float(np.median(np.linalg.norm(values, axis=1))) if acc else None,
        still=stillest(values, rate_hz) if acc else None,
        digest=hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16],
    )


def saturation(values: np.ndarray) -> float:
    """The greatest share of samples (T, C) at one extreme of an axis, where two or more in a row are."""
    most = 0.0
    for axis in values.T:
        for extreme in (axis.max(), axis.min()):
            at = axis == extreme
            runs = at[1:] & at[:-1]
            if runs.any() and np.ptp(axis) > 0:
                most = max(most, float(at.mean()))
    return most


def flat_axes(values: np.ndarray) -> str:
    """The axes of (T, 3) that never change, such as "xz"."""
    return "".join(name for name, axis in zip("xyz", values.T, strict=False) if np.ptp(axis) == 0)


def stillest(values: np.ndarray, rate_hz: float) -> float | None:
    """The mean length of acceleration (T, 3) over the stillest STILL_S, None where nothing lies still."""
    count = max(3, round(STILL_S * rate_hz))
    if len(values) < count:
        return None
    lengths = np.linalg.norm(values.astype(np.float64), axis=1)
    total, squares = (np.concatenate([[0], np.cumsum(x)]) for x in (lengths, lengths**2))
    mean = (total[count:] - total[:-count]) / count
    spread = np.sqrt(np.maximum((squares[count:] - squares[:-count]) / count - mean**2, 0))
    at = int(np.argmin(spread))
    return float(mean[at]) if mean[at] > 0 and spread[at] <= STILL * mean[at] else None


def gravity_says(still: float, stated: str = "m/s^2") -> str | None:
    """What a resting accelerometer's length in m/s^2, read with the unit `stated`, says is wrong with that
    unit; None where it is gravity's."""
    if abs(still / GRAVITY - 1) <= GRAVITY_OFF:
        return None
    reads = still / factor_of(stated, "acc", "")  # in the file's own numbers
    for unit, factor in UNITS["acc"].items():
        if abs(reads * factor / GRAVITY - 1) <= GRAVITY_OFF:
            return f"these seem to be {unit}: write {unit}"
    if still < LINEAR * GRAVITY:
        return "gravity seems to be taken out (linear acceleration): record with it"
    return "the unit or the scale is wrong"
