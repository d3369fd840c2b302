import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from edgehar.paired import paired_gain, per_seed, t_interval

ACCURACIES = st.dictionaries(st.integers(0, 30), st.tuples(*[st.floats(0, 1)] * 2), min_size=2, max_size=12)
T_95_OF_2 = 2.919986  # Student's table: 2 degrees of freedom, 5 % above


def test_an_interval_by_hand():
    """1, 2 and 3 points: mean 2, std 1, so 2 plus or minus t / sqrt(3)."""
    low, high = t_interval([0.01, 0.02, 0.03])
    assert low == pytest.approx(0.02 - 0.01 * T_95_OF_2 / math.sqrt(3), abs=1e-8)
    assert high == pytest.approx(0.02 + 0.01 * T_95_OF_2 / math.sqrt(3), abs=1e-8)


def test_two_seeds_by_hand():
    """One degree of freedom is the Cauchy distribution, whose 95 % quantile is tan(0.45 pi)."""
    low, high = t_interval([0.0, 0.02])
    assert high - 0.01 == pytest.approx(math.tan(0.45 * math.pi) * 0.01)
    assert low + high == pytest.approx(0.02)


@given(ACCURACIES)
def test_the_interval_is_that_of_the_paired_t_test(pairs):
    ours = {seed: a for seed, (a, _) in pairs.items()}
    theirs = {seed: b for seed, (_, b) in pairs.items()}
    gain = paired_gain(ours, theirs)
    if gain.note is not None:
        assert np.ptp(gain.per_seed) < 1e-10
        return
    a, b = np.array(list(pairs.values())).T
    expected = ttest_rel(a, b).confidence_interval(0.9)
    assert (gain.low, gain.high) == (
        pytest.approx(expected.low, abs=1e-9),
        pytest.approx(expected.high, abs=1e-9),
    )
    assert gain.mean == pytest.approx(a.mean() - b.mean(), abs=1e-12)


def test_nine_of_ten_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    held = 0
    for differences in rng.normal(0.01, 0.02, (3000, 4)):
        low, high = t_interval(differences)
        held += low < 0.01 < high
    assert held / 3000 == pytest.approx(0.9, abs=0.02)  # 3.6 standard deviations of such a share


@given(ACCURACIES)
def test_the_other_way_round_the_gain_is_a_loss(pairs):
    ours, theirs = ({seed: pair[i] for seed, pair in pairs.items()} for i in (0, 1))
    gain, loss = paired_gain(ours, theirs), paired_gain(theirs, ours)
    assert gain.mean == -loss.mean
    if gain.low is not None:
        assert gain.low == pytest.approx(-loss.high, abs=1e-12)


def test_only_seeds_that_both_have_are_paired_whatever_their_order():
    gain = paired_gain({3: 0.9, 1: 0.8, 7: 0.1}, {1: 0.5, 3: 0.7, 2: 0.0})
    assert gain.seeds == (1, 3)
    assert gain.per_seed == (pytest.approx(0.3), pytest.approx(0.2))
    assert gain.mean == pytest.approx(0.25)
    assert gain.std == pytest.approx(math.sqrt(0.005))


def test_one_seed_has_no_interval_and_says_so():
    gain = paired_gain({4: 0.9}, {4: 0.8, 5: 0.1})
    assert (gain.std, gain.low, gain.high) == (None, None, None)
    assert gain.note == "only seed 4: an interval needs two"


@pytest.mark.parametrize("step", [0.0, 0.1, -1 / 3])
def test_equal_differences_have_no_interval_and_say_so(step):
    """A width of 0 would claim that every other seed gains as much to the last digit."""
    theirs = {seed: 0.4 + 0.07 * seed for seed in range(5)}
    gain = paired_gain({seed: value + step for seed, value in theirs.items()}, theirs)
    assert gain.mean == pytest.approx(step)
    assert (gain.low, gain.high) == (None, None)
    assert gain.note.startswith("the same for every seed")


def test_nothing_in_common_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="no seed in common"):
        paired_gain({0: 0.5}, {1: 0.5})


def test_spread_is_with_n_minus_one():
    assert per_seed((0.8, 0.9, 1.0)).std == pytest.approx(0.1)
    assert per_seed((0.8,)).std is None
