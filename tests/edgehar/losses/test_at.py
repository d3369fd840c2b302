import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.at import at, attention
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.maps import resample
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0])


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def output(seed: int, middle: tuple[int, ...], last: tuple[int, ...], clips: int = 4) -> Output:
    maps = {
        "first": draw(seed + 1, clips, 9, 9),
        "second": draw(seed + 2, clips, *middle),
        "third": draw(seed + 3, clips, *last),
    }
    return Output(draw(seed, clips, 3), torch.zeros(clips, 1), maps)


def only(course: list[list[float]]) -> Output:
    """One clip and one map (1, C, T), which is then the middle and the last one."""
    return Output(torch.zeros(1, 1), torch.zeros(1, 1), {"only": torch.tensor([course])})


def test_by_hand():
    # Squares summed over channels: 9, 16 and 4, 0; at length 1: 9/sqrt 337, 16/sqrt 337 and 1, 0. Twice.
    root = math.sqrt(337)
    wanted = 2 * ((9 / root - 1) ** 2 + (16 / root) ** 2) / 2
    value = attention(only([[3.0, 0.0], [0.0, -4.0]]), only([[2.0, 0.0]]))
    assert value.item() == pytest.approx(wanted, rel=1e-6)


def slow_attention(course: list[list[float]]) -> list[float]:
    """Q / ||Q|| of one clip's (C, T)."""
    paid = [sum(channel[t] ** 2 for channel in course) for t in range(len(course[0]))]
    length = math.sqrt(sum(q**2 for q in paid))
    return [q / length for q in paid]


def slow(student: torch.Tensor, teacher: torch.Tensor) -> float:
    """Eq. 2's distance of one layer: mean over clips and steps."""
    gaps = [
        (s - t) ** 2
        for ours, theirs in zip(student.tolist(), teacher.tolist(), strict=True)
        for s, t in zip(slow_attention(ours), slow_attention(theirs), strict=True)
    ]
    return sum(gaps) / len(gaps)


def test_equals_the_papers_sum():
    student, teacher = output(0, (2, 6), (5, 3)), output(10, (7, 6, 2), (3, 3, 4, 2))
    wanted = slow(student.maps["second"], teacher.maps["second"].mean(3))
    wanted += slow(student.maps["third"], teacher.maps["third"].mean((3, 4)))
    assert attention(student, teacher).item() == pytest.approx(wanted, rel=1e-9)
    whole = cross_entropy(student, (), LABELS).item() + 1000 * wanted
    assert at(student, (teacher,), LABELS).item() == pytest.approx(whole, rel=1e-9)


def test_the_students_attention_is_resampled_to_the_teachers_time():
    student, teacher = output(20, (2, 12), (5, 2)), output(30, (7, 6), (3, 5))
    wanted = 0.0
    for name, steps in {"second": 6, "third": 5}.items():
        paid = resample(student.maps[name].square().sum(1, keepdim=True), steps)
        # The square root of one channel pays the same attention as all of them did.
        wanted += slow(paid.sqrt(), teacher.maps[name])
    assert attention(student, teacher).item() == pytest.approx(wanted, rel=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-2, 1e2))
def test_zero_for_a_scaled_copy_with_other_signs_and_channels(seed, scale):
    teacher = output(seed, (4, 6), (3, 5))
    mixed = {name: scale * values.flip(1).neg() for name, values in teacher.maps.items()}
    student = Output(teacher.logits, teacher.embedding, mixed)
    assert attention(student, teacher).item() == pytest.approx(0, abs=1e-12)


def test_gradient_of_maps_longer_and_shorter_than_the_teachers():
    teacher = output(40, (7, 6), (3, 5))
    student = output(50, (2, 12), (5, 2))

    def value(middle: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        maps = {"first": student.maps["first"], "second": middle, "third": last}
        return attention(Output(student.logits, student.embedding, maps), teacher)

    inputs = (student.maps["second"].requires_grad_(), student.maps["third"].requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


@pytest.mark.parametrize("dead", ["student", "teacher"])
def test_maps_of_zeros_stay_finite(dead):
    said = {"student": output(60, (2, 6), (5, 3)), "teacher": output(70, (2, 6), (5, 3))}
    said[dead] = Output(
        said[dead].logits, said[dead].embedding, {n: m * 0 for n, m in said[dead].maps.items()}
    )
    for values in said["student"].maps.values():
        values.requires_grad_()
    value = attention(said["student"], said["teacher"])
    value.backward()
    assert value.isfinite()
    assert all(said["student"].maps[name].grad.isfinite().all() for name in ("second", "third"))


def test_other_clips_are_refused():
    with pytest.raises(ValueError, match="maps are of 4 clips of the student and 3 of the teacher"):
        attention(output(0, (2, 6), (5, 3)), output(1, (2, 6), (5, 3), clips=3))


def test_an_output_without_maps_is_refused():
    with pytest.raises(ValueError, match="holds no maps"):
        attention(output(0, (2, 6), (5, 3)), Output(torch.zeros(4, 3), torch.zeros(4, 1)))
