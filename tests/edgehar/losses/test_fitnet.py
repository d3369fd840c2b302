import pytest
import torch

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.fitnet import fitnet, hint
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0])


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def output(seed: int, *shape: int) -> Output:
    """Three maps, of which the one in the middle has this shape."""
    maps = {
        "first": draw(seed + 1, 4, 9, 9),
        "second": draw(seed, 4, *shape),
        "third": draw(seed + 2, 4, 9, 9),
    }
    return Output(draw(seed + 3, 4, 3), torch.zeros(4, 1), maps)


def slow(ours: list, theirs: list) -> float:
    """Eq. 3 over the number of channels and steps, mean over the clips."""
    gaps = [
        (s - t) ** 2
        for clips in zip(ours, theirs, strict=True)
        for channels in zip(*clips, strict=True)
        for s, t in zip(*channels, strict=True)
    ]
    return sum(gaps) / (2 * len(gaps))


def test_by_hand():
    student, teacher = (
        Output(torch.zeros(1, 1), torch.zeros(1, 1), {"only": torch.tensor([[course]])})
        for course in ([1.0, 2.0], [4.0, -2.0])
    )
    assert hint(student, teacher).item() == (9 + 16) / 2 / 2


def test_equals_the_papers_sum_where_shapes_agree():
    student, teacher = output(0, 2, 3), output(10, 2, 3)
    wanted = slow(student.maps["second"].tolist(), teacher.maps["second"].tolist())
    assert hint(student, teacher).item() == pytest.approx(wanted, rel=1e-12)


def test_regressed_maps_meet_each_teachers_own():
    student, teachers = output(20, 2, 6), (output(30, 5, 3, 2), output(40, 7, 8))
    regressed = (draw(50, 4, 5, 3), draw(51, 4, 7, 8))
    courses = (teachers[0].maps["second"].mean(3), teachers[1].maps["second"])
    gaps = [slow(r.tolist(), c.tolist()) for r, c in zip(regressed, courses, strict=True)]
    wanted = cross_entropy(student, (), LABELS).item() + 200 * sum(gaps) / 2
    assert fitnet(student, teachers, LABELS, regressed=regressed).item() == pytest.approx(wanted, rel=1e-12)


def test_a_picture_and_its_course_in_time_are_the_same_hint():
    student, seen = output(60, 2, 3), output(70, 2, 3, 4, 5)
    kept = Output(seen.logits, seen.embedding, {"kept": seen.maps["second"].mean((3, 4))})
    torch.testing.assert_close(hint(student, seen), hint(student, kept))


def test_the_regressor_gets_the_gradient():
    regressed = draw(80, 4, 5, 3).requires_grad_()
    teacher = output(90, 5, 3)

    def value(course: torch.Tensor) -> torch.Tensor:
        return fitnet(output(95, 2, 6), (teacher,), LABELS, regressed=(course,))

    assert torch.autograd.gradcheck(value, regressed)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 2, 6\) in time of the student and \(4, 5, 3\) .* regressor"):
        fitnet(output(0, 2, 6), (output(1, 5, 3, 2),), LABELS)


def test_regressions_for_other_teachers_are_refused():
    with pytest.raises(ValueError, match="regressed has 1 tensors for 2 teachers; give one each"):
        fitnet(output(0, 2, 6), (output(1, 5, 3), output(2, 5, 3)), LABELS, regressed=(draw(3, 4, 5, 3),))


def test_a_teacher_without_maps_is_refused():
    with pytest.raises(ValueError, match="holds no maps"):
        fitnet(output(0, 2, 6), (Output(torch.zeros(4, 3), torch.zeros(4, 1)),), LABELS)
