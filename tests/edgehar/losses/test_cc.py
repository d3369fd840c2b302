import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.cc import cc, congruence
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0, 1])


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def output(embedding: torch.Tensor) -> Output:
    return Output(torch.zeros(len(embedding), 3, dtype=embedding.dtype), embedding)


def test_by_hand():
    # Two clips: the student's at a right angle, the teacher's alike. Beside each other the kernels are
    # exp(-1) and exp(-1) (1 + 1 + 1/2) at gamma 1/2; each alone with itself they agree.
    student = output(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    teacher = output(torch.tensor([[1.0, 1.0], [3.0, 3.0]]))
    wanted = 2 * (math.exp(-1) * 1.5) ** 2 / 4
    assert congruence(student, teacher, gamma=0.5).item() == pytest.approx(wanted, rel=1e-6)


def slow_kernel(x: list[float], y: list[float], gamma: float, order: int) -> float:
    dot = sum(a * b for a, b in zip(x, y, strict=True)) / math.hypot(*x) / math.hypot(*y)
    terms = [(2 * gamma) ** p / math.factorial(p) * dot**p for p in range(order + 1)]
    return math.exp(-2 * gamma) * sum(terms)


def slow(student: torch.Tensor, teacher: torch.Tensor, gamma: float, order: int) -> float:
    ours, theirs, clips = student.tolist(), teacher.tolist(), range(len(student))
    gaps = [
        slow_kernel(ours[i], ours[j], gamma, order) - slow_kernel(theirs[i], theirs[j], gamma, order)
        for i in clips
        for j in clips
    ]
    return sum(gap**2 for gap in gaps) / len(gaps)


@pytest.mark.parametrize(("gamma", "order"), [(0.4, 2), (0.1, 1), (2.0, 5)])
def test_equals_the_papers_sum(gamma, order):
    ours, theirs = draw(0, 5, 3), draw(1, 5, 7)
    wanted = slow(ours, theirs, gamma, order)
    value = congruence(output(ours), output(theirs), gamma=gamma, order=float(order))
    assert value.item() == pytest.approx(wanted, rel=1e-9)
    whole = cross_entropy(output(ours), (), LABELS).item() + 100 * wanted
    given = {"gamma": gamma, "order": order}
    assert cc(output(ours), (output(theirs),), LABELS, **given).item() == pytest.approx(whole, rel=1e-9)


def test_a_long_series_is_the_gaussian_kernel():
    ours, theirs = draw(2, 5, 3), draw(3, 5, 4)
    kernels = [
        torch.exp(-0.7 * torch.cdist(unit, unit).square())
        for unit in (values / values.norm(dim=1, keepdim=True) for values in (ours, theirs))
    ]
    wanted = (kernels[0] - kernels[1]).square().mean()
    torch.testing.assert_close(congruence(output(ours), output(theirs), gamma=0.7, order=20), wanted)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 6), scale=st.floats(1e-2, 1e2))
def test_zero_for_a_rotated_and_scaled_copy(seed, clips, scale):
    theirs = draw(seed, clips, 4)
    rotation, _ = torch.linalg.qr(draw(seed + 1, 4, 4))
    assert congruence(output(scale * theirs @ rotation), output(theirs)).item() == pytest.approx(0, abs=1e-12)


def test_an_embedding_of_zeros_stays_finite():
    ours = draw(4, 4, 3)
    ours[2] = 0
    ours.requires_grad_()
    value = congruence(output(ours), output(draw(5, 4, 3)))
    value.backward()
    assert value.isfinite() and ours.grad.isfinite().all() and ours.grad.abs().max() < 10


@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan, math.inf])
def test_a_kernel_of_no_width_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma is .*; the kernel's is above 0"):
        congruence(output(draw(0, 3, 2)), output(draw(1, 3, 2)), gamma=gamma)


def test_a_kernel_far_too_narrow_is_a_number():
    assert congruence(output(draw(0, 3, 2)), output(draw(1, 3, 2)), gamma=1e300).item() == 0


@pytest.mark.parametrize("order", [0, 2.5, -1, 21, math.nan])
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(ValueError, match=r"order is .*; the series ends with a whole number from 1 to 20"):
        congruence(output(draw(0, 3, 2)), output(draw(1, 3, 2)), order=order)


def test_other_clips_are_refused():
    with pytest.raises(ValueError, match=r"embeddings are \(5, 2\) of the student and \(4, 2\)"):
        congruence(output(draw(0, 5, 2)), output(draw(1, 4, 2)))
