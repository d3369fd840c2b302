import pytest
import torch

from edgehar.models.video import Block21D, Video21D, look


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def person(distance=120, place=4):
    """Depth (1, 6, 16, 12, 1): a box that nods towards the camera, 0 around it."""
    video = torch.zeros(1, 6, 16, 12, 1, dtype=torch.uint8)
    for frame in range(6):
        video[:, frame, 4:14, place : place + 4] = distance
        video[:, frame, 4:7, place : place + 4] = distance - 5 * frame
    return video


def test_unseen_pixels_are_zero_in_every_channel_but_the_change_at_an_edge():
    seen, relative, change = look(person())[0]
    assert torch.equal(seen, (person()[0, ..., 0] > 0).float())
    assert (relative[seen == 0] == 0).all()
    assert (change[seen == 0] == 0).all()  # nothing moved sideways here


def test_relative_depth_has_mean_zero_and_spread_one_over_what_was_seen():
    seen, relative, _ = look(person())[0]
    values = relative[seen > 0]
    assert values.mean().item() == pytest.approx(0, abs=1e-5)
    assert values.std(unbiased=False).item() == pytest.approx(1, abs=1e-4)


def test_the_distance_to_the_camera_does_not_matter():
    torch.testing.assert_close(look(person(120)), look(person(180)), atol=1e-4, rtol=0)


def test_the_rooms_light_does_not_matter():
    video = torch.randint(60, 120, (2, 5, 8, 8, 3), generator=seeded()).byte()
    torch.testing.assert_close(look(video), look(video * 2), atol=1e-4, rtol=0)


def test_the_change_is_from_frame_to_frame():
    _, relative, change = look(person())[0]
    torch.testing.assert_close(change[:5], relative[1:] - relative[:-1])
    torch.testing.assert_close(change[5], change[4])


def test_each_clip_is_looked_at_by_itself():
    one, other = person(100), person(200, place=6)
    together = look(torch.cat([one, other]))
    torch.testing.assert_close(together, torch.cat([look(one), look(other)]))


def test_nobody_in_the_picture_is_no_nan():
    assert (look(torch.zeros(1, 4, 8, 8, 1, dtype=torch.uint8)) == 0).all()


def test_depth_and_colour_have_three_and_six_channels():
    assert look(torch.zeros(2, 4, 8, 6, 1, dtype=torch.uint8)).shape == (2, 3, 4, 8, 6)
    assert look(torch.zeros(2, 4, 8, 6, 3, dtype=torch.uint8)).shape == (2, 6, 4, 8, 6)


@pytest.mark.parametrize(("stride", "time_stride"), [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("size", [(8, 16, 12), (7, 9, 5)])
def test_both_ways_through_a_block_have_one_shape(stride, time_stride, size):
    block = Block21D(4, 6, stride, time_stride).eval()
    frames, height, width = size
    shape = block(torch.randn(2, 4, *size, generator=seeded())).shape
    assert shape == (2, 6, -(-frames // time_stride), -(-height // stride), -(-width // stride))


def test_a_teacher_is_about_as_large_as_the_one_that_was_measured():
    weights = sum(p.numel() for p in Video21D(27).parameters())
    assert 0.2e6 < weights < 0.6e6
