import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.signals.windows import cut, look, places, starts

SIZES = {"count": st.integers(1, 400), "window": st.integers(1, 130), "hop": st.integers(1, 200)}


@given(**SIZES)
def test_windows_are_the_recordings_own_samples(count, window, hop):
    """Against slices; a recording that is too short is held at its last sample."""
    values = np.random.default_rng(0).normal(0, 9, (count, 3)).astype(np.float32)
    padded = values if count >= window else np.pad(values, ((0, window - count), (0, 0)), mode="edge")
    wanted = [padded[i : i + window] for i in range(0, len(padded) - window + 1, hop)]
    np.testing.assert_array_equal(cut(values, window, hop), wanted)


@given(**SIZES)
def test_no_whole_window_is_missed(count, window, hop):
    begun = starts(count, window, hop)
    assert begun[0] == 0
    assert begun[-1] + hop + window > count
    assert begun[-1] == 0 or begun[-1] + window <= count


def test_another_stream_is_looked_at_in_the_same_time():
    """11 samples beside 6 frames: the window from sample 4 to 8 is the frames from 2 to 4."""
    np.testing.assert_allclose(places(11, 4, 5, 5, 6), [2, 2.5, 3, 3.5, 4])
    np.testing.assert_allclose(look(np.arange(6.0) * 10, places(11, 4, 5, 3, 6)), [20, 30, 40])
    np.testing.assert_allclose(places(11, 8, 5, 5, 6), [4, 4.5, 5, 5, 5])  # held at the last


@pytest.mark.parametrize("wrong", [(0, 1, 1), (5, 0, 1), (5, 5, 0)])
def test_nothing_is_cut_of_nothing(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        starts(*wrong)
