import pytest
import torch

from edgehar.losses.pairwise import over_teachers
from edgehar.models.output import Output


def output(value: float) -> Output:
    return Output(torch.full((1, 1), value), torch.zeros(1, 1))


def gap(student: Output, teacher: Output, *, power: int = 1) -> torch.Tensor:
    """A pair's loss that is easy to follow."""
    return (teacher.logits - student.logits).sum() ** power


def test_mean_over_teachers():
    teachers = (output(2.0), output(3.0), output(7.0))
    assert over_teachers(gap)(output(1.0), teachers).item() == pytest.approx((1 + 2 + 6) / 3)


def test_weights_pass_and_labels_are_not_looked_at():
    value = over_teachers(gap)(output(1.0), (output(2.0), output(4.0)), torch.tensor([5]), power=2)
    assert value.item() == pytest.approx((1 + 9) / 2)


def test_keeps_the_pairs_name_and_words():
    assert over_teachers(gap).__name__ == "gap"
    assert over_teachers(gap).__doc__ == gap.__doc__


def test_no_teacher_is_refused():
    with pytest.raises(ValueError, match="gap needs a teacher's Output and got none"):
        over_teachers(gap)(output(1.0), ())
