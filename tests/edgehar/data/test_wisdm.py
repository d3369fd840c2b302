import numpy as np
import pytest

from edgehar.data.source import divide
from edgehar.data.wisdm import read
from edgehar.errors import InputError


def rows(user, activity, seconds=25.0, begin_ns=49105962326000, hz=20, space=False):
    """Rows as published, x counting seconds."""
    lines = [
        f"{user},{activity},{begin_ns + round(row * 1e9 / hz)},{row / hz:.3f},-9.5,{' ' * space}0.50;"
        for row in range(round(seconds * hz))
    ]
    return lines


def old(folder, lines):
    (folder / "WISDM_ar_v1.1_raw.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_ten_seconds_are_a_clip_and_the_rest_is_none(tmp_path):
    lines = rows(33, "Jogging") + rows(33, "Walking", 12) + rows(7, "Jogging", 9) + rows(7, "Walking", 31)
    recordings = read(old(tmp_path, lines))
    assert [clip.id for clip in recordings.clips] == [
        "Walking_s7_1", "Walking_s7_2", "Walking_s7_3", "Jogging_s33_1", "Jogging_s33_2", "Walking_s33_1",
    ]  # fmt: skip
    acc = recordings.clips[4].streams["acc"]()
    assert (acc.values.shape, acc.rate_hz, acc.unit) == ((200, 3), 20.0, "m/s^2")
    np.testing.assert_allclose(acc.values[:, 0], 10 + np.arange(200) / 20, atol=2e-3)
    assert recordings.labels[recordings.clips[4].label] == "Jogging"


def test_a_pause_and_a_step_back_begin_anew(tmp_path):
    lines = rows(1, "Walking", 12) + rows(1, "Walking", 12, begin_ns=49105962326000 + 20 * 10**9)
    lines += rows(1, "Walking", 12, begin_ns=10**12)
    clips = read(old(tmp_path, lines)).clips
    assert [clip.streams["acc"]().values[0, 0] for clip in clips] == [0, 0, 0]


def test_the_flaws_of_the_published_file_are_counted(tmp_path):
    lines = rows(1, "Walking", 12, space=True)
    lines[3] = lines[3] + lines.pop(4)  # two rows in one line
    lines += ["1,Walking,49117962326000,,;", "1,Walking,0,0.1,0.2,0.3;", ""]
    with pytest.warns(UserWarning, match="of 242 rows 1 have no values and 1 no time"):
        (clip,) = read(old(tmp_path, lines)).clips
    assert clip.streams["acc"]().values.shape == (200, 3)


def test_phone_and_watch_of_2019_are_paired(tmp_path):
    for device, begin in (("phone", 252207666810782), ("watch", 90426708196641)):
        path = tmp_path / "wisdm-dataset" / "raw" / device / "accel" / f"data_1600_accel_{device}.txt"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(rows(1600, "A", 21, begin) + rows(1600, "S", 11, begin + 10**12)) + "\n")
        gyro = tmp_path / "wisdm-dataset" / "raw" / device / "gyro" / f"data_1600_gyro_{device}.txt"
        gyro.parent.mkdir(parents=True)
        gyro.write_text("1600,A,1,2,3,4;\n")
    recordings = read(tmp_path)
    assert [(clip.id, list(clip.streams)) for clip in recordings.clips] == [
        (name, ["acc.phone", "acc.watch"])
        for name in ("folding-clothes_s1600_1", "walking_s1600_1", "walking_s1600_2")
    ]
    assert len(recordings.labels) == 18 and recordings.labels[17] == "folding clothes"


def test_it_is_divided_by_subjects(tmp_path):
    recordings = read(old(tmp_path, rows(1, "Walking") + rows(2, "Walking")))
    train, test = divide(recordings, "cross-subject")
    assert train.sum() == test.sum() == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [(["nothing"], "holds no row such as"), (rows(1, "Flying"), "names the activity 'Flying'")],
)
def test_what_is_no_wisdm_file_is_said(tmp_path, lines, sentence):
    with pytest.raises(InputError, match=sentence):
        read(old(tmp_path, lines))


def test_what_is_no_wisdm_folder_is_said(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds neither"):
        read(tmp_path)
    (tmp_path / "data_1600_accel_watch.txt").write_text("")
    with pytest.raises(InputError, match="files of both 2010 and 2019"):
        read(old(tmp_path, []))
