import math
from collections import Counter

import numpy as np
import pytest
from scipy.io import savemat

from edgehar.data.clip import Clip
from edgehar.data.utd_mhad import GRAVITY, JOINTS, LABELS, read
from edgehar.errors import InputError


def clip_of(recordings, name) -> Clip:
    return next(clip for clip in recordings.clips if clip.id == name)


def test_clips_are_listed_in_order_with_what_their_names_say(utd_mhad):
    clips = read(utd_mhad).clips
    assert [(c.id, c.label, c.subject, c.trial) for c in clips[:3]] == [
        ("a1_s1_t1", 0, "1", "1"),
        ("a1_s1_t2", 0, "1", "2"),
        ("a1_s2_t1", 0, "2", "1"),
    ]
    assert len(clips) == 4 * 4 * 2
    assert all(set(clip.streams) == {"acc", "gyro", "skeleton", "depth"} for clip in clips)


def test_order_is_by_number_and_not_by_spelling(tmp_path, write_recordings):
    write_recordings(tmp_path, ["Inertial"], actions=(10, 2), subjects=(1,), trials=(1,))
    assert [clip.id for clip in read(tmp_path).clips] == ["a2_s1_t1", "a10_s1_t1"]


def test_units_and_axes_are_what_was_written(utd_mhad, published):
    clip, written = clip_of(read(utd_mhad), "a2_s3_t1"), published(2, 3, 1)
    acc, gyro, skeleton = (clip.streams[name]() for name in ("acc", "gyro", "skeleton"))
    np.testing.assert_allclose(acc.values, written["Inertial"][:, :3] * 9.80665, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gyro.values, written["Inertial"][:, 3:] * math.pi / 180, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(skeleton.values[4, 7], written["Skeleton"][7, :, 4], rtol=1e-5)
    assert (acc.unit, gyro.unit, skeleton.unit) == ("m/s^2", "rad/s", "m")
    assert (acc.rate_hz, gyro.rate_hz, skeleton.rate_hz) == (50.0, 50.0, 30.0)
    assert {stream.values.dtype for stream in (acc, gyro, skeleton)} == {np.dtype("float32")}


def test_depth_is_bytes_of_five_metres_over_255_in_the_persons_part_of_the_picture(utd_mhad, published):
    values = clip_of(read(utd_mhad), "a1_s2_t2").streams["depth"]().values
    millimetres = published(1, 2, 2)["Depth"][8:240, 80:224].transpose(2, 0, 1)[..., None]
    assert values.dtype == np.uint8
    assert values.shape == (*millimetres.shape[:3], 1)
    np.testing.assert_allclose(values * (5000 / 255), millimetres, rtol=0, atol=5000 / 255 / 2 + 0.01)


def test_what_is_farther_than_five_metres_does_not_wrap_around(tmp_path):
    path = tmp_path / "Depth" / "a1_s1_t1_depth.mat"
    path.parent.mkdir()
    savemat(path, {"d_depth": np.full((240, 320, 2), 9000, np.uint16)})
    assert (read(tmp_path).clips[0].streams["depth"]().values == 255).all()


def test_colour_video_beside_the_others_is_a_stream_of_its_own(utd_mhad_rgb):
    clip = clip_of(read(utd_mhad_rgb), "a3_s1_t2")
    rgb = clip.streams["rgb"]()
    assert set(clip.streams) == {"acc", "gyro", "skeleton", "depth", "rgb"}
    assert rgb.values.shape == (8 + (3 + 1 + 2) % 5, 48, 64, 3)
    assert rgb.rate_hz == 15.0


def test_splits_are_the_published_ones(utd_mhad):
    recordings = read(utd_mhad)
    by_subject = {c.subject: recordings.splits["cross-subject"](c) for c in recordings.clips}
    assert by_subject == {"1": True, "2": False, "3": True, "4": False}
    assert list(recordings.splits) == ["cross-subject", "cross-trial"]
    trial = recordings.splits["cross-trial"]
    by_trial = {t: trial(Clip("x", 0, "1", t, {})) for t in ("1", "2", "3", "4")}
    assert by_trial == {"1": True, "2": True, "3": False, "4": False}


def test_labels_and_joints_are_complete():
    assert len(set(LABELS)) == 27
    assert len(set(JOINTS)) == 20


def test_a_replaced_file_changes_the_version_and_a_second_look_does_not(utd_copy):
    before = read(utd_copy).version
    assert read(utd_copy).version == before
    path = utd_copy / "Inertial" / "a1_s1_t1_inertial.mat"
    path.unlink()
    savemat(path, {"d_iner": np.zeros((60, 6))})
    assert read(utd_copy).version != before


def says(error, *words):
    text = str(error.value)
    assert all(word in text for word in words), text
    assert "\n" not in text


def test_a_missing_folder_says_where_it_looked_and_what_to_do(tmp_path):
    with pytest.raises(InputError) as error:
        read(tmp_path / "nothing")
    says(error, "nothing", "--data-dir")


def test_an_empty_folder_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError) as error:
        read(tmp_path)
    says(error, str(tmp_path), "Inertial/a1_s1_t1_inertial.mat")


def test_files_in_the_wrong_subfolder_are_not_taken_for_clips(tmp_path):
    savemat(tmp_path / "a1_s1_t1_inertial.mat", {"d_iner": np.zeros((60, 6))})
    with pytest.raises(InputError, match="holds no UTD-MHAD clip"):
        read(tmp_path)


def test_an_action_that_the_data_set_has_not_is_refused(tmp_path, write_recordings):
    write_recordings(tmp_path, ["Inertial"], actions=(28,), subjects=(1,), trials=(1,))
    with pytest.raises(InputError, match="action 28"):
        read(tmp_path)


def test_a_link_to_nowhere_is_named(tmp_path):
    path = tmp_path / "Inertial" / "a1_s1_t1_inertial.mat"
    path.parent.mkdir()
    path.symlink_to(tmp_path / "gone.mat")
    with pytest.raises(InputError) as error:
        read(tmp_path)
    says(error, str(path))


@pytest.mark.parametrize(
    ("subfolder", "ending", "key", "values", "stream"),
    [
        ("Inertial", "inertial", "d_iner", np.zeros((60, 3)), "acc"),
        ("Inertial", "inertial", "d_iner", np.zeros((60, 3)), "gyro"),
        ("Inertial", "inertial", "d_iner", np.zeros((1, 6)), "acc"),
        ("Skeleton", "skeleton", "d_skel", np.zeros((25, 3, 9)), "skeleton"),
        ("Depth", "depth", "d_depth", np.zeros((120, 160, 9), np.uint16), "depth"),
        ("Depth", "depth", "d_depth", np.zeros((240, 320), np.uint16), "depth"),
    ],
)
def test_a_wrong_shape_is_said_with_the_expected_one(tmp_path, subfolder, ending, key, values, stream):
    path = tmp_path / subfolder / f"a1_s1_t1_{ending}.mat"
    path.parent.mkdir()
    savemat(path, {key: values})
    with pytest.raises(InputError) as error:
        read(tmp_path).clips[0].streams[stream]()
    says(error, str(path), key, str(values.shape), "expected")


# The recordings themselves, where they are.


def test_real_recordings_are_whole(data_set):
    recordings = read(data_set("UTD-MHAD"))
    assert len(recordings.clips) == 861
    assert Counter(map(recordings.splits["cross-subject"], recordings.clips)) == {True: 431, False: 430}
    assert Counter(map(recordings.splits["cross-trial"], recordings.clips)) == {True: 432, False: 429}
    assert {clip.label for clip in recordings.clips} == set(range(27))
    assert {clip.subject for clip in recordings.clips} == set("12345678")


def test_a_real_watch_at_rest_feels_gravity(data_set):
    """Where the recording is stillest, acceleration has the length of gravity."""
    recordings = read(data_set("UTD-MHAD"))
    still = []
    for clip in recordings.clips[::20]:
        acc = clip.streams["acc"]().values
        starts = range(0, len(acc) - 10, 5)
        calmest = min(starts, key=lambda at: acc[at : at + 10].std(axis=0).sum())
        still.append(np.linalg.norm(acc[calmest : calmest + 10].mean(axis=0)))
    assert np.median(still) == pytest.approx(GRAVITY, rel=0.03)


def test_a_real_clip_has_the_published_shapes(data_set):
    clip = clip_of(read(data_set("UTD-MHAD")), "a6_s4_t2")
    acc, gyro, skeleton, depth = (clip.streams[m]().values for m in ("acc", "gyro", "skeleton", "depth"))
    assert acc.shape == gyro.shape == (len(acc), 3)
    assert skeleton.shape == (len(skeleton), 20, 3)
    assert depth.shape[1:] == (232, 144, 1)
    assert abs(len(depth) - len(skeleton)) <= 1
    head, foot = skeleton[:, JOINTS.index("head")].mean(0), skeleton[:, JOINTS.index("left_foot")].mean(0)
    assert 1.0 < np.linalg.norm(head - foot) < 2.0  # metres
    seen = depth[depth > 0] * (5 / 255)
    assert 1.5 < np.median(seen) < 4.0  # the person stood about 3 m from the camera
