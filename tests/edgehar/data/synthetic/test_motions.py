import pytest

from edgehar.data.synthetic.body import ANGLES
from edgehar.data.synthetic.motions import ACTIONS, REST


def test_there_are_twelve_actions_with_names_of_their_own():
    assert len({action.name for action in ACTIONS}) == 12


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_moves_angles_that_a_body_has_and_fits_into_a_clip(action):
    assert {*action.moved, *action.swing} <= set(ANGLES)
    assert set(action.swing) <= {*action.moved, "twist"}
    assert all(abs(rad) < 3 for _, _, pose in action.poses for rad in pose.values())
    lasts = action.back + sum(reach + stay for reach, stay, _ in action.poses)
    assert 1.0 < lasts < 2.5
    assert (action.swing_hz > 0) == bool(action.swing)


def test_rest_is_named_like_a_body():
    assert set(REST) <= set(ANGLES)


def test_two_handed_actions_are_known():
    two = {action.name for action in ACTIONS if action.two_handed}
    assert two == {"wave both hands", "clap", "throw with both hands", "squat"}
