"""Windows as a watch sees them: T samples at the sensor's own rate, one every hop."""

from __future__ import annotations

import numpy as np


def starts(count: int, window: int, hop: int) -> np.ndarray:
    """Where windows begin in a stream of `count` samples, (n,) in samples, n >= 1: every `hop` samples as
    long as a whole window fits, as a ring buffer gives them; 0 alone where none fits.

    Raises ValueError unless all three are 1 or more.
    """
    if min(count, window, hop) < 1:
        raise ValueError(f"count {count}, window {window}, hop {hop}: each must be 1 or more.")
    return np.arange(0, max(count - window, 0) + 1, hop)


def places(count: int, start: int, window: int, steps: int, length: int) -> np.ndarray:
    """Where the window that begins at `start` looks in another stream of its clip, (steps,) in its samples.

    count: samples of the stream that is cut; length: of the other one, which covers the same time. A window
    that reaches past the end stays at the last sample. Whole numbers where both are the same stream.
    """
    own = np.minimum(np.linspace(start, start + window - 1, steps), count - 1)
    return own * ((length - 1) / max(count - 1, 1))


def look(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values (T, ...) at places (steps,) between samples, by linear interpolation, float32."""
    values = np.asarray(values, dtype=np.float32)
    left = np.floor(at).astype(int)
    right = np.minimum(left + 1, len(values) - 1)
    weight = (at - left).astype(np.float32).reshape(-1, *(1,) * (values.ndim - 1))
    return values[left] * (1 - weight) + values[right] * weight


def cut(values: np.ndarray, window: int, hop: int) -> np.ndarray:
    """All windows of a stream (T, ...): (n, window, ...) float32, unchanged samples; a stream that is shorter
    than the window is held at its last sample."""
    count = len(values)
    return np.stack(
        [look(values, places(count, start, window, window, count)) for start in starts(count, window, hop)]
    )
