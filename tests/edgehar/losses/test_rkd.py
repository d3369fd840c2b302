import torch

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.relational import angle, distance
from edgehar.losses.rkd import rkd
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0, 1])


def output(seed: int, width: int) -> Output:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(5, 3 + width, generator=generator, dtype=torch.float64)
    return Output(drawn[:, :3], drawn[:, 3:])


def test_is_cross_entropy_distance_and_angle_with_the_papers_weights():
    student, teachers = output(0, width=4), (output(1, width=2), output(2, width=6))
    wanted = cross_entropy(student, (), LABELS)
    for teacher in teachers:
        wanted = wanted + (25 * distance(student, teacher) + 50 * angle(student, teacher)) / 2
    torch.testing.assert_close(rkd(student, teachers, LABELS), wanted)


def test_each_weight_scales_its_own_term():
    student, teacher = output(3, width=4), output(4, width=2)
    for name, term in {"distance": distance, "angle": angle}.items():
        value = rkd(student, (teacher,), LABELS, **{"ce": 0.0, "distance": 0.0, "angle": 0.0} | {name: 3.0})
        torch.testing.assert_close(value, 3 * term(student, teacher))
