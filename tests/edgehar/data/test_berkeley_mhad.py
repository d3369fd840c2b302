import zipfile
from collections import Counter

import numpy as np
import pytest

from edgehar.data.berkeley_mhad import PLACES, RATE_HZ, read
from edgehar.data.source import divide
from edgehar.errors import InputError

START = 1309539264.0


def rows(count=100, start=START, period_s=0.032, wave_hz=1.0):
    """Text as published: x y z in g and seconds since 1970, with jitter; x is a sine, y gravity."""
    jitter = np.random.default_rng(0).uniform(-0.003, 0.003, count)
    seconds = start + np.arange(count) * period_s + jitter
    x = np.sin(2 * np.pi * wave_hz * (seconds - START))
    return "".join(f"{a:.6f} -1.000000 0.125000 {t:.6f}\n" for a, t in zip(x, seconds, strict=True))


def name(sensor, subject=1, action=1, repetition=1):
    return (
        f"Accelerometer/Shimmer{sensor:02}/acc_h{sensor:02}_s{subject:02}_a{action:02}_r{repetition:02}.txt"
    )


def write_zip(folder, content):
    with zipfile.ZipFile(folder / "Accelerometer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return folder


def test_a_clip_is_six_sensors_in_their_places_over_the_time_they_share(tmp_path):
    content = {name(sensor): rows(100 + sensor, START + 0.02 * sensor) for sensor in range(1, 7)}
    (clip,) = read(write_zip(tmp_path, content)).clips
    assert (clip.id, clip.label, clip.subject, clip.trial) == ("s01_a01_r01", 0, "1", "1")
    assert list(clip.streams) == [f"acc.{place}" for place in PLACES]
    streams = [reader() for reader in clip.streams.values()]
    assert {(s.values.shape, s.rate_hz, s.unit, str(s.values.dtype)) for s in streams} == {
        (streams[0].values.shape, RATE_HZ, "m/s^2", "float32")
    }
    shared_s = 100 * 0.032 - 0.1  # from the last sensor's begin to the first one's end, less the jitter
    assert len(streams[0].values) == pytest.approx(shared_s * RATE_HZ, abs=2)
    np.testing.assert_allclose(streams[0].values[:, 1], -9.80665, rtol=1e-5)
    ours, theirs = streams[0].values[:, 0], streams[5].values[:, 0]  # of one wave, so aligned by their stamps
    np.testing.assert_allclose(ours, theirs, atol=0.35)


def test_unpacked_it_is_the_same(tmp_path):
    packed, loose = tmp_path / "packed", tmp_path / "loose"
    packed.mkdir()
    content = {name(sensor): rows() for sensor in (1, 2)}
    write_zip(packed, content)
    for path, text in content.items():
        (loose / path).parent.mkdir(parents=True)
        (loose / path).write_text(text)
    ours, theirs = (read(folder).clips[0].streams["acc.left_wrist"]() for folder in (packed, loose))
    np.testing.assert_array_equal(ours.values, theirs.values)


def test_the_first_seven_people_train(tmp_path):
    content = {name(1, subject): rows() for subject in range(1, 13)}
    recordings = read(write_zip(tmp_path, content))
    train, test = divide(recordings, "cross-subject")
    subjects = np.array([clip.subject for clip in recordings.clips])
    assert set(subjects[train]) == {"1", "2", "3", "4", "5", "6", "7"}
    assert set(subjects[test]) == {"8", "9", "10", "11", "12"}


def test_a_replaced_file_changes_the_version(tmp_path):
    before = read(write_zip(tmp_path, {name(1): rows()})).version
    assert read(write_zip(tmp_path, {name(1): rows(), name(2): rows()})).version != before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds 0 numbers, expected rows of x y z time"),
        ("1 2 3 4\n5 6 7\n", "holds 7 numbers"),
        ("1 2 3 nonsense\n" * 2, "no number"),
        ("nan 1 2 3\n1 2 3 4\n", "NaN or infinite"),
        (rows(count=20), r"share 0\.\d\d s"),
    ],
)
def test_a_damaged_recording_is_one_sentence_that_names_it(tmp_path, text, sentence):
    clip = read(write_zip(tmp_path, {name(1): text})).clips[0]
    with pytest.raises(InputError, match=sentence) as caught:
        clip.streams["acc.left_wrist"]()
    assert "acc_h01_s01_a01_r01.txt" in str(caught.value)


def test_what_is_no_berkeley_mhad_is_said(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no Accelerometer\.zip"):
        read(tmp_path)
    (tmp_path / "Accelerometer.zip").write_text("not a zip")
    with pytest.raises(InputError, match="cannot be read as a zip file"):
        read(tmp_path)


def test_an_unknown_sensor_is_said(tmp_path):
    with pytest.raises(InputError, match="of no sensor or action"):
        read(write_zip(tmp_path, {name(7): rows()}))


def test_the_published_files(data_set):
    recordings = read(data_set("Berkeley-MHAD"))
    assert len(recordings.clips) == 658
    assert {len(clip.streams) for clip in recordings.clips} == {6}
    assert Counter(divide(recordings, "cross-subject")[0].tolist()) == {True: 383, False: 275}
    clip = recordings.clips[3]
    lengths = {len(reader().values) for reader in clip.streams.values()}
    assert len(lengths) == 1
    lying_still = np.median(np.linalg.norm(clip.streams["acc.left_ankle"]().values, axis=1))
    assert 7 < lying_still < 12
