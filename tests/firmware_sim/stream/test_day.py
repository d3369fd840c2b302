"""A watch's day, by hand where there is no chance in it, and what must hold where there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.report import Latency
from firmware_sim.stream.day import simulate_day
from firmware_sim.stream.report import motion_latencies_s
from firmware_sim.stream.settings import StreamSettings

TEN_MS = Latency(10.0, 10.0, 10.0, None, "stated")


def calm(**values: object) -> StreamSettings:
    """A minute at 50 Hz, windows of 100 every 50 samples, a FIFO of 25, and nothing left to chance."""
    usual = {"jitter_ms": 0.0, "gaps_per_hour": 0.0, "wake_ms": 2.0, "read_us": 40.0, "hours": 1 / 60}
    return StreamSettings(50.0, 100, 50, 25, **{**usual, **values})  # type: ignore[arg-type]


def test_a_minute_by_hand() -> None:
    day = simulate_day(calm(), TEN_MS)
    assert (day.batches, day.samples, day.wakeups) == (120, 3000, 120)
    assert day.windows == len(day.finishes) == 59  # (3000 - 100) / 50 + 1
    assert day.busy_s["wake"] == pytest.approx(120 * 0.002)
    assert day.busy_s["read"] == pytest.approx(3000 * 40e-6)
    assert day.busy_s["model"] == pytest.approx(59 * 0.010)
    assert day.finishes[0] == pytest.approx(2.0 + 0.002 + 25 * 40e-6 + 0.010)
    assert day.lasts[:3] == [99, 149, 199]
    assert day.missed == day.dropped == day.samples_lost == 0
    assert day.peak_ring == 125


def test_a_model_slower_than_its_hop_drops_and_misses() -> None:
    day = simulate_day(calm(), Latency(1500.0, 1500.0, 1500.0, None, "stated"))
    assert day.dropped > 10 and day.windows == 59
    assert len(day.finishes) + day.dropped == day.windows
    assert sum(day.busy_s.values()) / day.seconds > 0.9


def test_an_answer_after_the_next_window_is_due_is_missed() -> None:
    in_time = simulate_day(calm(), Latency(990.0, 990.0, 990.0, None, "stated"))
    late = simulate_day(calm(), Latency(1010.0, 1010.0, 1010.0, None, "stated"))
    assert in_time.missed == 0
    assert late.missed > 50


def test_a_gap_empties_the_ring_and_loses_samples() -> None:
    day = simulate_day(calm(hours=2.0, gaps_per_hour=60.0, gap_s=3.0), TEN_MS)
    assert day.samples_lost > 60 * 3 * 50 / 2
    assert day.windows < (2 * 3600 * 50 - 100) / 50
    assert all(last - 99 >= 0 for last in day.lasts)


def test_motion_to_decision_without_chance() -> None:
    """Half of a window of 2 s must be new, then the second of two answers, a second apart."""
    chosen = calm(hours=1.0, rule="majority", smoothing=3, motions_per_hour=600.0)
    latencies = motion_latencies_s(simulate_day(chosen, TEN_MS))
    assert len(latencies) > 500
    least = 0.5 * 2.0 + 1.0  # half a window, and one more hop for the second answer
    assert least <= latencies.min() < least + 0.05
    assert latencies.max() <= least + 1.0 + 0.05
    assert np.median(latencies) == pytest.approx(least + 0.5, abs=0.1)


def test_equal_seeds_give_equal_days() -> None:
    wide = Latency(10.0, 5.0, 40.0, None, "stated")
    chosen = calm(hours=0.5, jitter_ms=5.0, gaps_per_hour=20.0, seed=7)
    assert simulate_day(chosen, wide) == simulate_day(chosen, wide)
    other = calm(hours=0.5, jitter_ms=5.0, gaps_per_hour=20.0, seed=8)
    assert simulate_day(chosen, wide).finishes != simulate_day(other, wide).finishes


@settings(max_examples=40, deadline=None)
@given(
    window=st.integers(1, 200),
    hop=st.integers(1, 150),
    fifo=st.integers(1, 120),
    gaps=st.sampled_from([0.0, 200.0]),
    ms=st.floats(0.01, 3000),
    seed=st.integers(0, 9),
)
def test_what_always_holds(window: int, hop: int, fifo: int, gaps: float, ms: float, seed: int) -> None:
    chosen = StreamSettings(50.0, window, hop, fifo, gaps_per_hour=gaps, hours=0.1, seed=seed)
    day = simulate_day(chosen, Latency(ms, ms / 2, 2 * ms, None, "stated"))
    assert len(day.finishes) + day.dropped == day.windows
    assert day.finishes == sorted(day.finishes)
    assert all(finish > end for finish, end in zip(day.finishes, day.ends, strict=True))
    assert day.samples + day.samples_lost <= round(day.seconds * 50)
    assert day.peak_ring <= chosen.ring_samples
    assert day.missed <= len(day.finishes)
    assert day.samples == day.batches * fifo
