import numpy as np
import pytest

from edgehar.data.synthetic.motions import ACTIONS, REST, Action
from edgehar.data.synthetic.perform import Manner, perform, shared, step, waves

BY_NAME = {action.name: action for action in ACTIONS}
TIME = np.arange(0, 4, 0.001)


def test_a_step_is_flat_at_both_ends_and_half_way_in_the_middle():
    values = step(np.array([0.0, 1.0, 1.5, 2.0, 3.0]), start=1.0, duration=1.0)
    np.testing.assert_allclose(values, [0, 0, 0.5, 1, 1])
    rise = step(TIME, 1.0, 1.0)
    assert (np.diff(rise) >= 0).all()
    assert np.gradient(rise, TIME).max() == pytest.approx(15 / 8, rel=1e-4)


def test_a_pose_is_reached_held_and_left():
    action = Action("one", ((0.5, 1.0, {"bend": 1.0}),), back=0.5)
    bend = perform(action, Manner(start=1.0, rest={"bend": 0.2}), TIME)["bend"]
    at = dict(zip(TIME.round(3), bend, strict=True))
    reached = 0.2 + (1.0 - REST["bend"])
    assert at[0.5] == at[1.0] == 0.2
    assert at[1.7] == at[2.3] == pytest.approx(reached)
    assert at[3.9] == pytest.approx(0.2)


def test_tempo_size_and_offset_change_what_they_say():
    action = Action("one", ((0.5, 1.0, {"nod": 1.0}),), back=0.5)
    quick = perform(action, Manner(start=0.0, tempo=2.0, size=0.5, offset={"nod": 0.1}, rest={}), TIME)["nod"]
    assert quick.max() == pytest.approx(0.6)
    still = perform(action, Manner(start=0.0, rest={}), TIME)["nod"]
    np.testing.assert_allclose((quick / 0.6)[:1000], still[:2000:2], atol=1e-9)


def test_a_swing_swings_at_its_rate_and_only_meanwhile():
    action = Action("one", ((0.5, 2.0, {"nod": 1.0}),), {"nod": (0.3, 0.0)}, swing_hz=3.0)
    swung = perform(action, Manner(start=0.0, rest={}), TIME)["nod"] - 1.0
    middle = swung[(TIME > 0.7) & (TIME < 2.4)]
    crossings = np.count_nonzero(np.diff(np.sign(middle)))
    assert crossings == pytest.approx(2 * 3.0 * 1.7, abs=1)
    assert np.abs(middle).max() == pytest.approx(0.3, rel=0.01)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_angles_are_twice_continuously_differentiable(action):
    """Halving the time step halves the jumps of the second derivative: there is no kink and no leap."""

    def jump(dt: float) -> float:
        time = np.arange(0, 3, dt)
        paths = np.stack(list(perform(action, Manner(), time).values()))
        return np.abs(np.diff(np.diff(paths, 2) / dt**2)).max()

    assert jump(0.0005) < 0.6 * jump(0.001)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_everything_begins_and_ends_at_rest(action):
    for name, path in perform(action, Manner(start=0.3), np.array([0.0, 10.0])).items():
        np.testing.assert_allclose(path, REST.get(name, 0.0), atol=1e-12)


def test_an_idle_arm_may_follow():
    wave = BY_NAME["wave"]
    alone = perform(wave, Manner(), TIME)
    half = perform(shared(wave, 0.5), Manner(), TIME)
    np.testing.assert_array_equal(half["right_elbow"], alone["right_elbow"])
    np.testing.assert_array_equal(alone["left_elbow"], REST["left_elbow"])
    left, right = half["left_elbow"] - REST["left_elbow"], half["right_elbow"] - REST["right_elbow"]
    np.testing.assert_allclose(left, 0.5 * right, atol=1e-12)
    none = perform(shared(wave, 0.0), Manner(), TIME)
    np.testing.assert_allclose(none["left_elbow"], alone["left_elbow"])


def test_of_two_arms_the_left_does_less_and_a_kick_has_no_arm_to_share():
    clap = shared(BY_NAME["clap"], 0.7)
    assert clap.swing["left_roll"][0] == pytest.approx(0.7 * clap.swing["right_roll"][0])
    assert shared(BY_NAME["kick"], 0.5) == BY_NAME["kick"]
    assert "right_elbow" in shared(BY_NAME["wave left hand"], 0.2).moved


def test_waves_stay_within_their_amplitudes():
    size, hz = np.array([[0.1, 0.2], [0.0, 0.0]]), np.full((2, 2), 0.7)
    wandering = waves(np.random.default_rng(0), size, hz, TIME)
    assert wandering.shape == (2, len(TIME))
    assert 0.01 < np.abs(wandering[0]).max() <= 0.3 + 1e-9
    assert not wandering[1].any()
