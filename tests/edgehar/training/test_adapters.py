import inspect

import pytest
import torch

from edgehar.losses import LOSSES, loss
from edgehar.models.output import Output
from edgehar.training.adapters import ADAPTERS, adapt, build_adapters


def output(width: int, *middle: int, clips: int = 2) -> Output:
    """An embedding of this width, and three maps, the middle one of this shape."""
    ends = torch.zeros(clips, 9, 9)
    maps = {"first": ends, "second": torch.randn(clips, *middle), "third": ends}
    return Output(torch.zeros(clips, 3), torch.randn(clips, width), maps)


STUDENT = output(8, 6, 16)
TEACHERS = [output(5, 4, 10, 3), output(8, 6, 16)]


def both(student, teachers, labels, *, projected=None, regressed=None):
    """A loss that asks for everything."""


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_gets_what_its_keywords_ask_for(name):
    asked = set(inspect.signature(loss(name)).parameters) & set(ADAPTERS)
    assert set(build_adapters(loss(name), STUDENT, TEACHERS)) == asked


def test_dask_and_acs_ask_for_projections_and_fitnet_for_regressors():
    asked = {name: tuple(build_adapters(loss(name), STUDENT, TEACHERS)) for name in LOSSES}
    assert {name: keywords for name, keywords in asked.items() if keywords} == {
        "dask": ("projected",),
        "acs": ("projected",),
        "fitnet": ("regressed",),
    }


def test_the_student_is_brought_to_each_teachers_shape():
    adapters = build_adapters(both, STUDENT, TEACHERS)
    arguments = adapt(adapters, output(8, 6, 16, clips=7))
    assert {keyword: [tuple(v.shape) for v in values] for keyword, values in arguments.items()} == {
        "projected": [(7, 5), (7, 8)],
        "regressed": [(7, 4, 10), (7, 6, 16)],
    }
    assert all(parameter.requires_grad for parameter in adapters.parameters())


def test_where_widths_agree_nothing_stands_between():
    (head,) = build_adapters(loss("dask"), STUDENT, TEACHERS[1:])["projected"]
    assert head(STUDENT.embedding) is STUDENT.embedding
    assert list(head.parameters()) == []


def test_a_regressor_mixes_channels_and_resamples_time():
    (regressor,) = build_adapters(loss("fitnet"), output(8, 2, 4), [output(8, 3, 2)])["regressed"]
    course = torch.randn(1, 2, 4)
    wanted = torch.einsum("oi,nit->not", regressor.mix.weight[:, :, 0], course) + regressor.mix.bias[:, None]
    wanted = (wanted[:, :, ::2] + wanted[:, :, 1::2]) / 2  # half the steps: means of two
    torch.testing.assert_close(regressor(course), wanted)


def test_a_map_and_its_time_course_are_regressed_alike():
    wide, narrow = output(8, 6, 16, 2, 5), output(8, 6, 16)
    narrow.maps["second"] = wide.maps["second"].mean((3, 4))
    adapters = build_adapters(loss("fitnet"), wide, TEACHERS)
    for ours, theirs in zip(
        adapt(adapters, wide)["regressed"], adapt(adapters, narrow)["regressed"], strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_regressor_learns_what_a_hint_asks():
    """A teacher whose middle map mixes the student's channels can be met by the regressor alone."""
    torch.manual_seed(0)
    student = output(8, 2, 8, clips=16)
    course = student.maps["second"]
    mixture = torch.stack([course[:, 0] - 2 * course[:, 1], 3 * course[:, 1] + 1, course.sum(1)], 1)
    teacher = Output(torch.zeros(16, 3), torch.zeros(16, 1), {"only": mixture})
    labels = torch.zeros(16, dtype=torch.long)
    adapters = build_adapters(loss("fitnet"), student, [teacher])
    optimiser = torch.optim.Adam(adapters.parameters(), lr=0.1)
    for _ in range(200):
        value = loss("fitnet")(student, (teacher,), labels, ce=0.0, fitnet=1.0, **adapt(adapters, student))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    assert value.item() < 1e-4


def test_no_teacher_no_adapter():
    assert adapt(build_adapters(loss("dask"), STUDENT, []), STUDENT) == {"projected": []}
    assert adapt(build_adapters(loss("ce"), STUDENT, TEACHERS), STUDENT) == {}


def test_a_loss_of_maps_needs_maps_of_everyone():
    mute = Output(torch.zeros(2, 3), torch.zeros(2, 5))
    for student, teacher in ((STUDENT, mute), (mute, STUDENT)):
        with pytest.raises(ValueError, match="holds no maps"):
            build_adapters(loss("fitnet"), student, [teacher])
