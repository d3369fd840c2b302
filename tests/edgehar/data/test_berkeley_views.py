"""Berkeley MHAD's motion capture and cameras: small files in the published form, beside accelerometers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgehar.data.berkeley_mhad import read
from edgehar.data.berkeley_views import MARKERS, mocap_table, read_bayer, read_markers
from edgehar.data.choose import choose_streams
from edgehar.errors import InputError

START, SECONDS = 1309539264.0, 3.0
PICTURE_HZ = 22.0


def wave(seconds: np.ndarray) -> np.ndarray:
    """What all of them record: a sine of 1 Hz on the clock that they share."""
    return np.sin(2 * np.pi * (seconds - START))


def write_sensors(folder: Path) -> None:
    """Two accelerometers of 31.25 Hz; x is the wave in g."""
    for sensor in (1, 2):
        seconds = START + np.arange(0, SECONDS, 0.032)
        path = folder / f"Accelerometer/Shimmer{sensor:02}/acc_h{sensor:02}_s01_a01_r01.txt"
        path.parent.mkdir(parents=True)
        np.savetxt(path, np.c_[wave(seconds), 0 * seconds - 1, 0 * seconds, seconds], "%.6f")


def write_markers(folder: Path, hidden=slice(0, 0), begin=START - 0.5) -> Path:
    """Rows as published: 43 markers in mm, the frame's number, seconds since 1970; x of marker 3 waves."""
    seconds = begin + np.arange(0, SECONDS + 1, 1 / 480)
    markers = np.tile(np.arange(1.0, 1 + 3 * MARKERS), (len(seconds), 1))
    markers[:, 6] = 1000 * wave(seconds)
    markers[hidden, 3:6] = 0
    path = folder / "Mocap/OpticalData/moc_s01_a01_r01.txt"
    path.parent.mkdir(parents=True)
    np.savetxt(path, np.c_[markers, np.arange(len(seconds)), seconds], "%.6f")
    return path


def write_camera(folder: Path, camera: str, count: int, brighter: int = 0) -> Path:
    """Pictures of 4 x 6 whose red says which one it is."""
    place = folder / f"Camera/Cluster01/{camera}/S01/A01/R01"
    place.mkdir(parents=True)
    for number in range(count):
        cells = np.zeros((4, 6), np.uint8)
        cells[::2, 1::2] = number + brighter
        write_pgm(place / f"img_l01_c{camera[-2:]}_s01_a01_r01_{number:05}.pgm", cells)
    return place


def write_pgm(path: Path, cells: np.ndarray) -> Path:
    head = f"P5\n# a comment\n{cells.shape[1]} {cells.shape[0]}\n255\n".encode()
    path.write_bytes(head + cells.tobytes())
    return path


def write_correspondences(folder: Path, count: int) -> None:
    """Of each picture, one every 1 / 22 s since the markers began, its row of markers."""
    path = folder / "Camera/Correspondences/corr_moc_img_s01_a01_r01.txt"
    path.parent.mkdir(parents=True)
    rows = np.round(np.arange(count) * 480 / PICTURE_HZ)
    np.savetxt(path, np.c_[np.arange(count), rows / 480, rows], ["%d", "%.6f", "%d"])


@pytest.fixture
def folder(tmp_path) -> Path:
    write_sensors(tmp_path)
    write_markers(tmp_path)
    count = round((SECONDS + 1) * PICTURE_HZ)
    write_camera(tmp_path, "Cam01", count)
    write_camera(tmp_path, "Cam02", count, brighter=100)
    write_correspondences(tmp_path, count)
    return tmp_path


def test_markers_and_pictures_are_streams_beside_the_sensors(folder):
    (clip,) = read(folder).clips
    assert list(clip.streams) == ["acc.left_wrist", "acc.right_wrist", "skeleton", "rgb", "rgb.l01_c02"]
    markers, film = clip.streams["skeleton"](), clip.streams["rgb"]()
    assert (markers.values.shape[1:], markers.rate_hz, markers.unit) == ((MARKERS, 3), 30.0, "m")
    assert (film.values.shape[1:], film.unit) == ((2, 3, 3), "rgb")
    assert film.rate_hz == pytest.approx(PICTURE_HZ, rel=1e-2)


def test_all_are_cut_to_the_time_that_they_share(folder):
    """Markers and pictures began half a second before the sensors, and went on longer."""
    (clip,) = read(folder).clips
    acc, markers, film = (clip.streams[name]() for name in ("acc.left_wrist", "skeleton", "rgb"))
    assert len(markers.values) == len(acc.values)
    np.testing.assert_allclose(markers.values[3:-3, 2, 0], acc.values[3:-3, 0] / 9.80665, atol=0.03)
    numbers = film.values[:, 0, 0, 0]
    assert numbers[0] == np.ceil(0.5 * PICTURE_HZ) and (np.diff(numbers) == 1).all()
    assert len(numbers) / film.rate_hz == pytest.approx(len(acc.values) / 30, abs=0.1)
    assert clip.streams["rgb.l01_c02"]().values[0, 0, 0, 0] == numbers[0] + 100


def test_without_correspondences_a_film_is_taken_whole(folder):
    (folder / "Camera/Correspondences/corr_moc_img_s01_a01_r01.txt").unlink()
    film = read(folder).clips[0].streams["rgb"]()
    assert (len(film.values), film.rate_hz) == (round((SECONDS + 1) * PICTURE_HZ), 22.0)


def test_a_camera_is_chosen_by_name_and_a_new_file_makes_another_version(folder):
    recordings = read(folder)
    chosen = choose_streams(recordings, "acc.left_wrist", ("rgb.l01_c02",)).clips[0]
    assert chosen.streams["rgb"]().values[0, 0, 0, 0] >= 100
    (folder / "Mocap/OpticalData/moc_s01_a01_r01.txt").unlink()
    assert read(folder).version != recordings.version


def test_a_hidden_marker_is_filled_in_for_half_a_second(tmp_path):
    path = write_markers(tmp_path, hidden=slice(500, 700))
    stream = read_markers(path, (START, START + SECONDS))
    np.testing.assert_allclose(stream.values[:, 1], np.tile([0.004, 0.005, 0.006], (91, 1)), atol=1e-6)
    mocap_table.cache_clear()
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(InputError, match="joint 2 of the skeleton"):
        read_markers(write_markers(tmp_path, hidden=slice(500, 900)), (START, START + SECONDS))
    mocap_table.cache_clear()


def test_cells_of_green_red_blue_green_become_colours(tmp_path):
    cells = np.array([[10, 200, 20, 201], [50, 31, 51, 40]], np.uint8)  # G R G R above B G B G
    picture = read_bayer(write_pgm(tmp_path / "a.pgm", cells))
    assert picture.tolist() == [[[200, 21, 50], [201, 30, 51]]]


@pytest.mark.parametrize(
    "content", [b"", b"P2\n2 2\n255\n1 2 3 4", b"P5\n2 2\n255\nabc", b"P5\n3 2\n255\nabcdef"]
)
def test_what_is_no_whole_picture_is_said(tmp_path, content):
    (tmp_path / "a.pgm").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pgm is no whole PGM picture of 8 bits: copy it again\."):
        read_bayer(tmp_path / "a.pgm")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("Mocap/OpticalData/moc_s01_a01_r01.txt", "1 2 3\n", "holds 3 numbers, expected rows of 131"),
        ("Mocap/OpticalData/moc_s01_a01_r01.txt", "1 2 three\n", "cannot be read as numbers"),
        ("Mocap/OpticalData/moc_s01_a01_r01.txt", f"{'1 ' * 131}\n" * 2, "stamps that do not rise"),
        ("Camera/Correspondences/corr_moc_img_s01_a01_r01.txt", "1 2\n", "is no table of correspondences"),
        ("Camera/Correspondences/corr_moc_img_s01_a01_r01.txt", "0 0 0\n", "does not go with 88 pictures"),
    ],
)
def test_damaged_files_are_one_sentence_that_names_them(folder, file, content, said):
    mocap_table.cache_clear()
    (folder / file).write_text(content)
    clip = read(folder).clips[0]
    with pytest.raises(InputError, match=said) as caught:
        clip.streams["rgb"]()
    assert Path(file).name in str(caught.value)
    mocap_table.cache_clear()
