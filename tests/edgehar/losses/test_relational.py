import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.relational import angle, distance
from edgehar.models.output import Output

BOTH = pytest.mark.parametrize("relation", [distance, angle])


def output(embedding: torch.Tensor) -> Output:
    return Output(torch.zeros(len(embedding), 1), embedding)


def draw(clips: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(clips, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Student: three clips on a line, 0 1 3. Teacher: the corner of a square, whose legs are 1.
LINE = torch.tensor([[0.0], [1.0], [3.0]])
CORNER = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def test_distance_by_hand():
    # Distances 1, 3, 2 with mean 2 against 1, 1, sqrt 2; every pair counts twice among nine.
    mean = (2 + math.sqrt(2)) / 3
    gaps = [1 / 2 - 1 / mean, 3 / 2 - 1 / mean, 2 / 2 - math.sqrt(2) / mean]
    wanted = 2 * sum(gap**2 / 2 for gap in gaps) / 9
    assert distance(output(LINE), output(CORNER)).item() == pytest.approx(wanted, rel=1e-5)


def test_angle_by_hand():
    # Cosines at clips 0, 1, 2: 1, -1, 1 on the line; 0, 1/sqrt 2, 1/sqrt 2 at the corner; each of them
    # twice among 27. Huber is g^2 / 2 up to 1 and g - 1/2 beyond: only the middle one is beyond.
    root = math.sqrt(0.5)
    wanted = 2 * (1 / 2 + (1 + root - 1 / 2) + (1 - root) ** 2 / 2) / 27
    assert angle(output(LINE), output(CORNER)).item() == pytest.approx(wanted, rel=1e-5)


def huber(gap: float) -> float:
    return gap**2 / 2 if abs(gap) <= 1 else abs(gap) - 1 / 2


def slow_distance(student: list[list[float]], teacher: list[list[float]]) -> float:
    """Eqs. 4 and 5, pair by pair."""
    pairs = [(i, j) for i in range(len(student)) for j in range(len(student))]

    def psi(points: list[list[float]], i: int, j: int) -> float:
        apart = [d for a, b in pairs if (d := math.dist(points[a], points[b])) > 0]
        return math.dist(points[i], points[j]) / (sum(apart) / len(apart))

    return sum(huber(psi(teacher, i, j) - psi(student, i, j)) for i, j in pairs) / len(pairs)


def slow_angle(student: list[list[float]], teacher: list[list[float]]) -> float:
    """Eqs. 6 and 7, triple by triple; a direction of no length makes the cosine 0."""

    def psi(points: list[list[float]], i: int, j: int, k: int) -> float:
        lengths = math.dist(points[i], points[j]) * math.dist(points[k], points[j])
        dots = [(a - b) * (c - b) for a, b, c in zip(points[i], points[j], points[k], strict=True)]
        return sum(dots) / lengths if lengths else 0.0

    clips = range(len(student))
    triples = [(i, j, k) for i in clips for j in clips for k in clips]
    return sum(huber(psi(teacher, *t) - psi(student, *t)) for t in triples) / len(triples)


@pytest.mark.parametrize(("relation", "slow"), [(distance, slow_distance), (angle, slow_angle)])
def test_equals_the_papers_sum(relation, slow):
    student, teacher = draw(6, 3, seed=0), draw(6, 5, seed=1)
    teacher[4] = teacher[2]  # two clips that the teacher cannot tell apart
    wanted = slow(student.tolist(), teacher.tolist())
    assert relation(output(student), output(teacher)).item() == pytest.approx(wanted, rel=1e-9)


@BOTH
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 7), scale=st.floats(1e-3, 1e3))
def test_zero_for_a_moved_rotated_and_scaled_copy(relation, seed, clips, scale):
    teacher = draw(clips, 4, seed)
    rotation, _ = torch.linalg.qr(draw(4, 4, seed + 1))
    student = scale * (teacher @ rotation + draw(1, 4, seed + 2))
    assert relation(output(student), output(teacher)).item() == pytest.approx(0, abs=1e-12)


@BOTH
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 7))
def test_never_negative_and_blind_to_the_order_of_the_batch(relation, seed, clips):
    student, teacher = draw(clips, 3, seed), draw(clips, 5, seed + 1)
    order = torch.randperm(clips, generator=torch.Generator().manual_seed(seed))
    value = relation(output(student), output(teacher))
    assert value >= 0
    torch.testing.assert_close(relation(output(student[order]), output(teacher[order])), value)


@BOTH
def test_gradient(relation):
    student, teacher = draw(5, 3, seed=2), output(draw(5, 2, seed=3))
    assert torch.autograd.gradcheck(lambda e: relation(output(e), teacher), student.requires_grad_())


@BOTH
def test_no_gradient_to_the_teacher(relation):
    student, teacher = draw(5, 3, seed=4).requires_grad_(), draw(5, 3, seed=5).requires_grad_()
    relation(output(student), output(teacher)).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def degenerate() -> dict[str, torch.Tensor]:
    random = draw(4, 3, seed=6).float()
    return {
        "all zero": torch.zeros(4, 3),
        "all equal": random[:1].repeat(4, 1),
        "equal but for rounding": 1 + 1e-7 * random,
        "two equal": random[[0, 1, 1, 3]],
        "denormal": 1e-40 * random,
        "large": 1e4 * random,
    }


@BOTH
@pytest.mark.parametrize("case", degenerate())
def test_degenerate_batches_stay_finite(relation, case):
    student = degenerate()[case].requires_grad_()
    value = relation(output(student), output(draw(4, 3, seed=7).float()))
    value.backward()
    assert value.isfinite()
    assert student.grad.isfinite().all()
    # Nothing explodes: where there is no direction there is no gradient, not one divided by nearly 0.
    assert student.grad.abs().max() < 10


@BOTH
@pytest.mark.parametrize("case", degenerate())
def test_a_degenerate_teacher_leaves_finite_gradients(relation, case):
    student = draw(4, 3, seed=8).float().requires_grad_()
    relation(output(student), output(degenerate()[case])).backward()
    assert student.grad.isfinite().all()


@BOTH
@pytest.mark.parametrize("clips", [1, 2])
def test_batches_too_small_to_relate_teach_nothing(relation, clips):
    student = draw(clips, 3, seed=9).requires_grad_()
    value = relation(output(student), output(draw(clips, 3, seed=10)))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert student.grad.abs().max() < 1e-12


@BOTH
def test_half_precision_and_autocast_are_computed_in_float32(relation):
    student, teacher = draw(8, 16, seed=11).bfloat16(), draw(8, 16, seed=12).bfloat16()
    wanted = relation(output(student.double()), output(teacher.double())).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = relation(output(student), output(teacher))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(wanted, rel=1e-5)


@BOTH
def test_other_clips_are_refused(relation):
    with pytest.raises(
        ValueError, match=r"embeddings are \(3, 2\) of the student and \(4, 2\) of the teacher"
    ):
        relation(output(torch.zeros(3, 2)), output(torch.zeros(4, 2)))
