from dataclasses import replace

import numpy as np
import pytest

from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.data.prepare import Shape, common_rate, prepare
from edgehar.data.utd_mhad import read
from edgehar.errors import InputError
from edgehar.signals.resample import resample

pytestmark = pytest.mark.usefixtures("own_cache")


class Reads:
    """Clips held in memory that count how often a stream was read."""

    def __init__(self, modality, values, rates_hz=None, version="1"):
        self.count = 0
        rates_hz = rates_hz or [50.0] * len(values)
        clips = []
        for number, (array, rate_hz) in enumerate(zip(values, rates_hz, strict=True)):
            streams = {modality: self._reader(array, rate_hz)} if array is not None else {}
            clips.append(Clip(f"c{number}", 0, "1", "1", streams))
        self.recordings = Recordings("memory", ("one",), tuple(clips), {"all": lambda clip: True}, version)

    def _reader(self, array, rate_hz):
        def read_stream():
            self.count += 1
            return Stream(array, rate_hz, "")

        return read_stream


def motion(*lengths):
    """Clips (T, 3) whose values say which clip they are of: c + t / T."""
    return [
        (clip + np.linspace(0, 0.5, count))[:, None].repeat(3, 1).astype(np.float32)
        for clip, count in enumerate(lengths)
    ]


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_clips_of_different_length_become_one_array_in_their_order():
    prepared = prepare(Reads("acc", motion(40, 128, 300)).recordings, "acc", Shape(window=64))
    assert prepared.shape == (3, 64, 3)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(np.floor(prepared[:, :, 0]), np.arange(3)[:, None].repeat(64, 1))


def test_motion_is_what_resample_makes_of_it(utd_mhad):
    recordings = read(utd_mhad)
    prepared = prepare(recordings, "gyro", Shape())
    for row in (0, 17, 31):
        expected = resample(recordings.clips[row].streams["gyro"]().values, 128)
        np.testing.assert_array_equal(prepared[row], expected)


def test_a_tiny_utd_mhad_has_the_documented_shapes(utd_mhad_rgb):
    recordings, shape = read(utd_mhad_rgb), Shape(window=32, frames=4, height=16)
    shapes = {m: prepare(recordings, m, shape) for m in ("acc", "gyro", "skeleton", "depth", "rgb")}
    assert {m: (a.shape, str(a.dtype)) for m, a in shapes.items()} == {
        "acc": ((32, 32, 3), "float32"),
        "gyro": ((32, 32, 3), "float32"),
        "skeleton": ((32, 32, 20, 3), "float32"),
        "depth": ((32, 4, 16, 8, 1), "uint8"),  # 232 x 144 pixels
        "rgb": ((32, 4, 16, 20, 3), "uint8"),  # 48 x 64
    }


def test_a_second_call_reads_no_stream():
    reads = Reads("acc", motion(40, 50))
    first = prepare(reads.recordings, "acc", Shape())
    assert reads.count == 2
    second = prepare(reads.recordings, "acc", Shape())
    assert reads.count == 2
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole[:20],
        lambda whole: b"PK\x03\x04" + whole[4:],
        lambda whole: b"not numpy's" * 50,
        lambda whole: whole[:6] + b"\x07\x07" + whole[8:],
    ],
    ids=["empty", "half", "last byte", "in the header", "as a zip", "text", "version"],
)
def test_a_damaged_cache_file_is_made_again(own_cache, damage):
    reads = Reads("acc", motion(40, 50))
    first = prepare(reads.recordings, "acc", Shape()).copy()
    (path,) = files(own_cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(prepare(reads.recordings, "acc", Shape()), first)
    assert reads.count == 4
    assert path.read_bytes() == whole


def test_writing_into_what_was_read_back_leaves_the_cache_as_it_was():
    reads = Reads("acc", motion(40, 50))
    first = prepare(reads.recordings, "acc", Shape()).copy()
    prepare(reads.recordings, "acc", Shape())[:] = 7
    np.testing.assert_array_equal(prepare(reads.recordings, "acc", Shape()), first)


def test_everything_that_makes_a_file_makes_its_name(own_cache):
    base = Reads("acc", motion(40, 50)).recordings
    prepare(base, "acc", Shape())
    others = [
        (replace(base, version="2"), "acc", Shape()),
        (replace(base, name="other"), "acc", Shape()),
        (replace(base, clips=base.clips[:1]), "acc", Shape()),
        (replace(base, clips=base.clips[::-1]), "acc", Shape()),
        (base, "acc", Shape(window=64)),
        (Reads("gyro", motion(40, 50)).recordings, "gyro", Shape()),
    ]
    for number, other in enumerate(others, 2):
        prepare(*other)
        assert len(files(own_cache)) == number


def test_the_shape_of_video_does_not_matter_to_motion(own_cache):
    recordings = Reads("acc", motion(40, 50)).recordings
    for height in (16, 32):
        prepare(recordings, "acc", Shape(height=height))
    assert len(files(own_cache)) == 1


def test_a_replaced_recording_is_read_again(utd_copy, published, own_cache):
    from scipy.io import savemat

    before = prepare(read(utd_copy), "acc", Shape()).copy()
    path = utd_copy / "Inertial" / "a1_s1_t1_inertial.mat"
    path.unlink()
    savemat(path, {"d_iner": 2 * published(1, 1, 1)["Inertial"]})
    after = prepare(read(utd_copy), "acc", Shape())
    np.testing.assert_allclose(after[0], 2 * before[0], rtol=1e-5)
    np.testing.assert_array_equal(after[1:], before[1:])


def test_unseen_depth_takes_no_part_in_an_average():
    """2 x 2 cells worked by hand: the mean of what was seen, 0 where less than half was seen."""
    picture = np.array(
        [
            [100, 100, 100, 0, 80, 0, 80, 0],
            [100, 100, 80, 0, 0, 0, 0, 0],
        ],
        np.uint8,
    )
    video = picture[None, :, :, None].repeat(3, 0)
    recordings = Reads("depth", [video]).recordings
    prepared = prepare(recordings, "depth", Shape(frames=2, height=1))
    assert prepared.shape == (1, 2, 1, 4, 1)
    np.testing.assert_array_equal(prepared[0, :, 0, :, 0], [[100, 90, 0, 0]] * 2)


def test_colour_is_a_plain_average():
    picture = np.array([[100, 0], [50, 50]], np.uint8)[:, :, None].repeat(4, 2).reshape(2, 8, 1)
    video = picture.repeat(3, 2)[None].repeat(2, 0)
    prepared = prepare(Reads("rgb", [video]).recordings, "rgb", Shape(frames=2, height=1))
    np.testing.assert_array_equal(prepared[0, 0, 0, :, 0], [75, 75, 25, 25])


@pytest.mark.parametrize(("length", "frames"), [(1, 4), (3, 8), (9, 5), (5, 5)])
def test_video_keeps_its_first_and_last_frame_and_its_order(length, frames):
    video = np.arange(10, 10 + length, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    prepared = prepare(Reads("depth", [video]).recordings, "depth", Shape(frames=frames, height=4))
    shown = prepared[0, :, 0, 0, 0]
    assert len(shown) == frames
    assert (shown[0], shown[-1]) == (10, 9 + length)
    assert (np.diff(shown.astype(int)) >= 0).all()


def test_a_clip_without_the_stream_is_counted_and_named(own_cache):
    reads = Reads("acc", [*motion(40), None, None])
    with pytest.raises(InputError, match="2 of 3 clips have no acc"):
        prepare(reads.recordings, "acc", Shape())
    assert reads.count == 0
    assert files(own_cache) == []


def test_a_nan_is_said_with_its_clip_and_nothing_is_kept(own_cache):
    values = motion(40, 50)
    values[1][3, 2] = np.nan
    with pytest.raises(InputError, match="Clip c1: acc holds NaN"):
        prepare(Reads("acc", values).recordings, "acc", Shape())
    assert files(own_cache) == []


def test_progress_sees_every_clip():
    seen = []

    def progress(items, title, total):
        seen.append((title, total))
        return items

    prepare(Reads("acc", motion(40, 50)).recordings, "acc", Shape(), progress)
    assert seen == [("Preparing acc", 2)]


def test_one_rate_where_every_clip_has_the_windows_samples():
    assert common_rate(Reads("acc", motion(128, 128)).recordings, "acc", Shape()) == 50.0
    assert common_rate(Reads("acc", motion(128, 127)).recordings, "acc", Shape()) is None
    mixed = Reads("acc", motion(128, 128), rates_hz=[50.0, 100.0]).recordings
    assert common_rate(mixed, "acc", Shape()) is None


def test_no_common_rate_where_a_clip_lacks_the_stream():
    assert common_rate(Reads("acc", [*motion(128), None]).recordings, "acc", Shape()) is None


# Skeletons


def skeletons(*shapes, rate_hz=30.0):
    """Clips (T, V, 3) of a body that stands 3 m away and moves evenly."""
    return [
        (
            np.linspace(0, 0.5, shape[0])[:, None, None]
            + np.linspace(1, 2, shape[1] * 3).reshape(1, -1, 3)
            + 1
        ).astype(np.float32)
        for shape in shapes
    ]


def test_short_gaps_of_skeletons_are_filled_in_and_counted():
    whole, broken = skeletons((40, 20), (60, 20)), skeletons((40, 20), (60, 20))
    broken[1][10:13, 4] = np.nan
    broken[1][30, 7] = 0
    with pytest.warns(UserWarning, match="4 positions of joints were missing in the skeletons of 1 clips"):
        mended = prepare(Reads("skeleton", broken).recordings, "skeleton", Shape())
    assert mended.shape == (2, 128, 20, 3)
    expected = prepare(Reads("skeleton", whole, version="2").recordings, "skeleton", Shape())
    np.testing.assert_allclose(mended, expected, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_whole_skeletons_are_prepared_without_a_word():
    reads = Reads("skeleton", skeletons((40, 20), (60, 20)))
    prepared = prepare(reads.recordings, "skeleton", Shape(window=32))
    np.testing.assert_array_equal(prepared[1], resample(skeletons((60, 20))[0], 32))


def test_a_skeleton_that_cannot_be_mended_is_named_and_nothing_is_kept(own_cache):
    broken = skeletons((40, 20), (60, 20))
    broken[1][5:50, 4] = np.nan
    with pytest.raises(InputError, match="Clip c1: joint 5 of the skeleton is missing from frame 6 to 50"):
        prepare(Reads("skeleton", broken, rates_hz=[30.0, 30.0]).recordings, "skeleton", Shape())
    assert files(own_cache) == []


def test_two_people_and_one_frame_are_refused():
    for shape, sentence in (((40, 2, 20, 3), "shows 2 people"), ((1, 20, 3), "1 frame")):
        with pytest.raises(InputError, match=sentence):
            prepare(Reads("skeleton", [np.ones(shape, np.float32)]).recordings, "skeleton", Shape())


def test_skeletons_of_different_joints_are_refused():
    reads = Reads("skeleton", skeletons((40, 20), (40, 20), (40, 25)))
    with pytest.raises(InputError, match="skeleton of clip c0 has 20 joints and that of c2 25"):
        prepare(reads.recordings, "skeleton", Shape())
