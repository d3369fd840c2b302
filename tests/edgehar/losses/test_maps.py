import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgehar.losses.maps import check_same_clips, last, middle, resample, timecourse
from edgehar.models.output import Output


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def said(count: int, *shape: int) -> Output:
    """An Output of `count` maps that hold 0, 1, 2, ..."""
    maps = {f"block{number}": torch.full(shape, float(number)) for number in range(count)}
    return Output(torch.zeros(2, 1), torch.zeros(2, 1), maps)


def test_a_timecourse_is_the_mean_over_places():
    video = torch.tensor([[[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]]])  # (1, 1, 2, 2, 2)
    assert timecourse(video).tolist() == [[[3.0, 1.0]]]
    joints = torch.tensor([[[[1.0, 2.0, 6.0]], [[0.0, 1.0, 2.0]]]])  # (1, 2, 1, 3)
    assert timecourse(joints).tolist() == [[[3.0], [1.0]]]


@given(seed=st.integers(0, 100), places=st.lists(st.integers(1, 3), max_size=3))
def test_a_timecourse_stays_one(seed, places):
    course = timecourse(draw(2, 3, 4, *places, seed=seed))
    assert course.shape == (2, 3, 4)
    assert timecourse(course) is course


def test_half_precision_is_widened_before_the_mean():
    ones = torch.ones(1, 1, 1, 4096, dtype=torch.bfloat16)
    assert timecourse(ones + 2**-7).item() == 1 + 2**-7


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_a_map_without_time_is_refused(shape):
    with pytest.raises(ValueError, match="third dimension must be time"):
        timecourse(torch.zeros(shape))


def slow_resample(course: list[float], length: int) -> list[float]:
    """Steps have a width; the middle of step i of n lies at (i + 1/2) / n of the time, and beyond the
    first and the last middle the ends go on."""
    resampled = []
    for step in range(length):
        place = (step + 0.5) * len(course) / length - 0.5
        before = min(max(place, 0), len(course) - 1)
        left = min(int(before), max(len(course) - 2, 0))
        right = min(left + 1, len(course) - 1)
        resampled.append(course[left] + (before - left) * (course[right] - course[left]))
    return resampled


@pytest.mark.parametrize(("steps", "length"), [(4, 8), (8, 4), (5, 3), (3, 7), (1, 4), (4, 1)])
def test_resampling_is_linear(steps, length):
    course = draw(2, 3, steps)
    wanted = [[slow_resample(channel, length) for channel in clip] for clip in course.tolist()]
    torch.testing.assert_close(resample(course, length), torch.tensor(wanted, dtype=torch.float64))


def test_half_as_many_steps_are_means_of_two():
    course = draw(1, 1, 6)
    torch.testing.assert_close(resample(course, 3)[0, 0], course[0, 0].reshape(3, 2).mean(1))


def test_resampling_has_a_gradient():
    course = draw(2, 2, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: resample(values, 3), course)
    assert torch.autograd.gradcheck(lambda values: resample(values, 8), course)


@pytest.mark.parametrize(("count", "number"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 2)])
def test_the_middle_map_is_halfway_down(count, number):
    assert (middle(said(count, 2, 3, 4)) == number).all()
    assert (last(said(count, 2, 3, 4)) == count - 1).all()


def test_the_middle_and_the_last_map_are_all_that_need_be_kept():
    whole = said(5, 2, 3, 4)
    kept = Output(whole.logits, whole.embedding, {"middle": middle(whole), "last": last(whole)})
    assert torch.equal(middle(kept), middle(whole)) and torch.equal(last(kept), last(whole))


def test_maps_come_as_time_courses():
    assert middle(said(3, 2, 3, 4, 5, 6)).shape == last(said(3, 2, 3, 4, 5)).shape == (2, 3, 4)


@pytest.mark.parametrize("layer", [middle, last])
def test_an_output_without_maps_is_refused(layer):
    with pytest.raises(ValueError, match="holds no maps"):
        layer(said(0))


def test_other_clips_are_refused():
    check_same_clips(torch.zeros(3, 2, 4), torch.zeros(3, 5, 6))
    with pytest.raises(ValueError, match="maps are of 3 clips of the student and 2 of the teacher"):
        check_same_clips(torch.zeros(3, 2, 4), torch.zeros(2, 2, 4))
