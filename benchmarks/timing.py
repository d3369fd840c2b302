"""What the benchmarks share: calls timed in turn, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def interleaved(
    repeats: int, *calls: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median milliseconds of each call by `clock`, timed in turn."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, row in zip(calls, times, strict=True):
            start = clock()
            call()
            row.append(1e3 * (clock() - start))
    return [statistics.median(row) for row in times]
