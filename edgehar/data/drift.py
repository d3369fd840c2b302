"""How far the clocks of two streams of one clip are apart, by when both move.

Stamps cannot tell: each clock is right about itself. Bodies can: what a wrist does, the hip and the camera
feel and see at the same moment. The lag at which both activities agree best is the offset of the clocks; how
it changes from the first third of a recording to the last is their drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgehar.data.streams import Raw

GRID_HZ = 50.0  # on which activities are compared
LEAST_S = 15.0  # shared by both, below which a third holds too little movement
WIDEST_S = 2.0  # offset that is looked for
ALIKE = 0.5  # correlation from which both are taken to feel the same


@dataclass(frozen=True)
class Drift:
    """offset_s: by which the second stream's stamps are late at the beginning. drift_s: by how much more at
    the end. over_s: between the two."""

    offset_s: float
    drift_s: float
    over_s: float

    @property
    def ppm(self) -> float:
        """Microseconds a second by which the second clock is faster."""
        return 1e6 * self.drift_s / self.over_s


def clock_drift(first: Raw, second: Raw) -> Drift | None:
    """Offset and drift of two motion streams, None where they share too little time or do not move alike."""
    if (first.seconds is None) != (second.seconds is None):
        return None
    starts, ends = zip(_span(first), _span(second), strict=True)
    begin, end = max(starts), min(ends)
    if end - begin < LEAST_S:
        return None
    grid = np.arange(begin, end, 1 / GRID_HZ)
    one, other = (np.interp(grid, _stamps(raw), _activity(raw)) for raw in (first, second))
    part = len(grid) // 3
    early, late = _lag(one[:part], other[:part]), _lag(one[-part:], other[-part:])
    if early is None or late is None:
        return None
    return Drift(early, late - early, float(grid[-part] - grid[0]))


def _stamps(raw: Raw) -> np.ndarray:
    return np.arange(len(raw.values)) / raw.rate_hz if raw.seconds is None else raw.seconds + raw.origin_s


def _span(raw: Raw) -> tuple[float, float]:
    stamps = _stamps(raw)
    return float(stamps[0]), float(stamps[-1])


def _activity(raw: Raw) -> np.ndarray:
    """How strongly something moves (T,): of joints the mean acceleration, of sensors the length about its
    median, smoothed over a tenth of a second, since two places of a body shake differently."""
    from scipy.ndimage import uniform_filter1d

    values = np.asarray(raw.values, np.float64)
    if values.ndim == 3:
        moved = np.linalg.norm(np.gradient(np.gradient(values, axis=0), axis=0), axis=2).mean(axis=1)
    else:
        length = np.linalg.norm(values, axis=1)
        moved = np.abs(length - np.median(length))
    return uniform_filter1d(moved, max(1, round(raw.rate_hz / 10)))


def _lag(one: np.ndarray, other: np.ndarray) -> float | None:
    """By how many seconds `other` is late, to a fraction of a sample; None where they are not alike."""
    from scipy.signal import correlate

    one, other = one - one.mean(), other - other.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    reach = min(round(WIDEST_S * GRID_HZ), len(one) // 2)
    if not scale or reach < 2:
        return None
    middle = len(one) - 1
    alike = correlate(other, one, "full", "fft")[middle - reach : middle + reach + 1] / scale
    at = int(np.argmax(alike))
    if alike[at] < ALIKE or not 0 < at < len(alike) - 1:
        return None
    left, top, right = alike[at - 1 : at + 2]
    bend = left - 2 * top + right
    return float((at - reach + (0.5 * (left - right) / bend if bend else 0.0)) / GRID_HZ)
