import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.data.repair import LONGEST_GAP, repaired
from edgehar.errors import InputError

RATE_HZ = 30.0  # so that the longest gap is 15 frames


def walk(frames=40, joints=5, seed=0):
    """A body that stands at (0, 0, 3) m and moves evenly: every gap has one right filling."""
    rng = np.random.default_rng(seed)
    still = rng.normal(0, 0.3, (1, joints, 3)) + np.array([0.1, 0.2, 3.0])
    speed = rng.normal(0, 0.01, (1, joints, 3))
    return (still + speed * np.arange(frames)[:, None, None]).astype(np.float32)


def refused(values, rate_hz=RATE_HZ):
    with pytest.raises(InputError) as error:
        repaired(values, rate_hz, "a1_s2_t3")
    sentence = str(error.value)
    assert "a1_s2_t3" in sentence and "\n" not in sentence
    return sentence


def test_a_whole_skeleton_comes_back_as_it_is():
    values = walk()
    same, filled = repaired(values, RATE_HZ, "c")
    assert same is values
    assert filled == 0


@pytest.mark.parametrize("mark", [np.nan, np.inf, 0.0])
@pytest.mark.parametrize("joint", [0, 4])
def test_a_lost_joint_is_filled_in_on_a_straight_line(mark, joint):
    values = walk()
    broken = values.copy()
    broken[10:14, joint] = mark
    mended, filled = repaired(broken, RATE_HZ, "c")
    assert filled == 4
    np.testing.assert_allclose(mended, values, atol=1e-5)
    assert mended.dtype == np.float32
    same = np.ones((40, 5), bool)
    same[10:14, joint] = False
    np.testing.assert_array_equal(mended[same], values[same])


def test_one_axis_of_nan_loses_the_position_but_one_axis_of_zero_does_not():
    values = walk()
    values[5, 2, 1] = 0
    assert repaired(values, RATE_HZ, "c")[1] == 0
    values[5, 2, 1] = np.nan
    assert repaired(values, RATE_HZ, "c")[1] == 1


def test_a_frame_without_a_body_is_filled_in():
    values = walk()
    broken = values.copy()
    broken[20] = np.nan
    mended, filled = repaired(broken, RATE_HZ, "c")
    assert filled == 5
    np.testing.assert_allclose(mended, values, atol=1e-5)


def test_the_ends_repeat_the_nearest_position():
    values = walk()
    broken = values.copy()
    broken[:3, 1] = broken[-2:, 1] = 0
    mended, filled = repaired(broken, RATE_HZ, "c")
    assert filled == 5
    np.testing.assert_array_equal(mended[:3, 1], values[3, 1][None].repeat(3, 0))
    np.testing.assert_array_equal(mended[-2:, 1], values[-3, 1][None].repeat(2, 0))


def test_what_was_given_is_not_written_into():
    broken = walk()
    broken[5, 1] = np.nan
    before = broken.copy()
    repaired(broken, RATE_HZ, "c")
    np.testing.assert_array_equal(broken, before)


@given(st.integers(0, 2**31), st.floats(0, 0.3), st.sampled_from([np.nan, 0.0]))
def test_random_losses_are_mended_or_refused_and_never_pass(seed, share, mark):
    values, rng = walk(), np.random.default_rng(seed)
    lost = rng.random((40, 5)) < share
    values[lost] = mark
    try:
        mended, filled = repaired(values, RATE_HZ, "c")
    except InputError:
        return
    assert filled == lost.sum()
    assert np.isfinite(mended).all()
    assert not (mended == 0).all(axis=2).any()


def test_the_longest_gap_is_filled_in_and_one_frame_more_is_refused():
    longest = round(LONGEST_GAP * RATE_HZ)
    values = walk()
    values[10 : 10 + longest, 2] = np.nan
    assert repaired(values, RATE_HZ, "c")[1] == longest
    values[10 + longest, 2] = np.nan
    said = refused(values)
    assert "joint 3" in said and "from frame 11 to 26 (0.53 s)" in said and "0.5 s are not filled in" in said


def test_a_gap_is_measured_in_seconds():
    values = walk()
    values[10:18, 2] = np.nan
    assert repaired(values, 30.0, "c")[1] == 8
    assert "(0.80 s)" in refused(values, rate_hz=10.0)


@pytest.mark.parametrize("mark", [np.nan, 0.0])
def test_a_joint_that_is_never_there_is_refused(mark):
    values = walk()
    values[:, 3] = mark
    assert "joint 4 of the skeleton is missing in every frame" in refused(values)


@pytest.mark.parametrize("mark", [np.nan, 0.0])
def test_a_clip_without_a_body_is_refused(mark):
    assert "missing in every frame" in refused(np.full((40, 5, 3), mark))


def test_skeletons_given_from_one_joint_keep_it_at_zero():
    """Hips at 0, 0, 0 in every frame are no loss, and what is lost beside them still is."""
    values = walk()
    values -= values[:, 2:3]
    broken = values.copy()
    broken[10:13, 4] = 0
    mended, filled = repaired(broken, RATE_HZ, "c")
    assert filled == 3
    assert (mended[:, 2] == 0).all()
    np.testing.assert_allclose(mended, values, atol=1e-5)


@pytest.mark.parametrize("people", [2, 3])
def test_several_people_are_counted(people):
    said = refused(np.ones((40, people, 20, 3), np.float32))
    assert f"shows {people} people" in said and "keep the one" in said


@pytest.mark.parametrize("shape", [(40, 20), (40, 20, 2), (40, 60), (40,), (40, 1, 20, 3), (40, 20, 4)])
def test_other_shapes_are_refused(shape):
    assert f"shape {shape}, expected (frames, joints, 3)" in refused(np.ones(shape, np.float32))


@pytest.mark.parametrize("frames", [0, 1])
def test_one_frame_is_no_movement(frames):
    assert f"{frames} frame(s)" in refused(np.ones((frames, 20, 3), np.float32))
