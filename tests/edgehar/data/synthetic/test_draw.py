import numpy as np
import pytest

from edgehar.data.synthetic.body import JOINTS, build_of, pose
from edgehar.data.synthetic.draw import FULL_SCALE, Camera, depth_video

CAMERA = Camera(noise=0.0)
HERE = np.array([[0.0, -0.95, 2.7]])
STANDING = pose(build_of(1.75), {}, HERE)


def drawn(**chosen):
    """The picture (H, W) in m and the joints by name of one pose."""
    body = pose(build_of(1.75), {name: np.array([rad]) for name, rad in chosen.items()}, HERE)
    video = depth_video(body.joints, 1.0, CAMERA, np.random.default_rng(0))
    return video[0, ..., 0] * (FULL_SCALE / 255), dict(zip(JOINTS, body.joints[0], strict=True))


def pixel(joint):
    """Row and column where a pinhole camera sees a joint (x to its left, y up, z away)."""
    x, y, z = joint
    return int(32 - CAMERA.focal * y / z), int(24 - CAMERA.focal * x / z)


def test_shape_and_type():
    video = depth_video(STANDING.joints.repeat(3, axis=0), 1.0, Camera(), np.random.default_rng(0))
    assert video.shape == (3, 64, 48, 1)
    assert video.dtype == np.uint8


def test_an_empty_room_has_a_wall_and_a_nearer_floor():
    above = STANDING.joints + np.array([0.0, 50.0, 0.0])
    room = depth_video(above, 1.0, CAMERA, np.random.default_rng(0))[0, ..., 0] * (FULL_SCALE / 255)
    np.testing.assert_allclose(room[:40], 4.0, atol=0.01)
    np.testing.assert_allclose(room[-1], CAMERA.focal * CAMERA.floor / 31.5, atol=0.01)
    assert (np.diff(room[:, 0]) <= 0).all()


def test_joints_are_covered_by_flesh_at_their_depth():
    picture, joints = drawn(right_spread=1.2, left_lift=0.8)
    for name in set(JOINTS) - {"left_foot", "right_foot"}:
        depth = picture[pixel(joints[name])]
        assert -0.4 < depth - joints[name][2] < 0.03, name


def test_a_hand_held_forward_is_seen_nearer_and_hides_the_chest():
    hanging, _ = drawn()
    forward, joints = drawn(right_lift=1.5, right_cross=0.35)
    row, column = pixel(joints["right_hand"])
    assert hanging[row, column] - forward[row, column] > 0.4
    assert forward[row, column] == pytest.approx(joints["right_hand"][2] - 0.05, abs=0.03)


def test_a_raised_right_hand_is_left_in_the_picture_of_one_who_faces_the_camera():
    hanging, raised = drawn()[0], drawn(right_spread=1.5)[0]
    rows, columns = np.nonzero(hanging - raised > 0.5)
    assert columns.max() < 24
    assert rows.max() < 32


def test_the_body_has_no_holes():
    picture, joints = drawn()
    top, bottom = pixel(joints["shoulder_center"])[0], pixel(joints["hip_center"])[0]
    left, right = pixel(joints["right_hip"])[1], pixel(joints["left_hip"])[1]
    assert (picture[top:bottom, left : right + 1] < 3.0).all()


def test_noise_is_of_the_size_it_says():
    above = STANDING.joints.repeat(30, axis=0) + np.array([0.0, 50.0, 0.0])
    noisy = depth_video(above, 1.0, Camera(noise=0.09), np.random.default_rng(0))
    assert (noisy[:, :30] * (FULL_SCALE / 255)).std() == pytest.approx(0.09 * 16 / 9, rel=0.05)


def test_a_limb_that_points_at_the_camera_is_drawn():
    picture, joints = drawn(right_lift=np.pi / 2)
    assert np.isfinite(picture).all()
    assert picture[pixel(joints["right_hand"])] == pytest.approx(joints["right_hand"][2] - 0.05, abs=0.03)
