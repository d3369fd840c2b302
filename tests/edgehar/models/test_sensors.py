import pytest
import torch

from edgehar.models.sensors import SensorsTeacher
from edgehar.networks import build_teacher

STREAMS = ("acc.left_hip", "gyro", "acc.left_ankle")


def sensors(count=4, steps=64):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(count, steps, 3, generator=generator) * scale for scale in (9.8, 0.5, 30)]


def test_a_plan_says_what_it_feels():
    teacher = build_teacher("sensors", 5, streams=STREAMS)
    assert teacher.streams == STREAMS
    said = teacher(*sensors())
    assert (said.logits.shape, said.embedding.shape) == ((4, 5), (4, 160))
    assert {name: tuple(m.shape) for name, m in said.maps.items()} == {
        "stems": (4, 120, 16), "block1": (4, 160, 8), "block2": (4, 160, 8),
    }  # fmt: skip


def test_units_do_not_matter():
    """Each stem normalises its own stream: in g instead of m/s^2 the network learns the same."""
    torch.manual_seed(0)
    teacher = SensorsTeacher(5, STREAMS, dropout=0).train()
    first, *others = sensors()
    torch.testing.assert_close(
        teacher(first, *others).logits, teacher(first / 9.80665, *others).logits, atol=1e-4, rtol=1e-3
    )


def test_every_sensor_is_heard():
    teacher = SensorsTeacher(5, STREAMS).eval()
    whole = sensors()
    for place in range(3):
        changed = [values.flip(1) if place == number else values for number, values in enumerate(whole)]
        assert not torch.allclose(teacher(*whole).logits, teacher(*changed).logits)


def test_without_a_sensor_there_is_no_teacher():
    with pytest.raises(ValueError, match="at least one stream"):
        SensorsTeacher(5, ())
