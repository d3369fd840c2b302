import pytest
import torch

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.dask import dask
from edgehar.losses.kd import kd
from edgehar.losses.st import st
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 0, 1])


def output(seed: int) -> Output:
    generator = torch.Generator().manual_seed(seed)
    return Output(torch.randn(5, 3, generator=generator, dtype=torch.float64), torch.zeros(5, 1))


def test_is_cross_entropy_and_soft_targets():
    student, teachers = output(0), (output(1), output(2))
    hard = cross_entropy(student, (), LABELS, label_smoothing=0.1)
    soft = (kd(student, teachers[0], tau=3.0) + kd(student, teachers[1], tau=3.0)) / 2
    value = st(student, teachers, LABELS, ce=0.1, kd=0.9, tau=3.0, label_smoothing=0.1)
    torch.testing.assert_close(value, 0.1 * hard + 0.9 * soft)


def test_is_dask_without_what_makes_it_dask():
    student, teachers = output(3), (output(4),)
    wanted = dask(student, teachers, LABELS, distance=0.0, angle=0.0, semantic=0.0)
    torch.testing.assert_close(st(student, teachers, LABELS), wanted)


def test_a_temperature_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a temperature is above 0"):
        st(output(0), (output(1),), LABELS, tau=0.0)
