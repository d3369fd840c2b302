import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgehar.models.output import Output
from export.errors import ExportError
from export.parity import compare, student_scores


def scores_for(decisions, classes=3):
    """Scores (N, classes) with 0.8 on what is decided."""
    rest = 0.2 / (classes - 1)
    return np.where(np.eye(classes)[decisions] == 1, 0.8, rest).astype(np.float32)


def test_equal_scores_pass():
    labels = np.array([0, 1, 2, 0])
    reference = scores_for([0, 1, 2, 1])
    parity = compare(reference, reference.copy(), labels, int8=False)
    assert parity.passed and parity.why is None
    assert (parity.accuracy, parity.agreement, parity.max_difference) == (0.75, 1.0, 0.0)


@pytest.mark.parametrize(("shift", "passes"), [(9e-5, True), (1.2e-4, False)])
def test_float_files_may_differ_by_a_ten_thousandth(shift, passes):
    reference = scores_for([0, 1, 2, 1]).astype(np.float64)
    shifted = reference.copy()
    shifted[2, 0] += shift
    parity = compare(reference, shifted, np.array([0, 1, 2, 0]), int8=False)
    assert parity.passed is passes
    assert parity.max_difference == pytest.approx(shift)
    assert parity.agreement == 1.0


@pytest.mark.parametrize(
    ("count", "wrong", "passes"),
    [(100, 2, True), (100, 3, False), (1000, 5, True), (1000, 6, False), (430, 2, True), (430, 3, False)],
)
def test_int8_may_lose_half_a_point_or_two_clips(count, wrong, passes):
    labels = np.zeros(count, int)
    decisions = np.zeros(count, int)
    decisions[:wrong] = 1
    parity = compare(scores_for(labels), scores_for(decisions), labels, int8=True)
    assert parity.passed is passes
    assert parity.accuracy == pytest.approx(1 - wrong / count)
    if not passes:
        assert f"({wrong} clips) from float" in parity.why


@pytest.mark.parametrize(
    ("count", "other", "passes"),
    [(50, 3, True), (50, 4, False), (200, 6, True), (200, 7, False), (430, 12, True), (430, 13, False)],
)
def test_int8_may_decide_three_percent_or_three_clips_otherwise(count, other, passes):
    """Both are wrong about these clips, so that accuracy stays."""
    labels = np.zeros(count, int)
    expected = np.zeros(count, int)
    expected[:other] = 1
    decided = np.zeros(count, int)
    decided[:other] = 2
    parity = compare(scores_for(expected), scores_for(decided), labels, int8=True)
    assert parity.passed is passes
    if not passes:
        assert f"{other} of {count} clips" in parity.why


def test_a_file_that_gains_as_much_is_told_too():
    labels = np.zeros(100, int)
    expected = np.zeros(100, int)
    expected[:3] = 1
    assert not compare(scores_for(expected), scores_for(labels), labels, int8=True).passed


@pytest.mark.parametrize("int8", [False, True])
def test_a_score_that_is_not_finite_fails(int8):
    reference = scores_for([0, 1])
    broken = reference.copy()
    broken[1, 1] = np.nan
    parity = compare(reference, broken, np.array([0, 1]), int8)
    assert not parity.passed and parity.max_difference is None
    assert parity.why == "a score is not finite"


def test_scores_of_another_shape_are_a_bug():
    with pytest.raises(ValueError, match="against"):
        compare(scores_for([0, 1]), scores_for([0, 1], classes=4), np.array([0, 1]), int8=True)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.booleans())
def test_a_student_always_agrees_with_itself(decisions, int8):
    reference = scores_for(decisions)
    assert compare(reference, reference, np.zeros(len(decisions), int), int8).passed


class Sums(nn.Module):
    """Logits that are the window's sums, and a not-a-number where the first sample is negative."""

    def forward(self, acc):
        logits = acc.sum(dim=1) + torch.where(acc[:, :1, 0] < 0, torch.nan, 0.0)
        return Output(logits, logits)


def test_student_scores_are_probabilities_in_the_order_of_the_windows():
    windows = np.random.default_rng(0).uniform(0, 1, (150, 4, 3)).astype(np.float32)
    exponents = np.exp(windows.sum(axis=1))
    np.testing.assert_allclose(
        student_scores(Sums(), windows), exponents / exponents.sum(axis=1, keepdims=True), rtol=1e-5
    )


def test_a_student_that_cannot_be_compared_is_refused():
    with pytest.raises(ExportError, match="no test window"):
        student_scores(Sums(), np.zeros((0, 4, 3), np.float32))
    with pytest.raises(ExportError, match="not finite"):
        student_scores(Sums(), np.full((2, 4, 3), -1, np.float32))
    with pytest.raises(ExportError, match="holds a NaN"):
        student_scores(Sums(), np.full((2, 4, 3), np.nan, np.float32))
