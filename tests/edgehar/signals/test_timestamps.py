"""Time stamps: what they are taken for, how they are repaired, and even samples of them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from edgehar.errors import InputError
from edgehar.signals.timestamps import (
    DATE_TIME,
    NUMBERS,
    TIME_OF_DAY,
    UNITS,
    at_rate,
    parse_times,
    repair_times,
)

NOW = 1_600_000_000.25  # s since 1970


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("origin", [0.0, 12.5, 86_400.0, NOW])
@pytest.mark.parametrize("rate_hz", [10, 25, 50, 100, 400])
def test_each_unit_is_recognised_from_any_origin(unit, origin, rate_hz):
    stamps = (origin + np.arange(200) / rate_hz) * UNITS[unit]
    times = parse_times(stamps)
    assert times.unit == unit
    assert times.absolute == (origin == NOW)
    np.testing.assert_allclose(times.seconds, np.arange(200) / rate_hz, atol=1e-6)
    assert times.origin_s == pytest.approx(origin, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-07-20 15:06:42.882", datetime(2022, 7, 20, 15, 6, 42, 882000, UTC)),
        ("20181016_13:37:28.612000", datetime(2018, 10, 16, 13, 37, 28, 612000, UTC)),
        ("2022-07-20T15:06:42Z", datetime(2022, 7, 20, 15, 6, 42, 0, UTC)),
        ("2022-07-20T15:06:42.5+02:00", datetime(2022, 7, 20, 13, 6, 42, 500000, UTC)),
        ("2022/07/20 15:06:42,882", datetime(2022, 7, 20, 15, 6, 42, 882000, UTC)),
        ("20.07.2022 15:06:42.882", datetime(2022, 7, 20, 15, 6, 42, 882000, UTC)),
        ("20220720 150642.882", datetime(2022, 7, 20, 15, 6, 42, 882000, UTC)),
    ],
)
def test_date_times_are_read_as_the_calendar_means_them(text, moment):
    times = parse_times([text, text])
    assert (times.unit, times.absolute) == (DATE_TIME, True)
    assert times.origin_s == pytest.approx(moment.timestamp(), abs=1e-6)


def test_a_time_of_day_has_no_date():
    times = parse_times(["23:59:59.5", "23:59:59.75"])
    assert (times.unit, times.absolute) == (TIME_OF_DAY, False)
    np.testing.assert_allclose(times.seconds, [0, 0.25], atol=1e-9)


def test_nanoseconds_of_a_date_time_survive():
    times = parse_times(["2022-07-20 15:06:42.000000100", "2022-07-20 15:06:42.000000350"])
    np.testing.assert_allclose(times.seconds, [0, 250e-9], atol=1e-12)


def test_a_stated_unit_wins_over_what_it_looks_like():
    stamps = np.arange(100) * 0.02  # seconds by their step
    assert parse_times(stamps, "s").recognised_by == "stated"
    with pytest.raises(InputError, match="if these are us, write us"):
        parse_times(np.arange(100) * 20000.0, "s")


def test_steps_of_one_are_milliseconds_only_where_the_rate_says_so():
    with pytest.raises(InputError, match="steps by exactly 1"):
        parse_times(np.arange(50))
    assert parse_times(np.arange(50), nominal_hz=1000).unit == "ms"
    times = parse_times(np.arange(50), nominal_hz=50)
    assert times.unit == NUMBERS
    np.testing.assert_allclose(times.seconds, np.arange(50) / 50)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ([], "is empty"),
        (["soon", "later"], "'soon'.*is no time"),
        (["2022-07-20 15:06:42", "2022-02-30 15:06:42"], "sample 2.*no date-time"),
        (["2022-07-20 15:06:42", "noon"], "'noon'"),
        (np.full(9, 5.0), "does not go forward"),
        (np.full(9, np.nan), "holds no number"),
    ],
)
def test_what_is_no_time_is_said(column, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_times(column)


def test_an_unknown_unit_names_those_there_are():
    with pytest.raises(InputError, match="s, ms, us, ns"):
        parse_times(np.arange(9.0), "minutes")


def wave(seconds):
    """Values that are known at any time, so that a repaired stamp can be held against the truth."""
    return np.stack([np.sin(2 * np.pi * 0.7 * seconds), np.cos(seconds), seconds], axis=1)


TRUE = np.arange(300) / 50


def repaired(stamps, values=None):
    return repair_times(np.asarray(stamps, float), wave(TRUE) if values is None else values)


def test_even_stamps_are_left_as_they_are():
    seconds, values, repairs = repaired(TRUE)
    np.testing.assert_array_equal(seconds, TRUE)
    np.testing.assert_array_equal(values, wave(TRUE))
    assert repairs.counts == {}
    assert repairs.period_s == pytest.approx(0.02)


def test_missing_stamps_lie_between_their_neighbours():
    stamps = TRUE.copy()
    stamps[[0, 7, 8, -1]] = np.nan
    seconds, _, repairs = repaired(stamps)
    np.testing.assert_allclose(seconds, TRUE, atol=1e-9)
    assert repairs.counts == {"missing": 4}


@pytest.mark.parametrize("error", [0.055, -0.3, 1000.0])
def test_one_wrong_stamp_is_put_back(error):
    stamps = TRUE.copy()
    stamps[40] += error
    seconds, values, repairs = repaired(stamps)
    np.testing.assert_allclose(seconds, TRUE, atol=1e-9)
    np.testing.assert_array_equal(values, wave(TRUE))
    assert repairs.counts == {"retimed": 1}


def test_rows_that_came_late_are_sorted():
    order = np.r_[0:50, 55:60, 50:55, 60:300]
    seconds, values, repairs = repaired(TRUE[order], wave(TRUE)[order])
    np.testing.assert_allclose(seconds, TRUE)
    np.testing.assert_array_equal(values, wave(TRUE))
    assert repairs.counts == {"sorted": 10}


def test_a_clock_that_was_set_back_goes_on():
    stamps = TRUE.copy()
    stamps[100:] -= 3600
    stamps[200:] -= 1
    seconds, _, repairs = repaired(stamps)
    np.testing.assert_allclose(seconds, TRUE, atol=1e-6)
    assert repairs.counts == {"set_back": 2}


def test_batches_are_spread():
    stamps = np.floor(TRUE[7:] * 5) / 5  # one stamp for ten samples, the first batch cut
    seconds, _, repairs = repair_times(stamps, wave(TRUE[7:]))
    np.testing.assert_allclose(seconds, TRUE[7:], atol=1e-9)
    assert repairs.counts == {"batched": 293}


def test_a_late_batch_leaves_a_gap():
    stamps = np.floor(TRUE * 5 + 1e-9) / 5
    stamps[100:] += 2
    seconds, _, repairs = repaired(stamps)
    np.testing.assert_allclose(seconds[:100], TRUE[:100], atol=1e-9)
    assert repairs.gaps == 1
    assert repairs.longest_gap_s == pytest.approx(2.02)


def test_doubled_rows_are_dropped_and_counted():
    rows = np.sort(np.r_[0:300, 20, 21, 200])
    seconds, values, repairs = repair_times(TRUE[rows], wave(TRUE)[rows])
    np.testing.assert_array_equal(seconds, TRUE)
    np.testing.assert_array_equal(values, wave(TRUE))
    assert repairs.counts == {"doubled": 3}


def test_stamps_of_delivery_become_an_even_clock():
    late = np.random.default_rng(0).uniform(0, 0.03, len(TRUE))
    stamps = np.maximum.accumulate(TRUE + late) + np.arange(300) * 1e-9
    seconds, _, repairs = repaired(stamps)
    assert repairs.counts["smoothed"] == 300
    assert np.abs(np.diff(seconds) - 0.02).max() < 1e-4
    assert np.abs(seconds - TRUE - 0.015).max() < 0.006


def test_true_irregular_stamps_with_pauses_are_kept():
    stamps = TRUE.copy()
    stamps[150:] += 1.5
    seconds, _, repairs = repaired(stamps)
    np.testing.assert_array_equal(seconds, stamps)
    assert (repairs.gaps, repairs.longest_gap_at_s) == (1, pytest.approx(2.98))
    with pytest.raises(InputError, match=r"pauses for 1\.52 s at 2\.98 s"):
        repair_times(stamps, wave(TRUE), longest_gap_s=1.0)


@pytest.mark.parametrize("stamps", [[1.0], [], [2.0, 2.0, 2.0], [np.nan, 1.0, np.nan]])
def test_what_cannot_be_repaired_is_said(stamps):
    with pytest.raises(InputError, match="walk.csv"):
        repair_times(np.array(stamps), np.zeros((len(stamps), 3)), where="walk.csv")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=2, max_size=60))
def test_whatever_comes_out_rises_and_no_row_is_lost_uncounted(stamps):
    values = np.arange(len(stamps))[:, None]
    try:
        seconds, kept, repairs = repair_times(np.array(stamps), values)
    except InputError:
        return
    assert (np.diff(seconds) > 0).all() and np.isfinite(seconds).all()
    assert len(kept) == len(seconds) == len(stamps) - repairs.doubled


def test_even_samples_at_the_own_rate_are_the_values():
    np.testing.assert_allclose(at_rate(TRUE, wave(TRUE), 50), wave(TRUE), atol=1e-6)


@pytest.mark.parametrize("rate_hz", [20, 25, 40, 50, 60, 100])
def test_a_slow_wave_survives_every_rate(rate_hz):
    even = at_rate(TRUE, wave(TRUE), rate_hz)
    grid = np.arange(len(even)) / rate_hz
    assert grid[-1] <= TRUE[-1] < grid[-1] + 1 / rate_hz
    inner = slice(rate_hz // 2, -rate_hz // 2)
    np.testing.assert_allclose(even[inner], wave(grid)[inner], atol=0.01)


def test_what_the_lower_rate_cannot_hold_is_filtered_out():
    seconds = np.arange(2000) / 200
    fast = np.sin(2 * np.pi * 23 * seconds)[:, None]  # would fold to 2 Hz at 25 Hz
    assert np.abs(fast[::8]).max() > 0.9
    assert np.abs(at_rate(seconds, fast, 25)[5:-5]).max() < 0.02


def test_a_whole_factor_is_scipys_filter():
    seconds = np.arange(801) / 200
    values = np.random.default_rng(1).normal(size=(801, 3))
    expected = resample_poly(values, 1, 4, axis=0, padtype="line")
    np.testing.assert_allclose(at_rate(seconds, values, 50), expected, atol=1e-6)


def test_irregular_stamps_are_met_where_they_lie():
    random = np.random.default_rng(2)
    seconds = np.sort(random.uniform(0, 6, 600))
    even = at_rate(seconds, seconds[:, None], 50)  # the value is the time
    np.testing.assert_allclose(even[5:-5, 0], (seconds[0] + np.arange(len(even)) / 50)[5:-5], atol=2e-2)


def test_a_part_can_be_cut_out():
    even = at_rate(TRUE, wave(TRUE), 50, start_s=1.01, end_s=2.03)
    np.testing.assert_allclose(even[:, 2], 1.01 + np.arange(52) / 50, atol=1e-5)


def test_skeletons_keep_their_shape():
    assert at_rate(TRUE, np.zeros((300, 20, 3)), 30).shape == (180, 20, 3)
