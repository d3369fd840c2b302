import shutil

import numpy as np
import pytest

from edgehar.data.choose import check_streams, choose_streams
from edgehar.data.mmact import read, read_sensor
from edgehar.data.source import divide
from edgehar.errors import InputError


def sensor_file(path, count=150, hz=100, begin=28.612):
    """As published: 20181016_13:37:28.612000,x,y,z; the first value counts, the second is gravity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stamps = [begin + row / hz for row in range(count)]
    lines = [f"20181016_13:37:{t:09.6f},{row / hz:.6f},-9.81,0.5" for row, t in enumerate(stamps)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def folder(tmp_path, write_colour):
    for subject, scene, session in ((1, 1, 1), (1, 2, 1), (17, 1, 2)):
        place = f"subject{subject}/scene{scene}/session{session}"
        sensor_file(tmp_path / "trimmed_acc/acc_phone_clip" / place / "carrying.csv")
        sensor_file(tmp_path / "trimmed_acc/gyro_clip" / place / "carrying.csv", hz=50)
        sensor_file(tmp_path / "trimmed_acc/orientation_clip" / place / "carrying.csv", hz=50)
        for cam in (1, 2):
            pictures = np.full((6, 16, 16, 3), 40 * cam, np.uint8)
            where = tmp_path / f"trimmed/subject{subject}/cam{cam}/scene{scene}/session{session}/carrying.mp4"
            write_colour(where, pictures, codec="mpeg4")
    sensor_file(tmp_path / "trimmed_acc/acc_watch_clip/subject1/scene1/session1/carrying.csv")
    sensor_file(tmp_path / "trimmed_acc/acc_watch_clip/subject1/scene1/session1/talking_on_phone.csv")
    return tmp_path


def test_what_was_recorded_of_an_action_is_one_clip(folder):
    recordings = read(folder)
    assert recordings.labels == ("carrying", "talking on phone")
    assert [clip.id for clip in recordings.clips] == [
        "carrying_s1_c1_n1", "carrying_s1_c2_n1", "carrying_s17_c1_n2", "talking-on-phone_s1_c1_n1",
    ]  # fmt: skip
    first = recordings.clips[0]
    assert set(first.streams) == {
        "acc.phone",
        "acc.watch",
        "gyro.phone",
        "orientation.phone",
        "rgb",
        "rgb.cam2",
    }
    assert (first.subject, first.session, first.scene) == ("1", "1", "1")
    told = {name: (reader().rate_hz, reader().unit) for name, reader in first.streams.items()}
    assert told["acc.watch"] == (100.0, "m/s^2") and told["gyro.phone"] == (50.0, "rad/s")
    assert [round(first.streams[name]().values.mean() / 40) for name in ("rgb", "rgb.cam2")] == [1, 2]


def test_stamps_become_even_samples(folder):
    acc = read(folder).clips[0].streams["acc.phone"]()
    assert acc.values.shape == (150, 3)
    np.testing.assert_allclose(acc.values[:, 0], np.arange(150) / 100, atol=1e-5)


def test_its_published_splits(folder):
    recordings = read(folder)
    train, _ = divide(recordings, "cross-subject")
    assert [clip.subject for clip, yes in zip(recordings.clips, train, strict=True) if yes] == ["1", "1", "1"]
    train, _ = divide(recordings, "cross-scene")
    assert [clip.scene for clip, yes in zip(recordings.clips, train, strict=True) if not yes] == ["2"]


def test_phone_and_watch_are_to_choose_of_and_who_wore_no_watch_is_left_out(folder):
    recordings = read(folder)
    with pytest.raises(InputError, match=r"name it with --student-stream, one of acc\.phone, acc\.watch"):
        check_streams(choose_streams(recordings), ("acc",), "the student acc-watch")
    with pytest.warns(UserWarning, match=r"2 of 4 clips have no acc\.watch and are left out"):
        chosen = choose_streams(recordings, "acc.watch")
    assert [clip.id for clip in chosen.clips] == ["carrying_s1_c1_n1", "talking-on-phone_s1_c1_n1"]
    assert chosen.version != recordings.version


def test_empty_files_are_left_out_and_counted_and_capitals_are_the_same_action(folder):
    (folder / "trimmed_acc/acc_watch_clip/subject1/scene1/session1/carrying.csv").write_text("")
    sensor_file(folder / "trimmed_acc/acc_watch_clip/subject17/scene1/session2/Carrying.csv")
    with pytest.warns(UserWarning, match=r"1 empty files are left out, such as .*carrying\.csv"):
        recordings = read(folder)
    assert recordings.labels == ("carrying", "talking on phone")
    first, last = (recordings.clips[at] for at in (0, 2))
    assert "acc.watch" not in first.streams and "acc.phone" in first.streams
    assert last.subject == "17" and {"acc.watch", "acc.phone"} <= set(last.streams)


def test_the_real_file(data_set, tmp_path):
    path = data_set("mmact_sample") / "carrying.csv"
    acc = read_sensor(path)
    assert acc.values.shape == (893, 3)  # 889 rows over 8.925 s at 100 Hz
    np.testing.assert_allclose(acc.values[0], [-0.8051605, -9.051605, -1.0894012], rtol=1e-4)
    place = tmp_path / "acc_watch_clip" / "subject3" / "scene1" / "session2" / "carrying.csv"
    place.parent.mkdir(parents=True)
    shutil.copy(path, place)
    assert list(read(tmp_path).clips[0].streams) == ["acc.watch"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds 0 samples"),
        ("20181016_13:37:28.612000,1,2,3\n", "holds 1 samples"),
        ("20181016_13:37:28.612000,1,2\n" * 2, "line 1 has 3 columns"),
        ("20181016_13:37:28.612000,1,2,3\n20181016_13:37:28.622000,1,2,no\n", "no number"),
        ("yesterday,1,2,3\ntoday,1,2,3\n", "is no time"),
    ],
)
def test_a_damaged_file_is_one_sentence_that_names_it(tmp_path, text, sentence):
    path = tmp_path / "carrying.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as caught:
        read_sensor(path)
    assert str(path) in str(caught.value)


def test_what_is_no_mmact_is_said(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no MMAct clip"):
        read(tmp_path)
