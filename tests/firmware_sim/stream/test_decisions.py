"""What a watch would have said of a recording whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.errors import SimError
from firmware_sim.report import Latency
from firmware_sim.stream.contract import read_stream_contract
from firmware_sim.stream.day import simulate_day
from firmware_sim.stream.decisions import Recording, decide, smooth
from firmware_sim.stream.settings import settings_for


def recorded(rate_hz: float, jitter: bool = False) -> Recording:
    """60 s: x is -1 in the first half, then +1."""
    times = np.arange(0, 60, 1 / rate_hz)
    if jitter:
        times = np.sort(times + np.random.default_rng(0).uniform(0, 0.5 / rate_hz, len(times)))
    right = times >= 30
    values = np.stack([np.where(right, 1.0, -1.0), np.zeros_like(times), np.full_like(times, 9.81)], 1)
    return Recording(values, times, tuple(np.where(right, "right", "left").tolist()))


@pytest.mark.parametrize(("rate_hz", "jitter"), [(10.0, False), (25.0, False), (50.0, True)])
def test_the_model_names_each_window_and_the_smoothing_follows(
    sign_model, rate_hz: float, jitter: bool
) -> None:
    path = sign_model()
    contract = read_stream_contract(path)
    chosen = settings_for(
        contract.window, contract.rate_hz, hop=10, gaps_per_hour=0, hours=1 / 60, smoothing=3
    )
    day = simulate_day(chosen, Latency(5.0, 5.0, 5.0, None, "stated"))
    said = decide(path, contract, recorded(rate_hz, jitter), chosen, day.lasts, day.finishes)
    assert len(said.decisions) == len(day.lasts) == 59
    for decision in said.decisions:
        if abs(decision.window_end_s - 31) > 1.01:  # the window holds one half alone
            assert decision.label == ("left" if decision.window_end_s < 31 else "right") == decision.truth
        assert decision.at_s > decision.window_end_s
    assert said.accuracy is not None and said.accuracy >= 57 / 59
    assert said.decisions[0].announced is None and said.decisions[1].announced == "left"
    first_right = next(d for d in said.decisions if d.label == "right")
    announced = next(d for d in said.decisions if d.announced == "right")
    assert announced.at_s == pytest.approx(first_right.at_s + 1.0, abs=0.01)  # one hop later: two of three
    assert said.announced_accuracy is not None and said.announced_accuracy > 0.9


def test_a_recording_without_truth_has_no_accuracy(sign_model) -> None:
    path = sign_model()
    contract = read_stream_contract(path)
    known = recorded(10.0)
    said = decide(path, contract, Recording(known.values, known.times_s), settings_for(20, 10.0), [30], [3.1])
    assert (said.accuracy, said.announced_accuracy, said.decisions[0].truth) == (None, None, None)


def test_smoothing_by_hand() -> None:
    labels = list("aabacccab")
    assert list(smooth(labels, "majority", 3)) == [None, "a", "a", "a", "a", "c", "c", "c", "c"]
    assert list(smooth(labels, "debounce", 3)) == [None, None, None, None, None, None, "c", "c", "c"]
    assert list(smooth(labels, "debounce", 1)) == labels


@pytest.mark.parametrize(
    ("values", "times", "said"),
    [
        (np.zeros((4, 2)), np.arange(4.0), r"shape \(T, 3\)"),
        (np.zeros((4, 3)), np.array([0.0, 1.0, 1.0, 2.0]), "must rise"),
        (np.full((4, 3), np.nan), np.arange(4.0), "NaN"),
    ],
)
def test_what_no_recording_is(values: np.ndarray, times: np.ndarray, said: str) -> None:
    with pytest.raises(SimError, match=said):
        Recording(values, times)


def test_a_recording_shorter_than_a_window(sign_model) -> None:
    path = sign_model()
    short = Recording(np.zeros((5, 3)), np.arange(5) / 10)
    with pytest.raises(SimError, match=r"lasts 0\.40 s and a window 2\.00 s"):
        decide(path, read_stream_contract(path), short, settings_for(20, 10.0), [19], [2.0])
