"""Stream files of every kind, against what was written into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgehar.data.streams import TALLEST, Source, read_raw
from edgehar.errors import InputError


def source(path: Path, stream="acc", **said) -> Source:
    return Source(**{"where": "line 2", "path": path, "stream": stream, "unit": "m/s^2"} | said)


def film(path: Path, frames: int, size=(64, 48), rate=25) -> None:
    """A video whose frames get brighter; of no frames only a header."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=rate)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 10 + 5 * number, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode())


def test_a_video_is_read_with_its_rate(tmp_path):
    film(tmp_path / "a.mp4", 30)
    raw = read_raw(source(tmp_path / "a.mp4", "rgb", unit=""))
    assert raw.values.shape == (30, 48, 64, 3) and raw.values.dtype == np.uint8
    assert raw.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(raw.values.mean(axis=(1, 2, 3)), 10 + 5 * np.arange(30), atol=6)


def test_a_tall_video_is_made_smaller_while_it_is_read(tmp_path):
    film(tmp_path / "a.mp4", 3, (640, 480))
    assert read_raw(source(tmp_path / "a.mp4", "rgb", unit="")).values.shape == (3, TALLEST, 320, 3)


@pytest.mark.parametrize("frames", [0, 1])
def test_a_video_without_movement_is_refused(tmp_path, frames):
    film(tmp_path / "a.mp4", frames)
    with pytest.raises(InputError, match=r"no video frame|cannot be decoded|has 1 frame"):
        read_raw(source(tmp_path / "a.mp4", "rgb", unit=""))


def test_depth_in_millimetres_becomes_255ths_of_5_metres(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[[0, 1000], [5000, 9000]]] * 4, np.uint16))
    raw = read_raw(source(tmp_path / "a.npy", "depth", unit="mm", rate_hz=30))
    np.testing.assert_array_equal(raw.values[0, ..., 0], [[0, 51], [255, 255]])


def test_skeletons_of_every_kind_are_one(tmp_path):
    from scipy.io import savemat

    joints = np.random.default_rng(0).normal(1, 0.1, (9, 20, 3))
    np.save(tmp_path / "a.npy", joints)
    savemat(tmp_path / "a.mat", {"d_skel": joints.transpose(1, 2, 0)})
    np.savetxt(tmp_path / "a.csv", np.c_[np.arange(9) / 30, joints.reshape(9, -1)], delimiter=",")
    for name in ("a.npy", "a.mat", "a.csv"):
        rate = None if name == "a.csv" else 30
        raw = read_raw(source(tmp_path / name, "skeleton", unit="m", rate_hz=rate))
        np.testing.assert_allclose(raw.values, joints, atol=1e-6)
        assert raw.rate_hz == pytest.approx(30)


def test_missing_values_are_filled_and_counted(tmp_path):
    t = np.arange(50) / 50
    values = np.c_[t, 2 * t, 9.8 + 0 * t]
    values[[0, 20, 21], [0, 1, 2]] = np.nan
    np.savetxt(tmp_path / "a.csv", np.c_[t, values], delimiter=",")
    raw = read_raw(source(tmp_path / "a.csv"))
    assert raw.filled == 3
    np.testing.assert_allclose(raw.values[20], [0.4, 0.8, 9.8], atol=1e-6)
    np.testing.assert_allclose(raw.values[0], [0.02, 0.04, 9.8], atol=1e-6)  # the nearest whole sample


def test_mmacts_sample_is_read_and_its_wrong_stamps_are_counted(data_set):
    raw = read_raw(source(data_set("mmact_sample") / "carrying.csv"))
    assert raw.values.shape == (890, 3)
    assert raw.repairs.counts == {"retimed": 7}
    assert raw.rate_hz == pytest.approx(100, rel=0.01)
    assert np.median(np.linalg.norm(raw.values, axis=1)) == pytest.approx(9.8, rel=0.05)
