"""A clip of any length as a fixed number of samples or frames."""

from __future__ import annotations

import numpy as np

from edgehar.signals.windows import look


def resample(values: np.ndarray, count: int) -> np.ndarray:
    """Linear interpolation of values (T, ...) at `count` even steps from the first to the last sample.

    Any T >= 1; T = count returns the same values. Returns (count, ...) float32. This is the papers'
    whole-clip framing: duration is lost, the order of things is kept.
    """
    values = np.asarray(values, dtype=np.float32)
    if len(values) == count:
        return values
    return look(values, np.linspace(0, len(values) - 1, count))
