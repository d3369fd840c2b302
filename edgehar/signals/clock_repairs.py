"""The rules by which broken time stamps are repaired, in the order in which they are applied.

1. A missing stamp (NaN) lies evenly between its neighbours.
2. Stamps that go backward: what leaves the most even steps of (a) single stamps are wrong, and lie evenly
   between their neighbours; (b) rows came late, and are sorted; (c) the clock was set back, and later stamps
   go on one period after the last one before.
3. Batches: where most samples share a stamp with a neighbour, a stamp is that of the first of its batch, and
   the others follow evenly until the next batch, or one period apart where the next batch is late.
4. Doubled rows: the same stamp and the same values as the row before are dropped. The same stamp with other
   values is spread as a batch is.
5. Jitter of delivery: where steps vary by more than a quarter of a period, though no stamp lies farther than
   2.5 periods from an even clock, the samples were taken evenly and stamped on arrival: the even clock it is.

A step of more than GAP periods is a gap: counted and left, since only the caller knows whether to fill it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgehar.errors import InputError

GAP = 3.5  # periods; up to two lost samples in a row are jitter
JITTER = 0.25  # of a period, the spread of steps from which stamps are those of delivery
OFF_CLOCK = 2.5  # periods that a stamp of delivery may lie off an even clock


@dataclass(frozen=True)
class Repairs:
    """What was found and repaired in one stream's stamps; samples, unless a unit says otherwise.

    period_s: typical step. jitter: standard deviation of the steps as found, gaps left out, in periods.
    missing: stamps filled in. retimed: single wrong stamps. sorted: rows that came late. set_back: times that
    the clock was. batched: samples that shared a stamp. doubled: rows dropped. smoothed: stamps of delivery.
    gaps: steps of more than GAP periods, `gap_s` long together; the longest begins at longest_gap_at_s.
    """

    period_s: float
    jitter: float
    missing: int = 0
    retimed: int = 0
    sorted: int = 0
    set_back: int = 0
    batched: int = 0
    doubled: int = 0
    smoothed: int = 0
    gaps: int = 0
    gap_s: float = 0.0
    longest_gap_s: float = 0.0
    longest_gap_at_s: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """The repairs that were made, by name, those of none left out."""
        names = ("missing", "retimed", "sorted", "set_back", "batched", "doubled", "smoothed", "gaps")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def period_of(seconds: np.ndarray) -> float:
    """The typical step of stamps (T,), T >= 2, however they jitter or come in batches.

    The median slope over spans of about 50 steps (over a third of a short recording), so that neither a gap
    nor a wrong stamp moves it.
    """
    known = np.flatnonzero(np.isfinite(seconds))
    span = min(50, max(1, len(known) // 3))
    stamps = np.asarray(seconds)[known]
    slopes = (stamps[span:] - stamps[:-span]) / (known[span:] - known[:-span])
    return float(np.median(slopes))


def apply(seconds: np.ndarray, values: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray, Repairs]:
    """Strictly rising stamps (T,), the values (T, ...) that they belong to, and what was repaired.

    Raises InputError that begins with `where` if nothing that rises can be made of the stamps.
    """
    counts: dict[str, int] = {}
    seconds = np.asarray(seconds, dtype=np.float64)
    seconds, counts["missing"] = _fill(seconds, where)
    jitter = _jitter(seconds)
    seconds, values, ordered = _in_order(seconds, values)
    counts |= ordered
    if seconds[-1] <= seconds[0]:
        raise InputError(f"{where} has {len(seconds)} samples with one time: state rate_hz instead.")
    seconds, values, shared = _told_apart(seconds, values)
    counts |= shared
    if len(seconds) < 2 or not (np.diff(seconds) > 0).all():
        raise InputError(f"{where} has times that cannot be put in order: state rate_hz instead.")
    seconds, counts["smoothed"] = _even(seconds)
    return seconds, values, Repairs(period_of(seconds), jitter, **counts, **_gaps(seconds))  # type: ignore[arg-type]


def _fill(seconds: np.ndarray, where: str) -> tuple[np.ndarray, int]:
    lost = ~np.isfinite(seconds)
    if not lost.any():
        return seconds, 0
    if (~lost).sum() < 2:
        raise InputError(f"{where} has {(~lost).sum()} samples with a time: state rate_hz instead.")
    return _between(seconds, lost), int(lost.sum())


def _between(seconds: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Stamps where those that are `lost` lie evenly between the others, at the ends one period apart."""
    rows, kept = np.arange(len(seconds)), np.flatnonzero(~lost)
    filled = np.interp(rows, kept, seconds[kept])
    period = max(period_of(seconds[kept]), 0.0) if len(kept) > 1 else 0.0
    first, last = kept[0], kept[-1]
    filled[:first] = seconds[first] - (first - rows[:first]) * period
    filled[last + 1 :] = seconds[last] + (rows[last + 1 :] - last) * period
    return filled


def _jitter(seconds: np.ndarray) -> float:
    period = period_of(seconds)
    steps = np.diff(seconds)
    steps = steps[(steps >= 0) & (steps <= GAP * period)]
    return float(steps.std() / period) if len(steps) and period > 0 else 0.0


def _in_order(seconds: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Rule 2: of the three readings of stamps that go backward, the one with the most even steps."""
    if (np.diff(seconds) >= 0).all():
        return seconds, values, {}
    order = np.argsort(seconds, kind="stable")
    wrong = _out_of_order(seconds)
    ahead, back = _set_forward(seconds)
    readings: list[tuple[np.ndarray, np.ndarray | None, dict[str, int]]] = [
        (_between(seconds, wrong), None, {"retimed": int(wrong.sum())}),
        (seconds[order], order, {"sorted": int((order != np.arange(len(order))).sum())}),
        (ahead, None, {"set_back": back}),
    ]
    period = _typical_step(seconds)
    uneven: Callable[[np.ndarray], float] = lambda stamps: float(np.abs(np.diff(stamps) - period).sum())  # noqa: E731
    stamps, rows, counts = min(readings, key=lambda reading: uneven(reading[0]))
    return stamps, values if rows is None else values[rows], counts


def _typical_step(seconds: np.ndarray) -> float:
    steps = np.diff(seconds)
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0


def _out_of_order(seconds: np.ndarray) -> np.ndarray:
    """The fewest stamps (T,) bool without which the others do not go backward.

    They lie outside a longest rising subsequence, which is sought where order is broken only.
    """
    high = np.maximum.accumulate(seconds)
    low = np.minimum.accumulate(seconds[::-1])[::-1]
    suspect = (seconds < high) | (seconds > low)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], suspect, [False]]).astype(np.int8)))
    wrong = np.zeros(len(seconds), dtype=bool)
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        wrong[first:last] = ~_longest_rise(seconds[first:last])
    return wrong


def _longest_rise(stamps: np.ndarray) -> np.ndarray:
    """Which stamps belong to a longest subsequence that does not go backward (patience sorting)."""
    tails: list[float] = []
    at: list[int] = []
    before = np.full(len(stamps), -1)
    for row, stamp in enumerate(stamps.tolist()):
        pile = bisect_right(tails, stamp)
        before[row] = at[pile - 1] if pile else -1
        tails[pile : pile + 1] = [stamp]
        at[pile : pile + 1] = [row]
    kept = np.zeros(len(stamps), dtype=bool)
    row = at[-1]
    while row >= 0:
        kept[row] = True
        row = int(before[row])
    return kept


def _set_forward(seconds: np.ndarray) -> tuple[np.ndarray, int]:
    """Stamps that go on, one period later, wherever they go backward; and how often they do."""
    steps = np.diff(seconds)
    back = steps < 0
    steps[back] = _typical_step(seconds)
    return np.concatenate([seconds[:1], seconds[0] + np.cumsum(steps)]), int(back.sum())


def _told_apart(seconds: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Rules 3 and 4: samples that share a stamp."""
    same = np.diff(seconds) == 0
    if not same.any():
        return seconds, values, {}
    shared = np.concatenate([[False], same]) | np.concatenate([same, [False]])
    doubled = 0
    if shared.mean() <= 0.5:
        flat = np.asarray(values).reshape(len(values), -1)
        drop = np.concatenate([[False], same & (flat[1:] == flat[:-1]).all(axis=1)])
        doubled = int(drop.sum())
        seconds, values, shared = seconds[~drop], values[~drop], shared[~drop]
        again = np.diff(seconds) == 0
        shared = np.concatenate([[False], again]) | np.concatenate([again, [False]])
    if shared.any():
        seconds = _spread(seconds)
    return seconds, values, {"doubled": doubled, "batched": int(shared.sum())}


def _spread(seconds: np.ndarray) -> np.ndarray:
    """Stamps of batches as those of single samples: even until the next batch, or a period apart."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(seconds) > 0]))
    sizes = np.diff(np.append(first, len(seconds)))
    spans = np.diff(seconds[first])
    usual = float(np.median(spans[1:] / sizes[1:-1])) if len(spans) > 1 else float(spans[0] / sizes[0])
    apart = np.append(np.minimum(spans / sizes[:-1], 2 * usual), usual)
    apart[:-1] = np.where(spans / sizes[:-1] > 2 * usual, usual, apart[:-1])
    rank = np.arange(len(seconds)) - np.repeat(first, sizes)
    spread = seconds + rank * np.repeat(apart, sizes)
    if len(first) > 2 and sizes[0] > 1:  # the recording began within its first batch
        head = slice(0, sizes[0])
        spread[head] = seconds[first[1]] - (sizes[0] - np.arange(sizes[0])) * usual
    return spread


def _gaps(seconds: np.ndarray) -> dict[str, float]:
    steps = np.diff(seconds)
    period = period_of(seconds)
    wide = np.flatnonzero(steps > GAP * period)
    if not len(wide):
        return {}
    longest = wide[np.argmax(steps[wide])]
    return {
        "gaps": len(wide),
        "gap_s": float(steps[wide].sum()),
        "longest_gap_s": float(steps[longest]),
        "longest_gap_at_s": float(seconds[longest] - seconds[0]),
    }


def _even(seconds: np.ndarray) -> tuple[np.ndarray, int]:
    """Rule 5: stamps of delivery become the even clock that fits them best."""
    period = period_of(seconds)
    if np.diff(seconds).std() <= JITTER * period or len(seconds) < 8:
        return seconds, 0
    rows = np.arange(len(seconds))
    slope, start = np.polyfit(rows, seconds, 1)
    even = start + slope * rows
    if slope <= 0 or np.abs(seconds - even).max() > OFF_CLOCK * slope:
        return seconds, 0
    return even, len(seconds)
