import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.kd import kd, kd_each
from edgehar.models.output import Output


def output(logits: torch.Tensor) -> Output:
    return Output(logits, torch.zeros(len(logits), 1))


def pair(seed: int, clips: int = 5, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    both = 3 * torch.randn(2, clips, classes, generator=generator, dtype=torch.float64)
    return both[0], both[1]


def test_by_hand():
    # At tau 2 the teacher says 3 to 1, the student even odds: KL = 3/4 log 3/2 + 1/4 log 1/2, times 4.
    teacher = torch.tensor([[2 * math.log(3), 0.0]])
    wanted = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert kd(output(torch.zeros(1, 2)), output(teacher), tau=2.0).item() == pytest.approx(wanted, rel=1e-6)


def slow(student: torch.Tensor, teacher: torch.Tensor, tau: float) -> float:
    """VSKD eq. 3 with Hinton's softened probabilities, class by class."""
    total = 0.0
    for spoken, wanted in zip(student.tolist(), teacher.tolist(), strict=True):
        q = [math.exp(z / tau) / sum(math.exp(other / tau) for other in spoken) for z in spoken]
        p = [math.exp(z / tau) / sum(math.exp(other / tau) for other in wanted) for z in wanted]
        total += sum(pc * math.log(pc / qc) for pc, qc in zip(p, q, strict=True))
    return tau**2 * total / len(student)


@pytest.mark.parametrize("tau", [1.0, 4.0])
def test_equals_the_papers_sum(tau):
    student, teacher = pair(0)
    assert kd(output(student), output(teacher), tau=tau).item() == pytest.approx(slow(student, teacher, tau))


@pytest.mark.parametrize("tau", [1.0, 4.0])
def test_clip_by_clip_it_is_each_clips_own_sum(tau):
    student, teacher = pair(4)
    clips = [slow(student[[clip]], teacher[[clip]], tau) for clip in range(len(student))]
    assert kd_each(output(student), output(teacher), tau=tau).tolist() == pytest.approx(clips)


def test_zero_for_logits_moved_by_a_constant():
    student, _ = pair(1)
    assert kd(output(student), output(student + torch.arange(5.0).unsqueeze(1))).item() == pytest.approx(
        0, abs=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 9), classes=st.integers(1, 6))
def test_never_negative_and_blind_to_the_order_of_the_batch(seed, clips, classes):
    student, teacher = pair(seed, clips, classes)
    order = torch.randperm(clips, generator=torch.Generator().manual_seed(seed))
    value = kd(output(student), output(teacher))
    assert value >= -1e-12
    torch.testing.assert_close(kd(output(student[order]), output(teacher[order])), value)


def test_gradient():
    student, teacher = pair(2)
    assert torch.autograd.gradcheck(lambda z: kd(output(z), output(teacher)), student.requires_grad_())


def test_no_gradient_to_the_teacher():
    student, teacher = (logits.requires_grad_() for logits in pair(3))
    kd(output(student), output(teacher)).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_huge_logits_stay_finite(dtype):
    student = torch.tensor([[1e4, -1e4, 0.0]], dtype=dtype, requires_grad=True)
    value = kd(output(student), output(torch.tensor([[-1e4, 1e4, 0.0]], dtype=dtype)))
    value.backward()
    assert value.item() == pytest.approx(16 * 2e4 / 4, rel=1e-2)
    assert student.grad.isfinite().all()


def test_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"logits are \(2, 3\) of the student and \(2, 4\) of the teacher"):
        kd(output(torch.zeros(2, 3)), output(torch.zeros(2, 4)))


@pytest.mark.parametrize("tau", [0.0, -1.0, math.nan])
def test_a_temperature_that_is_none_is_refused(tau):
    with pytest.raises(ValueError, match="a temperature is above 0"):
        kd(output(torch.zeros(2, 3)), output(torch.zeros(2, 3)), tau=tau)
