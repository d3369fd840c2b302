import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.signals.ring import Ring, replay
from edgehar.signals.windows import cut


@given(count=st.integers(1, 300), window=st.integers(1, 64), hop=st.integers(1, 80))
def test_a_ring_gives_the_windows_that_training_cuts(count, window, hop):
    values = np.random.default_rng(count).normal(0, 9, (count, 3)).astype(np.float32)
    given_out = list(replay(values, window, hop))
    wanted = cut(values, window, hop) if count >= window else np.empty((0, window, 3))
    assert len(given_out) == len(wanted)
    for ours, theirs in zip(given_out, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_window_given_out_does_not_change_with_what_comes_later():
    ring = Ring(2, 1)
    assert ring.push([1, 1, 1]) is None
    first = ring.push([2, 2, 2])
    ring.push([3, 3, 3])
    np.testing.assert_array_equal(first, [[1, 1, 1], [2, 2, 2]])


def test_after_a_gap_it_begins_anew():
    ring = Ring(2, 1)
    ring.push([1, 1, 1])
    ring.clear()
    assert ring.push([2, 2, 2]) is None
    np.testing.assert_array_equal(ring.push([3, 3, 3]), [[2, 2, 2], [3, 3, 3]])


def test_what_is_no_sample_is_refused():
    with pytest.raises(ValueError, match="a sample of shape"):
        Ring(2, 1).push([1, 2])
    with pytest.raises(ValueError, match="1 or more"):
        Ring(0, 1)
