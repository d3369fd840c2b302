import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgehar.signals.resample import resample

FLOATS = st.floats(-1e3, 1e3, width=32)
CLIPS = arrays.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 3)), elements=FLOATS)
COUNTS = st.integers(1, 200)


def test_by_hand():
    values = np.array([[0.0, 10.0], [1.0, 20.0], [2.0, 40.0]])
    np.testing.assert_allclose(resample(values, 5), [[0, 10], [0.5, 15], [1, 20], [1.5, 30], [2, 40]])
    np.testing.assert_allclose(resample(values, 2), [[0, 10], [2, 40]])


@given(CLIPS, COUNTS)
def test_is_numpys_interpolation(values, count):
    """numpy.interp column by column is the slow reference."""
    at = np.linspace(0, len(values) - 1, count)
    expected = np.stack([np.interp(at, np.arange(len(values)), axis) for axis in values.T], axis=1)
    resampled = resample(values, count)
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled, expected, atol=1e-3)


@given(CLIPS)
def test_the_same_count_gives_the_same_values(values):
    np.testing.assert_array_equal(resample(values, len(values)), values)


@given(CLIPS, st.integers(2, 200))
def test_ends_are_kept_and_nothing_lies_beyond_what_was_there(values, count):
    resampled = resample(values, count)
    np.testing.assert_array_equal(resampled[0], values[0])
    np.testing.assert_array_equal(resampled[-1], values[-1])
    assert (resampled >= values.min(0) - 1e-3).all()
    assert (resampled <= values.max(0) + 1e-3).all()


@given(st.integers(2, 50), COUNTS)
def test_a_straight_line_stays_one(length, count):
    line = np.linspace(3, 7, length)[:, None]
    np.testing.assert_allclose(resample(line, count)[:, 0], np.linspace(3, 7, count), atol=1e-5)


def test_joints_keep_their_axes():
    values = np.random.default_rng(0).normal(size=(9, 20, 3)).astype(np.float32)
    resampled = resample(values, 31)
    assert resampled.shape == (31, 20, 3)
    np.testing.assert_array_equal(resampled[:, 4, 2], resample(values[:, 4, 2], 31))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_one_sample_is_repeated(count):
    np.testing.assert_array_equal(resample(np.array([[1.0, 2.0, 3.0]]), count), [[1, 2, 3]] * count)
