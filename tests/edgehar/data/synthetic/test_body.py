import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.data.synthetic.body import ANGLES, EDGES, JOINTS, build_of, pose, rotation

BUILD = build_of(1.75)
HERE = np.array([[0.2, -0.95, 2.7]])
angles = st.fixed_dictionaries({name: st.floats(-3, 3) for name in ANGLES})


def posed(**chosen):
    """Joints by name and the wrist's axes of one instant."""
    body = pose(BUILD, {name: np.array([rad]) for name, rad in chosen.items()}, HERE)
    return dict(zip(JOINTS, body.joints[0], strict=True)), body.wrist[0]


def test_the_edges_join_all_joints_to_one_tree():
    reached = {JOINTS.index("hip_center")}
    for parent, child in EDGES:
        assert parent in reached
        assert child not in reached
        reached.add(child)
    assert reached == set(range(20))


@settings(max_examples=30, deadline=None)
@given(angles)
def test_bones_are_rigid_whatever_the_angles(chosen):
    bent = pose(BUILD, {name: np.array([rad]) for name, rad in chosen.items()}, HERE).joints[0]
    straight = pose(BUILD, {}, HERE).joints[0]
    for parent, child in EDGES:
        length = np.linalg.norm(straight[child] - straight[parent])
        assert np.linalg.norm(bent[child] - bent[parent]) == pytest.approx(length, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(angles)
def test_the_wrists_axes_are_right_handed_and_follow_the_forearm(chosen):
    joints, wrist = posed(**chosen)
    np.testing.assert_allclose(wrist.T @ wrist, np.eye(3), atol=1e-12)
    assert np.linalg.det(wrist) == pytest.approx(1)
    forearm = joints["right_wrist"] - joints["right_elbow"]
    np.testing.assert_allclose(wrist[:, 0], forearm / BUILD.forearm, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(angles)
def test_the_lower_foot_stands_on_the_floor(chosen):
    joints, _ = posed(**chosen)
    lower = min(joints["left_foot"][1], joints["right_foot"][1])
    assert -0.03 < lower - HERE[0, 1] < 0.001  # the blend of two feet lets the lower one sink by 3 log 2 cm


def test_it_stands_upright_facing_the_camera_with_hanging_arms():
    joints, wrist = posed()
    assert joints["head"][1] - HERE[0, 1] == pytest.approx(0.935 * 1.75, abs=0.01)
    assert joints["left_shoulder"][0] < joints["hip_center"][0] < joints["right_shoulder"][0]
    assert joints["left_foot"][2] < joints["left_ankle"][2]
    np.testing.assert_allclose(joints["right_wrist"][[0, 2]], joints["right_shoulder"][[0, 2]])
    down, forward, right = [0, -1, 0], [0, 0, -1], [1, 0, 0]
    np.testing.assert_allclose(wrist.T, [down, forward, right], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "joint", "way"),
    [
        ("right_lift", "right_hand", (0, 1, -1)),
        ("left_lift", "left_hand", (0, 1, -1)),
        ("right_spread", "right_hand", (1, 1, 0)),
        ("left_spread", "left_hand", (-1, 1, 0)),
        ("right_elbow", "right_hand", (0, 1, -1)),
        ("right_wrist", "right_hand", (-1, 1, 0)),
        ("left_wrist", "left_hand", (1, 1, 0)),
        ("right_apart", "right_knee", (1, 1, 0)),
        ("left_apart", "left_knee", (-1, 1, 0)),
        ("right_thigh", "right_knee", (0, 1, -1)),
        ("right_knee", "right_ankle", (0, 1, 1)),
        ("bend", "head", (0, -1, -1)),
        ("nod", "head", (0, -1, -1)),
        ("twist", "right_shoulder", (-1, 0, -1)),
        ("turn", "right_shoulder", (-1, 0, -1)),
    ],
)
def test_angles_move_joints_the_way_they_are_named(name, joint, way):
    after, before = posed(**{name: 0.4})[0], posed()[0]
    moved = (after[joint] - after["hip_center"]) - (before[joint] - before["hip_center"])
    sign = np.where(np.abs(moved) < 1e-9, 0, np.sign(moved))
    np.testing.assert_array_equal(sign, way)


def test_a_raised_arm_crosses_and_rolls_inwards_on_both_sides():
    for side, inwards in (("right", -1), ("left", 1)):
        raised = {f"{side}_lift": 1.2, f"{side}_elbow": 1.0}
        before = posed(**raised)[0][f"{side}_hand"]
        for name in ("cross", "roll"):
            after = posed(**raised, **{f"{side}_{name}": 0.4})[0][f"{side}_hand"]
            assert (after - before)[0] * inwards > 0.05


def test_a_turned_palm_moves_the_thumb_inwards_and_no_joint():
    joints, wrist = posed(right_elbow=np.pi / 2, right_palm=np.pi / 2)
    np.testing.assert_allclose(wrist[:, 1], [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(joints["right_wrist"], posed(right_elbow=np.pi / 2)[0]["right_wrist"])


def test_bent_knees_lower_the_hips_and_a_lifted_foot_does_not():
    height = posed()[0]["hip_center"][1]
    both = {f"{side}_{name}": 1.5 for side in ("left", "right") for name in ("thigh", "knee")}
    assert posed(**both)[0]["hip_center"][1] < height - 0.3
    assert posed(right_thigh=1.5, right_knee=1.5)[0]["hip_center"][1] == pytest.approx(height, abs=0.03)


def test_an_unknown_angle_is_refused():
    with pytest.raises(ValueError, match="right_ellbow"):
        pose(BUILD, {"right_ellbow": np.zeros(1)}, HERE)


def test_rotation_turns_counter_clockwise():
    for axis in range(3):
        turned = rotation(axis, np.array([np.pi / 2]))[0]
        unit = np.eye(3)
        np.testing.assert_allclose(turned @ unit[(axis + 1) % 3], unit[(axis + 2) % 3], atol=1e-12)
        np.testing.assert_allclose(turned @ unit[axis], unit[axis])
