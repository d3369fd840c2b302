"""The ring buffer of a watch: one sample in, now and then a window out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


class Ring:
    """Keeps the last `window` samples (3,) and gives them out, oldest first, when they are full and then
    after every `hop` further samples: the very windows that `edgehar.signals.windows.cut` makes of a
    recording that is long enough.
    """

    def __init__(self, window: int, hop: int, axes: int = 3) -> None:
        if min(window, hop, axes) < 1:
            raise ValueError(f"window {window}, hop {hop}, axes {axes}: each must be 1 or more.")
        self.window, self.hop = window, hop
        self._kept = np.zeros((window, axes), np.float32)
        self._seen = 0

    def push(self, sample: np.ndarray) -> np.ndarray | None:
        """Takes one sample (axes,); returns a window (window, axes) float32 of its own when one is due.

        Raises ValueError for a sample of another shape.
        """
        sample = np.asarray(sample, np.float32)
        if sample.shape != self._kept.shape[1:]:
            raise ValueError(f"a sample of shape {sample.shape}, not {self._kept.shape[1:]}.")
        self._kept[self._seen % self.window] = sample
        self._seen += 1
        since = self._seen - self.window
        if since < 0 or since % self.hop:
            return None
        return np.roll(self._kept, -(self._seen % self.window), axis=0)

    def clear(self) -> None:
        """Forgets everything, as after a gap in the recording."""
        self._seen = 0


def replay(samples: Iterable[np.ndarray], window: int, hop: int) -> Iterator[np.ndarray]:
    """The windows that a ring gives of samples (3,) that come one by one."""
    ring = Ring(window, hop)
    for sample in samples:
        if (given := ring.push(sample)) is not None:
            yield given
