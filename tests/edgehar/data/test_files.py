import sys

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from edgehar.data.files import read_mat, read_video
from edgehar.errors import InputError

VALUES = np.linspace(-1, 1, 600).reshape(100, 6)


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def mat(request, tmp_path):
    path = tmp_path / "a1_s1_t1_inertial.mat"
    savemat(path, {"d_iner": VALUES, "other": np.ones(3)}, do_compression=request.param)
    return path


def refused(path, key="d_iner", read=read_mat):
    """The sentence with which a file is refused: one line that names it."""
    with pytest.raises(InputError) as error:
        read(path, key) if read is read_mat else read(path)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_mat_values_are_what_was_written(mat):
    np.testing.assert_array_equal(read_mat(mat, "d_iner"), VALUES)


def test_a_missing_mat_is_named(tmp_path):
    assert "does not exist" in refused(tmp_path / "gone.mat")


@pytest.mark.parametrize("left", [0, 50, 128, 140, 400])
def test_a_truncated_mat_is_refused_wherever_it_was_cut(mat, left):
    mat.write_bytes(mat.read_bytes()[:left])
    assert refused(mat)


def test_a_mat_cut_in_its_values_is_refused(mat):
    mat.write_bytes(mat.read_bytes()[:-2000])
    assert "copy it again" in refused(mat)


def test_something_else_under_the_name_of_a_mat_is_refused(tmp_path):
    path = tmp_path / "a1_s1_t1_inertial.mat"
    path.write_text("<html>404 not found</html>\n" * 20)
    assert "MATLAB" in refused(path)


def test_a_folder_under_the_name_of_a_mat_is_refused(tmp_path):
    path = tmp_path / "folder.mat"
    path.mkdir()
    assert refused(path)


def test_a_wrong_key_is_named(mat):
    assert "d_skel" in refused(mat, "d_skel")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_enough(tmp_path, bad):
    path, values = tmp_path / "a.mat", VALUES.copy()
    values[99, 5] = bad
    savemat(path, {"d_iner": values})
    assert "NaN or infinite" in refused(path)


@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 6)), np.array(["text"]), {"a": 1.0}, csc_array(np.eye(6)), VALUES.astype(complex)],
    ids=["empty", "text", "struct", "sparse", "complex"],
)
def test_what_is_no_array_of_real_numbers_is_refused(tmp_path, values):
    path = tmp_path / "a.mat"
    savemat(path, {"d_iner": values})
    assert refused(path)


# Video


@pytest.fixture
def pictures():
    """(7, 32, 48, 3): a bright bar that moves from left to right on dark ground."""
    video = np.full((7, 32, 48, 3), 16, np.uint8)
    for frame in range(7):
        video[frame, :, 6 * frame : 6 * frame + 6] = 240
    return video


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_video_comes_back_frame_by_frame(tmp_path, pictures, write_colour, codec):
    stream = read_video(write_colour(tmp_path / "a.avi", pictures, rate_hz=15, codec=codec))
    assert stream.values.shape == pictures.shape
    assert stream.values.dtype == np.uint8
    assert stream.rate_hz == 15.0
    brightest = stream.values.mean(axis=(1, 3)).reshape(7, 8, 6).mean(2).argmax(1)
    np.testing.assert_array_equal(brightest, np.arange(7))


def test_colours_are_red_green_blue(tmp_path, write_colour):
    red = np.zeros((4, 32, 32, 3), np.uint8)
    red[..., 0] = 250
    values = read_video(write_colour(tmp_path / "a.avi", red)).values.mean(axis=(0, 1, 2))
    assert values[0] > 200
    assert max(values[1:]) < 60


def test_a_missing_video_is_named(tmp_path):
    refused(tmp_path / "gone.avi", read=read_video)


def test_an_empty_file_is_no_video(tmp_path):
    (tmp_path / "a.avi").touch()
    refused(tmp_path / "a.avi", read=read_video)


def test_text_is_no_video(tmp_path):
    (tmp_path / "a.avi").write_text("not a video\n" * 100)
    refused(tmp_path / "a.avi", read=read_video)


def test_a_video_cut_in_its_header_is_refused(tmp_path, pictures, write_colour):
    path = write_colour(tmp_path / "a.avi", pictures)
    path.write_bytes(path.read_bytes()[:200])
    refused(path, read=read_video)


def test_sound_without_pictures_is_no_video(tmp_path):
    import av

    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    refused(path, read=read_video)


def test_without_pyav_the_sentence_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match="pip install av"):
        read_video(tmp_path / "a.avi")
