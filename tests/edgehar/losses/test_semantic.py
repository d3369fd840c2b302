import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.semantic import semantic, semantic_over_teachers
from edgehar.models.output import Output


def output(embedding: torch.Tensor) -> Output:
    return Output(torch.zeros(len(embedding), 1), embedding)


def draw(clips: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(clips, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_hand():
    # Squared gaps 3^2 + 4^2 = 25 and 1: mean 13.
    student, teacher = torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 4.0], [1.0, 2.0]])
    assert semantic(output(student), output(teacher)).item() == 13


def test_equals_the_papers_sum():
    student, teacher = draw(5, 3, seed=0), draw(5, 3, seed=1)
    rows = zip(student.tolist(), teacher.tolist(), strict=True)
    wanted = sum((s - t) ** 2 for ours, theirs in rows for s, t in zip(ours, theirs, strict=True)) / 5
    assert semantic(output(student), output(teacher)).item() == pytest.approx(wanted)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 9), width=st.integers(1, 6))
def test_never_negative_and_unchanged_by_order_and_by_a_common_rotation(seed, clips, width):
    student, teacher = draw(clips, width, seed), draw(clips, width, seed + 1)
    order = torch.randperm(clips, generator=torch.Generator().manual_seed(seed))
    rotation, _ = torch.linalg.qr(draw(width, width, seed + 2))
    value = semantic(output(student), output(teacher))
    assert value >= 0
    torch.testing.assert_close(
        semantic(output((student @ rotation)[order]), output((teacher @ rotation)[order])), value
    )


def test_zero_for_equal_embeddings():
    assert semantic(output(draw(3, 4, seed=2)), output(draw(3, 4, seed=2))).item() == 0


def test_gradient_goes_to_the_student_only():
    student, teacher = draw(3, 4, seed=3).requires_grad_(), draw(3, 4, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(lambda e: semantic(output(e), output(teacher)), student)
    semantic(output(student), output(teacher)).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def test_half_precision_is_summed_in_float32():
    student = torch.full((1, 1000), 1.0).bfloat16()
    assert semantic(output(student), output(torch.zeros(1, 1000).bfloat16())).item() == 1000


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="projection head to the teacher's width, or semantic=0"):
        semantic(output(torch.zeros(3, 1)), output(torch.zeros(3, 4)))


def test_several_teachers_meet_a_projection_each_or_the_embedding_itself():
    student, teachers = output(draw(3, 4, seed=5)), (output(draw(3, 2, seed=6)), output(draw(3, 5, seed=7)))
    projected = [draw(3, 2, seed=8), draw(3, 5, seed=9)]
    gaps = [semantic(output(ours), theirs) for ours, theirs in zip(projected, teachers, strict=True)]
    torch.testing.assert_close(semantic_over_teachers(student, teachers, projected), sum(gaps) / 2)
    alike = (output(draw(3, 4, seed=10)), student)
    torch.testing.assert_close(semantic_over_teachers(student, alike, None), semantic(student, alike[0]) / 2)
