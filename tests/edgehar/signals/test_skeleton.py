import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgehar.signals.skeleton import LOOKS, look, resampled

# Five joints: 0 the centre, 1 and 2 hang on it, 3 on 2, 4 on 3; the body stands at the mean of 1 and 2.
PARENTS, ORIGIN = [0, 0, 0, 2, 3], [1, 2]


def skeletons(count=2, steps=6, seed=0):
    return torch.randn(count, steps, 5, 3, generator=torch.Generator().manual_seed(seed)).double()


def by_hand(clip, looks):
    """One clip (T, 5, 3) joint by joint."""
    steps = len(clip)
    stands = sum(clip[t, joint] for t in range(steps) for joint in ORIGIN) / (2 * steps)
    bone_lengths = [(clip[t, j] - clip[t, PARENTS[j]]).norm() for t in range(steps) for j in (1, 2, 3, 4)]
    size = sum(bone_lengths) / len(bone_lengths)
    out = torch.zeros(steps, 5, 3 * len(looks), dtype=clip.dtype)
    for t in range(steps):
        for j in range(5):
            here = clip[t, j] - stands
            now = min(t, steps - 2)
            made = {
                "position": here,
                "bone": here if j == 0 else clip[t, j] - clip[t, PARENTS[j]],
                "velocity": clip[now + 1, j] - clip[now, j],
            }
            out[t, j] = torch.cat([made[name] for name in looks]) / size
    return out


@pytest.mark.parametrize("looks", [LOOKS, ("bone", "velocity"), ("position",), ("velocity", "position")])
def test_looks_by_hand(looks):
    joints = skeletons()
    made = look(joints, PARENTS, ORIGIN, looks)
    assert made.shape == (2, 6, 5, 3 * len(looks))
    for clip in range(2):
        torch.testing.assert_close(made[clip], by_hand(joints[clip], looks))


@given(st.floats(-5, 5), st.floats(0.2, 2000), st.integers(0, 1000))
def test_neither_place_nor_size_nor_unit_matters(moved, larger, seed):
    joints = skeletons(seed=seed)
    other = look((joints + moved) * larger, PARENTS, ORIGIN)
    torch.testing.assert_close(other, look(joints, PARENTS, ORIGIN), atol=1e-6, rtol=1e-6)


def test_walking_is_seen():
    """The place is one for the clip: who walks leaves it."""
    joints = skeletons(1, 1).expand(1, 6, 5, 3) + torch.arange(6.0)[None, :, None, None]
    made = look(joints, PARENTS, ORIGIN, ("position",))
    assert (made.diff(dim=1) > 0).all()


def test_bones_tell_all_that_positions_do():
    """From the centre outwards the bones add up to the positions."""
    made = look(skeletons(), PARENTS, ORIGIN, ("position", "bone"))
    at, bone = made[..., :3], made[..., 3:]
    torch.testing.assert_close(bone[:, :, 0] + bone[:, :, 2] + bone[:, :, 3] + bone[:, :, 4], at[:, :, 4])


def test_a_clip_of_zeros_is_zeros_and_one_frame_does_not_move():
    assert (look(torch.zeros(1, 4, 5, 3), PARENTS, ORIGIN) == 0).all()
    assert (look(skeletons(steps=1), PARENTS, ORIGIN, ("velocity",)) == 0).all()


def test_each_clip_is_looked_at_by_itself():
    joints = skeletons(3)
    alone = torch.cat([look(clip[None], PARENTS, ORIGIN) for clip in joints])
    torch.testing.assert_close(look(joints, PARENTS, ORIGIN), alone)


def test_another_look_is_refused():
    with pytest.raises(ValueError, match="no look is called 'angle'; there are position, bone, velocity"):
        look(skeletons(), PARENTS, ORIGIN, ("bone", "angle"))


# Resampling


def test_shorter_is_the_mean_of_equal_parts():
    values = torch.arange(12.0)[None, :, None].repeat(1, 1, 3)
    torch.testing.assert_close(resampled(values, 4)[0, :, 0], torch.tensor([1.0, 4.0, 7.0, 10.0]))


def test_longer_goes_straight_from_sample_to_sample():
    values = torch.tensor([0.0, 2.0, 1.0])[None, :, None]
    torch.testing.assert_close(resampled(values, 5)[0, :, 0], torch.tensor([0.0, 1.0, 2.0, 1.5, 1.0]))


@pytest.mark.parametrize("steps", [1, 3, 6, 7, 20])
def test_skeletons_are_resampled_like_their_own_columns(steps):
    joints = skeletons()
    made = resampled(joints, steps)
    assert made.shape == (2, steps, 5, 3)
    torch.testing.assert_close(made[:, :, 3], resampled(joints[:, :, 3], steps))


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_steady_clip_stays_what_it_is(steps, wanted):
    steady = torch.full((2, steps, 3), 9.81)
    torch.testing.assert_close(resampled(steady, wanted), torch.full((2, wanted, 3), 9.81))


def test_its_own_number_of_steps_changes_nothing():
    torch.testing.assert_close(resampled(skeletons(), 6), skeletons())


def test_nothing_fast_is_folded_into_something_slow():
    """A tremor of every second sample is averaged away, where picking samples would show a constant."""
    tremor = torch.tensor([1.0, -1.0]).repeat(32)[None, :, None]
    assert resampled(tremor, 16).abs().max() < 1e-6
