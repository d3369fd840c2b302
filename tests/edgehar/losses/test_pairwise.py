import pytest
import torch

from edgehar.losses.pairwise import check_same_logits, over_pairs, over_teachers
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


def test_each_teacher_meets_the_student_in_its_own_form():
    students, teachers = [output(1.0), output(5.0)], (output(2.0), output(7.0))
    assert over_pairs(gap, students, teachers, "bent").item() == pytest.approx((1 + 2) / 2)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_forms_for_other_teachers_are_refused(count):
    with pytest.raises(ValueError, match=f"bent has {count} tensors for 2 teachers; give one each"):
        over_pairs(gap, [output(1.0)] * count, (output(2.0), output(4.0)), "bent")


def test_other_logits_are_refused():
    check_same_logits(output(1.0), output(2.0))
    with pytest.raises(ValueError, match=r"logits are \(1, 1\) of the student and \(2, 1\) of the teacher"):
        check_same_logits(output(1.0), Output(torch.zeros(2, 1), torch.zeros(2, 1)))
