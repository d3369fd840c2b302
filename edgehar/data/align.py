"""The streams of one clip on one clock: cut to the time that they share, made even at their rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgehar.data.clip import Stream
from edgehar.data.streams import Raw, Source, read_raw
from edgehar.data.units import OWN
from edgehar.errors import InputError
from edgehar.signals.timestamps import LONGEST_GAP_S, at_rate

LEAST_SHARED_S = 0.2  # that two streams of a clip must have in common


@dataclass(frozen=True)
class Reader:
    """Reads one stream of a clip when called; `others` are its other streams, to whose times it is cut."""

    clip: str
    source: Source
    others: tuple[Source, ...] = ()

    def __call__(self) -> Stream:
        """The stream, even at the row's rate, or at its own, rounded, where the row states none.

        Raises InputError if it cannot be read, or shares no time with the clip's other streams.
        """
        raw = read_raw(self.source)
        unit = OWN[self.source.modality]
        if raw.seconds is None:
            return Stream(raw.values, raw.rate_hz, unit)
        start, end = self._shared(raw)
        rate_hz = self.source.rate_hz or round_rate(raw.rate_hz)
        if self.source.modality in ("rgb", "depth"):
            return Stream(_frames(raw, start, end), rate_hz, unit)
        values = at_rate(raw.seconds, raw.values, rate_hz, start - raw.origin_s, end - raw.origin_s)
        if len(values) < 2:
            raise InputError(
                f"{self.source.told} has less than two samples at {rate_hz:g} Hz: remove the clip."
            )
        return Stream(values, rate_hz, unit)

    def _shared(self, raw: Raw) -> tuple[float, float]:
        assert raw.span is not None
        spans = {self.source: (*raw.span, raw.absolute)}
        for other in self.others:
            if (known := _span_of(other, _stamp(other))) is not None:
                spans[other] = known
        return shared_span(self.clip, spans)


def shared_span(clip: str, spans: Mapping[Source, tuple[float, float, bool]]) -> tuple[float, float]:
    """The time that all streams of a clip share, by their first and last stamp, and whether these are of the
    calendar. Raises InputError that names two streams which do not share LEAST_SHARED_S."""
    late = max(spans, key=lambda source: spans[source][0])
    early = min(spans, key=lambda source: spans[source][1])
    start, end = spans[late][0], spans[early][1]
    if len(spans) < 2 or end - start >= LEAST_SHARED_S:
        return start, end
    first, second = (late, early) if late != early else tuple(spans)[:2]
    clocks = {spans[source][2] for source in spans}
    why = "their clocks differ" if len(clocks) > 1 else f"they share {max(end - start, 0):.2f} s"
    raise InputError(
        f"Clip {clip}: {_told(first, spans[first])} and {_told(second, spans[second])}, so {why}: state in "
        "the manifest's column `start` when the first sample of each was taken."
    )


def _told(source: Source, span: tuple[float, float, bool]) -> str:
    return f"{source.stream} ({source.where}) runs from {span[0]:.2f} to {span[1]:.2f} s"


def round_rate(rate_hz: float) -> float:
    """A measured rate as a plain number: whole Hz from 10 Hz, tenths below."""
    return float(round(rate_hz)) if rate_hz >= 10 else max(round(rate_hz, 1), 0.1)


def _frames(raw: Raw, start: float, end: float) -> np.ndarray:
    """The frames of a video between two times, at least two."""
    assert raw.seconds is not None
    at = raw.seconds + raw.origin_s
    first = max(0, int(np.searchsorted(at, start - 0.5 / raw.rate_hz)))
    last = min(len(at), int(np.searchsorted(at, end + 0.5 / raw.rate_hz)))
    return raw.values[min(first, len(at) - 2) : max(last, first + 2)]


def _stamp(source: Source) -> tuple[int, int]:
    seen = source.path.stat()
    return seen.st_size, seen.st_mtime_ns


@lru_cache(maxsize=4096)
def _span_of(source: Source, stamp: tuple[int, int]) -> tuple[float, float, bool] | None:
    """First and last stamp of a stream, and whether of the calendar; None where it has no times."""
    if source.modality in ("rgb", "depth") and source.start_s is None:
        return None  # a video's times begin at 0, whenever it was taken
    raw = read_raw(source, longest_gap_s=None if source.modality == "rgb" else LONGEST_GAP_S)
    return None if raw.span is None else (*raw.span, raw.absolute)
