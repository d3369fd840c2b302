"""Plays a watch's hours as discrete events: a batch arrives, the processor wakes, reads, infers, sleeps.

One processor, jobs in the order of their arrival, none interrupted. A window that has not begun when the
next one is due is dropped: its answer would be old.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from firmware_sim.report import Latency
from firmware_sim.stream.settings import StreamSettings

BLOCK = 4096
TIMELINE_S = 20.0


class Batch(NamedTuple):
    """What the FIFO held when it woke the processor. first: number of its first sample since the start."""

    arrived_s: float
    first: int
    samples: int
    after_gap: bool


class Window(NamedTuple):
    """A window that became due at due_s, when the processor had read its last sample; last: its number."""

    last: int
    due_s: float


@dataclass
class Day:
    """What happened. Times in s since the start; busy_s: by kind of work.

    ends, finishes: of each inference that was made, its window's last sample and its answer. lasts: the
    number of that sample. slices: (start, end, what) of the first seconds, for the picture.
    """

    settings: StreamSettings
    seconds: float
    busy_s: dict[str, float] = field(default_factory=lambda: {"wake": 0.0, "read": 0.0, "model": 0.0})
    wakeups: int = 0
    batches: int = 0
    samples: int = 0
    samples_lost: int = 0
    windows: int = 0
    dropped: int = 0
    missed: int = 0
    peak_ring: int = 0
    lasts: list[int] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    finishes: list[float] = field(default_factory=list)
    slices: list[tuple[float, float, str]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)


def simulate_day(settings: StreamSettings, latency: Latency) -> Day:
    """The hours of `settings` with a model of that latency, drawn anew for each inference between its bounds.

    Equal settings and latency give an equal day.
    """
    return _Watch(settings, latency).play()


class _Watch:
    def __init__(self, settings: StreamSettings, latency: Latency) -> None:
        self.settings = settings
        self.day = Day(settings, 3600 * settings.hours)
        self.events: list[tuple[float, int, bool, Batch | Window]] = []
        self.order = 0
        self.jobs: deque[Batch | Window] = deque()
        self.busy = False
        self.asleep = True
        self.filled = 0  # samples in the ring since the last gap
        self.batches = _batches(settings, self.day)
        self.costs_s = _costs_s(latency, np.random.default_rng([settings.seed, 1]))

    def play(self) -> Day:
        self._next_batch()
        while self.events:
            now, _, is_done, job = heappop(self.events)
            if is_done:
                self._finish(now, job)
            else:
                self.jobs.append(job)
                self._next_batch()
            if not self.busy:
                self._begin(now)
        return self.day

    def _next_batch(self) -> None:
        if (batch := next(self.batches, None)) is not None:
            self._schedule(batch.arrived_s, False, batch)

    def _schedule(self, when: float, is_done: bool, job: Batch | Window) -> None:
        self.order += 1
        heappush(self.events, (when, self.order, is_done, job))

    def _begin(self, now: float) -> None:
        """Starts the next job, waking up before it where the processor slept; sleeps where there is none."""
        if not self.jobs:
            self.asleep = True
            return
        job = self.jobs.popleft()
        if self.asleep:
            self.asleep = False
            self.day.wakeups += 1
            now = self._work(now, self.settings.wake_ms / 1000, "wake")
        if isinstance(job, Batch):
            end = self._work(now, job.samples * self.settings.read_us / 1e6, "read")
        else:
            end = self._work(now, next(self.costs_s), "model")
        self.busy = True
        self._schedule(end, True, job)

    def _work(self, start: float, seconds: float, what: str) -> float:
        self.day.busy_s[what] += seconds
        if start < TIMELINE_S:
            self.day.slices.append((start, start + seconds, what))
        return start + seconds

    def _finish(self, now: float, job: Batch | Window) -> None:
        self.busy = False
        if isinstance(job, Batch):
            self._fill(now, job)
            return
        day = self.day
        day.lasts.append(job.last)
        day.ends.append(job.last / self.settings.rate_hz)
        day.finishes.append(now)
        day.missed += now > job.due_s + self.settings.hop / self.settings.rate_hz

    def _fill(self, now: float, batch: Batch) -> None:
        """Puts a batch into the ring, and queues the windows that it completes."""
        settings, day = self.settings, self.day
        before = 0 if batch.after_gap else self.filled
        self.filled = before + batch.samples
        day.peak_ring = max(day.peak_ring, min(self.filled, settings.ring_samples))
        for number in range(max(before, settings.window - 1), self.filled):
            if (number + 1 - settings.window) % settings.hop == 0:
                self._drop_waiting()
                day.windows += 1
                self.jobs.append(Window(batch.first + number - before, now))

    def _drop_waiting(self) -> None:
        kept = [job for job in self.jobs if isinstance(job, Batch)]
        if len(kept) < len(self.jobs):
            self.day.dropped += len(self.jobs) - len(kept)
            self.jobs = deque(kept)


def _batches(settings: StreamSettings, day: Day) -> Iterator[Batch]:
    """Every batch in order. What the FIFO holds when a gap begins is lost with it."""
    delays = _delays_s(settings.jitter_ms / 1000, np.random.default_rng([settings.seed, 0]))
    gaps = _gaps(settings, np.random.default_rng([settings.seed, 2]))
    total = round(day.seconds * settings.rate_hz)
    gap, sample, arrived, after_gap = next(gaps), 0, 0.0, False
    while sample + settings.fifo <= total:
        if gap is not None and gap[0] < sample + settings.fifo:
            restart = max(sample, gap[1])
            day.samples_lost += min(restart, total) - sample
            sample, gap, after_gap = restart, next(gaps), True
            continue
        arrived = max(arrived, (sample + settings.fifo) / settings.rate_hz + next(delays))
        day.batches += 1
        day.samples += settings.fifo
        if arrived < TIMELINE_S:
            day.arrivals.append(arrived)
        yield Batch(arrived, sample, settings.fifo, after_gap)
        sample, after_gap = sample + settings.fifo, False


def _delays_s(spread_s: float, random: np.random.Generator) -> Iterator[float]:
    while True:
        yield from np.abs(random.normal(0, spread_s, BLOCK)).tolist()


def _gaps(settings: StreamSettings, random: np.random.Generator) -> Iterator[tuple[int, int] | None]:
    """(first missing sample, first sample after the gap) of each gap, in order, then None for ever."""
    if settings.gaps_per_hour:
        now = 0.0
        while now < 3600 * settings.hours:
            now += random.exponential(3600 / settings.gaps_per_hour)
            length = random.exponential(settings.gap_s)
            yield int(now * settings.rate_hz), int((now + length) * settings.rate_hz) + 1
            now += length
    while True:
        yield None


def _costs_s(latency: Latency, random: np.random.Generator) -> Iterator[float]:
    """Seconds of each inference: triangular between the latency's bounds, its value where they are equal."""
    low, value, high = latency.low / 1000, latency.value / 1000, latency.high / 1000
    while True:
        if low < high:
            yield from random.triangular(low, min(max(low, value), high), high, BLOCK).tolist()
        else:
            yield value
