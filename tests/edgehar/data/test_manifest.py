"""Manifests: what they say becomes clips, and the same recordings give the same prepared arrays."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edgehar.data import manifest, utd_mhad
from edgehar.data.manifest import REQUIRED
from edgehar.data.prepare import Shape, prepare
from edgehar.data.source import open_recordings


def write(folder: Path, rows, name="clips.csv", header=REQUIRED) -> Path:
    path = folder / name
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rows_of_utd(clips, folder: Path, kind: str):
    """Files of UTD-MHAD's clips as a phone app would have written them, and their rows."""
    for clip in clips:
        for name in ("acc", "gyro", "skeleton"):
            stream = clip.streams[name]()
            values = stream.values.reshape(len(stream.values), -1)
            unit, scale = {
                "acc": ("g", 1 / 9.80665),
                "gyro": ("deg/s", 180 / np.pi),
                "skeleton": ("mm", 1000),
            }[name]
            path = folder / f"{clip.id} {name}.{kind}"
            if kind == "npy":
                np.save(path, stream.values.astype(np.float64) * scale)
            else:
                np.savetxt(path, values.astype(np.float64) * scale, "%.12g", ",")
            yield (
                clip.id,
                f"action {clip.label}",
                clip.subject,
                clip.trial,
                name,
                path.name,
                stream.rate_hz,
                unit,
            )


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_a_manifest_of_utd_mhad_prepares_the_readers_clips(tmp_path, data_set, kind):
    read = utd_mhad.read(data_set("UTD-MHAD"))
    some = [clip for clip in read.clips if clip.id in ("a1_s1_t1", "a7_s2_t3", "a22_s3_t2", "a27_s8_t4")]
    path = write(tmp_path, list(rows_of_utd(some, tmp_path, kind)))
    ours = open_recordings(str(path))
    few = type(read)("few", read.labels, tuple(some), read.splits, "1")
    assert [clip.id for clip in ours.clips] == [clip.id for clip in some]
    for name in ("acc", "gyro", "skeleton"):
        expected = prepare(few, name, Shape())
        np.testing.assert_allclose(prepare(ours, name, Shape()), expected, rtol=2e-6, atol=2e-6)


def test_labels_subjects_and_splits_are_those_of_the_rows(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((50, 3)))
    said = [("c1", "walk", "s10"), ("c2", "run", "s2"), ("c3", "walk", "s2"), ("c4", "run", "s1")]
    rows = [(clip, label, who, "1", "acc", "a.npy", 50, "m/s^2") for clip, label, who in said]
    read = manifest.read(write(tmp_path, rows))
    assert read.labels == ("run", "walk")
    assert [clip.label for clip in read.clips] == [1, 0, 1, 0]
    assert {c.subject for c in read.clips if read.splits["cross-subject"](c)} == {"s1", "s10"}
    assert list(read.splits) == ["cross-subject"]


def test_the_version_follows_rows_and_files(tmp_path):
    def version(unit="g"):
        return manifest.read(write(tmp_path, [("c", "l", "s", "1", "acc", "a.npy", 50, unit)])).version

    np.save(tmp_path / "a.npy", np.ones((50, 3)))
    first = version()
    assert version() == first
    assert version("mg") != first
    np.save(tmp_path / "a.npy", np.ones((51, 3)))
    assert version() != first


def test_optional_columns_are_heard(tmp_path):
    values = np.c_[np.full((50, 3), 0.5), np.zeros(50), np.arange(50) * 20]  # x y z - t, in ms
    np.savetxt(tmp_path / "a.txt", values)
    header = (*REQUIRED, "columns", "time_unit", "session", "scene")
    row = ("c", "walk", "anna", "1", "acc", "a.txt", "", "g", "x y z - t", "ms", "morning", "hall")
    clip = manifest.read(write(tmp_path, [row], header=header)).clips[0]
    stream = clip.streams["acc"]()
    assert (clip.session, clip.scene) == ("morning", "hall")
    assert (stream.rate_hz, stream.unit, stream.values.shape) == (50.0, "m/s^2", (50, 3))
    np.testing.assert_allclose(stream.values, 0.5 * 9.80665, rtol=1e-6)


def test_streams_of_a_clip_are_cut_to_the_time_they_share(tmp_path):
    def save(name, start, end, rate):
        t = np.arange(start, end, 1 / rate)
        np.savetxt(
            tmp_path / name, np.c_[t, np.repeat(t[:, None], 3, 1)], "%.6f", ",", header="t,x,y,z", comments=""
        )

    save("watch.csv", 1000.0, 1010.0, 50)
    save("phone.csv", 1002.5, 1012.0, 100)
    rows = [
        ("c", "walk", "anna", "1", "acc.wrist", "watch.csv", "", "m/s^2"),
        ("c", "walk", "anna", "1", "acc.hip", "phone.csv", 25, "m/s^2"),
    ]
    clip = manifest.read(write(tmp_path, rows)).clips[0]
    wrist, hip = clip.streams["acc.wrist"](), clip.streams["acc.hip"]()
    assert (wrist.rate_hz, hip.rate_hz) == (50.0, 25.0)
    np.testing.assert_allclose(wrist.values[0], 1002.5, atol=1e-3)  # the value is the time
    np.testing.assert_allclose(hip.values[0], 1002.5, atol=1e-3)
    assert len(wrist.values) / 50 == pytest.approx(7.5, abs=0.03)
    np.testing.assert_allclose(hip.values[:170, 0], wrist.values[:340:2, 0], atol=2e-3)


def test_a_start_aligns_a_file_without_times(tmp_path):
    t = np.arange(500) / 50
    np.savetxt(tmp_path / "watch.csv", np.c_[1e9 + t, np.repeat(t[:, None], 3, 1)], "%.6f", ",")
    joints = np.tile((np.arange(100) / 25)[:, None, None], (1, 20, 3)) + 1
    np.save(tmp_path / "kinect.npy", joints)
    header = (*REQUIRED, "start")
    rows = [
        ("c", "walk", "anna", "1", "acc", "watch.csv", "", "m/s^2", ""),
        ("c", "walk", "anna", "1", "skeleton", "kinect.npy", 25, "m", 1e9 + 2),
    ]
    clip = manifest.read(write(tmp_path, rows, header=header)).clips[0]
    acc, skeleton = clip.streams["acc"](), clip.streams["skeleton"]()
    np.testing.assert_allclose(acc.values[0], 2.0, atol=1e-4)
    np.testing.assert_allclose(skeleton.values[0], 1.0, atol=1e-4)
    assert len(acc.values) == pytest.approx(99 / 25 * 50, abs=2)


def test_readers_travel_to_other_processes(tmp_path):
    import pickle

    np.save(tmp_path / "a.npy", np.ones((50, 3)))
    clip = manifest.read(write(tmp_path, [("c", "l", "s", "1", "acc", "a.npy", 50, "g")])).clips[0]
    assert pickle.loads(pickle.dumps(clip)).streams["acc"]().values.shape == (50, 3)
