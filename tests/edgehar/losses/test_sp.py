import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.sp import similarity, sp
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0, 1])


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def output(last: torch.Tensor) -> Output:
    clips = len(last)
    maps = {"first": torch.full((clips, 2, 9), torch.nan), "last": last}
    return Output(torch.zeros(clips, 3, dtype=last.dtype), torch.zeros(clips, 1), maps)


def test_by_hand():
    # A A^T is ((1, 1), (1, 2)) and ((1, 0), (0, 4)); rows at length 1: (1, 1)/sqrt 2, (1, 2)/sqrt 5; I.
    student = output(torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]]))
    teacher = output(torch.tensor([[[1.0], [0.0]], [[0.0], [2.0]]]))
    half, fifth = math.sqrt(1 / 2), math.sqrt(1 / 5)
    wanted = ((half - 1) ** 2 + half**2 + fifth**2 + (2 * fifth - 1) ** 2) / 4
    assert similarity(student, teacher).item() == pytest.approx(wanted, rel=1e-6)


def slow_similarities(course: list) -> list[list[float]]:
    flat = [[value for channel in clip for value in channel] for clip in course]
    rows = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in flat] for one in flat]
    return [[value / math.sqrt(sum(v**2 for v in row)) for value in row] for row in rows]


def slow(student: torch.Tensor, teacher: torch.Tensor) -> float:
    """1 / N^2 ||G_T - G_S||_F^2 of two courses in time."""
    pairs = zip(slow_similarities(student.tolist()), slow_similarities(teacher.tolist()), strict=True)
    gaps = [(s - t) ** 2 for rows in pairs for s, t in zip(*rows, strict=True)]
    return sum(gaps) / len(gaps)


def test_equals_the_papers_sum():
    ours, theirs = draw(0, 5, 2, 6), draw(1, 5, 4, 3, 2, 2)
    wanted = slow(ours, theirs.mean((3, 4)))
    student, teacher = output(ours), output(theirs)
    assert similarity(student, teacher).item() == pytest.approx(wanted, rel=1e-9)
    whole = cross_entropy(student, (), LABELS).item() + 3000 * wanted
    assert sp(student, (teacher,), LABELS).item() == pytest.approx(whole, rel=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 6), scale=st.floats(1e-2, 1e2))
def test_zero_for_a_rotated_and_scaled_copy(seed, clips, scale):
    theirs = draw(seed, clips, 3, 2)
    rotation, _ = torch.linalg.qr(draw(seed + 1, 6, 6))
    ours = scale * (theirs.flatten(1) @ rotation).reshape(clips, 2, 3)
    assert similarity(output(ours), output(theirs)).item() == pytest.approx(0, abs=1e-12)


def test_a_clip_of_zeros_stays_finite():
    ours = draw(3, 4, 2, 3)
    ours[1] = 0
    ours.requires_grad_()
    value = similarity(output(ours), output(draw(4, 4, 2, 3)))
    value.backward()
    assert value.isfinite() and ours.grad.isfinite().all() and ours.grad.abs().max() < 10


def test_other_clips_are_refused():
    with pytest.raises(ValueError, match="maps are of 5 clips of the student and 4 of the teacher"):
        similarity(output(draw(5, 5, 2, 6)), output(draw(6, 4, 2, 6)))


def test_an_output_without_maps_is_refused():
    with pytest.raises(ValueError, match="holds no maps"):
        similarity(Output(torch.zeros(5, 3), torch.zeros(5, 1)), output(draw(7, 5, 2, 6)))
