import numpy as np
import pytest

from export.calibrate import EXCEEDING, choose_windows, measure_extremes, measure_ranges, merge_ranges
from export.errors import ExportError


def windows_of(labels):
    """Windows that hold their own index, so that a choice can be read back."""
    return np.arange(len(labels), dtype=np.float32)[:, None, None].repeat(4, axis=1).repeat(3, axis=2)


def test_all_windows_are_taken_where_there_are_few():
    labels = np.array([1, 0, 1, 0, 2])
    chosen = choose_windows(windows_of(labels), labels, most=10)
    assert chosen.tolist() == [0, 1, 2, 3, 4]


def test_a_cap_keeps_each_class_in_its_share():
    labels = np.array([0] * 600 + [1] * 300 + [2] * 100)
    chosen = choose_windows(windows_of(labels), labels, most=100)
    counts = np.bincount(labels[chosen])
    assert len(np.unique(chosen)) == 100
    assert np.abs(counts - [60, 30, 10]).max() <= 1


def test_what_cannot_calibrate_is_refused():
    for count, said in ((0, "there is none"), (1, "there is one")):
        with pytest.raises(ExportError, match=f"at least 2 training clips, and {said}"):
            choose_windows(np.zeros((count, 4, 3), np.float32), np.zeros(count, int))
    windows = windows_of(range(5))
    windows[3, 2, 1] = np.nan
    with pytest.raises(ExportError, match="Training window 3 holds a NaN"):
        choose_windows(windows, np.zeros(5, int))


def test_the_extremes_of_every_activation_are_measured_window_by_window(conv_tflite, train_windows):
    extremes = measure_extremes(conv_tflite, train_windows)
    column = extremes.names.index("serving_default_acc")
    np.testing.assert_array_equal(extremes.low[:, column], train_windows.min((1, 2)))
    np.testing.assert_array_equal(extremes.high[:, column], train_windows.max((1, 2)))
    low, high = extremes.ranges()["serving_default_scores_output"]
    assert 0 <= low < 0.05 and 0.9 < high <= 1


def test_one_window_in_two_hundred_may_leave_a_range(conv_tflite, train_windows):
    loud = np.tile(train_windows, (8, 1, 1))[:200].copy()
    loud[7, 0] = 500.0
    low, high = measure_ranges(conv_tflite, loud)["serving_default_acc"]
    ends = np.sort(loud.max((1, 2)))
    at = (len(ends) - 1) * (1 - EXCEEDING)
    assert high == pytest.approx(np.interp(at, range(len(ends)), ends)) and high < 100
    assert low == pytest.approx(np.quantile(loud.min((1, 2)), EXCEEDING))


def test_ranges_do_not_depend_on_the_order_of_the_windows(conv_tflite, train_windows):
    shuffled = np.random.default_rng(3).permutation(train_windows)
    assert measure_ranges(conv_tflite, train_windows) == measure_ranges(conv_tflite, shuffled)


def test_every_window_is_reported(conv_tflite, train_windows):
    seen = []
    measure_ranges(conv_tflite, train_windows[:3], lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_ranges_of_parts_merge_into_those_of_all(conv_tflite, train_windows):
    parts = [measure_extremes(conv_tflite, part) for part in np.split(train_windows[:90], [20, 50])]
    assert merge_ranges(parts) == measure_ranges(conv_tflite, train_windows[:90])
