"""Windows that no recording holds and every sensor gives some day: silence, saturation, extremes.

They are made, not chosen: the same for every student of one shape but for the windows with a constant
axis, which are real ones with one axis replaced.
"""

from __future__ import annotations

import numpy as np

G = 9.80665  # m/s^2
SATURATION = 16 * G  # the widest range of a wrist's accelerometer
EXTREME = 200 * G  # the widest range of any accelerometer sold for people
TINY = 1e-30
REAL_WINDOWS = 8


def stress_windows(real: np.ndarray) -> dict[str, np.ndarray]:
    """Groups of windows (M, T, C) float32 by name, for a student of windows like `real` (N, T, C)."""
    time, channels = real.shape[1:]
    ones = np.ones((time, channels), np.float32)
    turns = np.where(np.arange(time) % 2, 1.0, -1.0).astype(np.float32)[:, None] * ones
    some = real[:REAL_WINDOWS]
    spike = 0 * ones
    spike[time // 2] = EXTREME
    groups = {
        "silence": [0 * ones, *_rest(time, channels)],
        "saturation": [
            SATURATION * ones,
            -SATURATION * ones,
            SATURATION * turns,
            *np.clip(8 * some, -SATURATION, SATURATION),
        ],
        "extremes": [EXTREME * ones, -EXTREME * ones, EXTREME * turns, spike, TINY * turns],
        "constant axis": [window for axis in range(channels) for window in _frozen(some, axis)],
    }
    return {name: np.stack(windows).astype(np.float32) for name, windows in groups.items()}


def _rest(time: int, channels: int) -> list[np.ndarray]:
    """Gravity alone, along each axis in turn."""
    return [np.tile(G * row, (time, 1)) for row in np.eye(channels, dtype=np.float32)]


def _frozen(windows: np.ndarray, axis: int) -> np.ndarray:
    """The windows with one axis stuck at its first sample."""
    frozen = windows.copy()
    frozen[:, :, axis] = windows[:, :1, axis]
    return frozen
