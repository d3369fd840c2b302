import pytest
import torch

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.logits import logits, regression
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0, 1])


def output(seed: int) -> Output:
    generator = torch.Generator().manual_seed(seed)
    return Output(torch.randn(5, 3, generator=generator, dtype=torch.float64), torch.zeros(5, 1))


def slow(student: Output, teacher: Output) -> float:
    """1 / (2 N) sum ||z_S - z_T||^2, number by number."""
    total = 0.0
    for ours, theirs in zip(student.logits.tolist(), teacher.logits.tolist(), strict=True):
        total += sum((s - t) ** 2 for s, t in zip(ours, theirs, strict=True))
    return total / (2 * len(student.logits))


def test_by_hand():
    student, teacher = (Output(torch.tensor([row]), torch.zeros(1, 1)) for row in ([1.0, 2.0], [4.0, -2.0]))
    assert regression(student, teacher).item() == (9 + 16) / 2


def test_equals_the_papers_sum():
    student, teachers = output(0), (output(1), output(2))
    wanted = cross_entropy(student, (), LABELS).item() + sum(slow(student, t) for t in teachers) / 2
    assert logits(student, teachers, LABELS).item() == pytest.approx(wanted, rel=1e-12)
    alone = logits(student, teachers[:1], LABELS, ce=0.0, logits=0.1)
    assert alone.item() == pytest.approx(0.1 * slow(student, teachers[0]), rel=1e-12)


def test_a_constant_counts_though_no_probability_moves():
    student = output(3)
    moved = Output(student.logits + 2, student.embedding)
    assert regression(student, moved).item() == pytest.approx(3 * 4 / 2)


def test_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"logits are \(5, 3\) of the student and \(5, 4\) of the teacher"):
        regression(output(0), Output(torch.zeros(5, 4), torch.zeros(5, 1)))
