import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgehar.signals import augment

SEEDS = st.integers(0, 2**31)
STRENGTHS = st.floats(0, 1)
TRIMS = st.floats(0, 0.4)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def motion(count=3, steps=40, seed=0):
    return torch.randn(count, steps, 3, generator=seeded(seed)) * 5


def film(count=3, frames=6, height=8, width=5, channels=1, seed=0):
    return torch.randint(0, 256, (count, frames, height, width, channels), generator=seeded(seed)).byte()


# Time


@given(SEEDS, STRENGTHS, TRIMS)
def test_time_never_runs_backwards_and_stays_in_the_clip(seed, strength, trim):
    warps = augment.draw_warps(8, strength, trim, seeded(seed))
    assert warps.shape == (8, augment.KNOTS)
    assert (warps.diff(dim=1) > 0).all()
    assert warps.min() >= 0
    assert warps.max() <= 1 + 1e-6
    assert (warps[:, 0] <= trim + 1e-6).all()
    assert (warps[:, -1] >= 1 - trim - 1e-6).all()


@given(SEEDS)
def test_no_strength_and_no_trim_change_nothing(seed):
    torch.testing.assert_close(augment.draw_warps(4, 0.0, 0.0, seeded(seed)), augment.no_warps(4))


@given(SEEDS, STRENGTHS, TRIMS, st.integers(2, 200))
def test_positions_are_in_order_and_inside(seed, strength, trim, steps):
    at = augment.warp_positions(augment.draw_warps(4, strength, trim, seeded(seed)), steps)
    assert at.shape == (4, steps)
    assert (at.diff(dim=1) >= -1e-4).all()
    assert at.min() >= 0
    assert at.max() <= (steps - 1) * (1 + 1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 16, 128])
def test_no_warps_are_the_identity(steps):
    values, video = motion(steps=steps), film(frames=steps)
    torch.testing.assert_close(augment.warp_motion(values, augment.no_warps(3)), values, atol=1e-4, rtol=0)
    same = augment.warp_video(video, augment.no_warps(3), generator=seeded(0))
    torch.testing.assert_close(same, video, atol=0, rtol=0)


def test_a_warp_reads_where_it_says():
    """On a ramp the value is the time: half the clip at double, half at half speed, by hand."""
    ramp = torch.arange(9.0)[None, :, None].repeat(1, 1, 3)
    warps = torch.tensor([[0.0, 0.125, 0.25, 0.625, 1.0]])
    expected = [0, 0.5, 1, 1.5, 2, 3.5, 5, 6.5, 8]
    torch.testing.assert_close(augment.warp_motion(ramp, warps)[0, :, 0], torch.tensor(expected))


def test_every_modality_of_a_clip_is_warped_alike():
    """A ramp in time, as motion and as video: both then tell the same time, within half a frame."""
    warps = augment.draw_warps(5, 0.5, 0.1, seeded(3))
    ramp = torch.arange(64.0)
    felt = augment.warp_motion(ramp[None, :, None].repeat(5, 1, 1), warps)[:, :, 0]
    video = ramp.byte()[None, :, None, None, None].repeat(5, 1, 4, 4, 1)
    seen = augment.warp_video(video, warps, generator=seeded(0))[:, :, 0, 0, 0]
    torch.testing.assert_close(seen.float(), felt, atol=0.501, rtol=0)


def test_skeletons_are_warped_like_their_own_columns():
    joints = torch.randn(2, 30, 20, 3, generator=seeded(1))
    warps = augment.draw_warps(2, 0.3, 0.1, seeded(2))
    warped = augment.warp_motion(joints, warps)
    torch.testing.assert_close(warped[:, :, 7], augment.warp_motion(joints[:, :, 7], warps))


# Space


@given(SEEDS, st.floats(0, 0.5), st.floats(0, 0.5), st.sampled_from([1, 3]))
def test_a_moved_video_shows_only_what_was_there(seed, shift, zoom, channels):
    video = film(channels=channels)
    moved = augment.warp_video(video, augment.no_warps(3), shift=shift, zoom=zoom, generator=seeded(seed))
    assert moved.shape == video.shape
    assert moved.dtype == torch.uint8
    for before, after in zip(video.flatten(0, 1), moved.flatten(0, 1), strict=True):
        assert set(map(tuple, after.flatten(0, 1).tolist())) <= set(map(tuple, before.flatten(0, 1).tolist()))


def test_a_clip_is_moved_as_a_whole_and_no_farther_than_said():
    """A single bright pixel: in every frame at the same place, at most 2 rows and columns away."""
    video = torch.zeros(20, 4, 21, 21, 1, dtype=torch.uint8)
    video[:, :, 10, 10] = 255
    moved = augment.warp_video(video, augment.no_warps(20), shift=2 / 21, generator=seeded(0))
    places = set()
    for clip in moved:
        frames, rows, columns, _ = clip.nonzero(as_tuple=True)
        assert frames.tolist() == [0, 1, 2, 3]
        assert len(set(rows.tolist())) == len(set(columns.tolist())) == 1
        assert abs(rows[0] - 10) <= 2
        assert abs(columns[0] - 10) <= 2
        places.add((rows[0].item(), columns[0].item()))
    assert len(places) > 5


def test_zoom_keeps_the_middle():
    video = torch.zeros(1, 1, 9, 9, 1, dtype=torch.uint8)
    video[:, :, 4, 4] = 255
    for seed in range(10):
        zoomed = augment.warp_video(video, augment.no_warps(1), zoom=0.4, generator=seeded(seed))
        assert zoomed[0, 0, 4, 4, 0] == 255


# The watch


@given(SEEDS, st.floats(0, 3))
def test_rotation_keeps_lengths_and_angles(seed, radians):
    values = motion()
    rotated = augment.rotate(values, radians, seeded(seed))
    torch.testing.assert_close(rotated.norm(dim=2), values.norm(dim=2), atol=1e-3, rtol=1e-4)
    before, after = (torch.einsum("nti,nsi->nts", v, v) for v in (values, rotated))
    torch.testing.assert_close(after, before, atol=1e-2, rtol=1e-3)


@given(SEEDS)
def test_rotation_keeps_right_hands_right(seed):
    frame = torch.eye(3)[None].repeat(5, 1, 1)  # each row an axis
    rotated = augment.rotate(frame, 1.0, seeded(seed))
    torch.testing.assert_close(torch.linalg.det(rotated), torch.ones(5), atol=1e-4, rtol=0)


def test_no_rotation_is_the_identity_and_nothing_is_nan():
    values = motion()
    torch.testing.assert_close(augment.rotate(values, 0.0, seeded(0)), values)


def test_each_clip_is_turned_by_its_own_angle_of_the_stated_spread():
    """|vector| of three normal components: mean square 3 radians^2."""
    frame = torch.eye(3)[None].repeat(4000, 1, 1)
    rotated = augment.rotate(frame, 0.25, seeded(0))
    cosine = (torch.einsum("nii->n", rotated) - 1) / 2
    angles = cosine.clamp(-1, 1).acos()
    assert math.sqrt(angles.square().mean()) == pytest.approx(0.25 * math.sqrt(3), rel=0.03)


@given(SEEDS)
def test_scale_is_one_factor_a_clip(seed):
    values = motion()
    ratio = augment.scale_and_jitter(values, 0.2, 0.0, seeded(seed)) / values
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio))
    assert (ratio > 0).all()


def test_noise_has_the_stated_spread_in_metres_per_second_squared():
    still = torch.zeros(50, 100, 3)
    noisy = augment.scale_and_jitter(still, 0.2, 0.3, seeded(0))
    assert noisy.std().item() == pytest.approx(0.3, rel=0.03)


# The body


def bodies(count=3, steps=10, joints=6, seed=0):
    return torch.randn(count, steps, joints, 3, generator=seeded(seed)) + torch.tensor([0.0, 0.0, 3.0])


@given(SEEDS, st.floats(0, 3))
def test_a_turned_body_keeps_its_heights_and_its_bones(seed, radians):
    joints = bodies()
    turned = augment.turn_body(joints, radians, seeded(seed))
    torch.testing.assert_close(turned[..., 1], joints[..., 1])
    before, after = (torch.cdist(x.flatten(1, 2), x.flatten(1, 2)) for x in (joints, turned))
    torch.testing.assert_close(after, before, atol=1e-2, rtol=1e-3)


@given(SEEDS)
def test_a_turned_body_is_not_mirrored(seed):
    frame = torch.eye(3).repeat(5, 1, 1, 1)  # three joints, each on an axis
    turned = augment.turn_body(frame, 1.0, seeded(seed))
    torch.testing.assert_close(torch.linalg.det(turned[:, 0]), torch.ones(5), atol=1e-4, rtol=0)


def test_bodies_turn_by_angles_of_the_stated_spread():
    """A joint on the first axis then shows its angle: mean 0, standard deviation 0.3 rad."""
    joints = torch.tensor([1.0, 0.0, 0.0]).expand(4000, 2, 1, 3)
    turned = augment.turn_body(joints, 0.3, seeded(0))
    torch.testing.assert_close(turned[:, 0], turned[:, 1])  # one angle a clip
    angles = torch.atan2(turned[:, 0, 0, 2], turned[:, 0, 0, 0])
    assert angles.std().item() == pytest.approx(0.3, rel=0.03)
    assert angles.mean().item() == pytest.approx(0, abs=0.02)


@given(SEEDS)
def test_a_stretched_body_has_one_factor_a_clip_and_axis(seed):
    joints = bodies()
    ratio = augment.stretch_body(joints, 0.1, 0.0, seeded(seed)) / joints
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio), atol=1e-5, rtol=1e-5)
    assert (ratio > 0).all()
    assert len(set(ratio[:, 0, 0].flatten().tolist())) == 9


def test_joints_are_off_by_noise_of_the_stated_spread_in_metres():
    still = torch.zeros(50, 20, 20, 3)
    assert augment.stretch_body(still, 0.1, 0.01, seeded(0)).std().item() == pytest.approx(0.01, rel=0.03)


def test_no_turn_no_stretch_and_no_noise_change_nothing():
    joints = bodies()
    torch.testing.assert_close(augment.turn_body(joints, 0.0, seeded(0)), joints)
    torch.testing.assert_close(augment.stretch_body(joints, 0.0, 0.0, seeded(0)), joints)


# Mixing


@given(SEEDS)
def test_weights_of_one_are_the_identity(seed):
    values = motion()
    partners = torch.randperm(3, generator=seeded(seed))
    torch.testing.assert_close(augment.mix(values, partners, torch.ones(3)), values)
    torch.testing.assert_close(augment.mix(values, partners, torch.zeros(3)), values[partners])


def test_mixing_by_hand():
    values = torch.tensor([[0.0, 4.0], [8.0, 8.0]])
    mixed = augment.mix(values, torch.tensor([1, 0]), torch.tensor([0.75, 0.5]))
    torch.testing.assert_close(mixed, torch.tensor([[2.0, 5.0], [4.0, 6.0]]))


def test_video_stays_bytes_and_is_rounded():
    video = torch.tensor([[[[[10]]]], [[[[13]]]]], dtype=torch.uint8)
    mixed = augment.mix(video, torch.tensor([1, 0]), torch.tensor([0.3, 0.0]))
    assert mixed.dtype == torch.uint8
    assert mixed.flatten().tolist() == [12, 10]  # 12.1, 10


# Chance


DRAWS = {
    "warps": lambda g: augment.draw_warps(4, 0.3, 0.1, g),
    "video": lambda g: augment.warp_video(film(), augment.no_warps(3), shift=0.3, zoom=0.3, generator=g),
    "rotate": lambda g: augment.rotate(motion(), 0.3, g),
    "jitter": lambda g: augment.scale_and_jitter(motion(), 0.1, 0.3, g),
    "turn": lambda g: augment.turn_body(bodies(), 0.3, g),
    "stretch": lambda g: augment.stretch_body(bodies(), 0.1, 0.01, g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_same_seed_draws_the_same_and_the_global_state_is_left_alone(draw):
    before = torch.get_rng_state()
    first = draw(seeded(5))
    torch.rand(7)
    torch.set_rng_state(before)
    torch.testing.assert_close(draw(seeded(5)), first, atol=0, rtol=0)
    assert not torch.equal(draw(seeded(6)), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_generator_moves_on(draw):
    generator = seeded(5)
    assert not torch.equal(draw(generator), draw(generator))
