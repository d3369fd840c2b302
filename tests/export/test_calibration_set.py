import numpy as np
import pytest

from edgehar.signals.resample import resample
from export.calibration_set import read_calibration
from export.errors import ExportError

HEADER = "clip,label,subject,trial,stream,path,rate_hz,unit\n"


@pytest.fixture
def manifest(tmp_path):
    """Eight clips of two people, 40 samples each but one of 50; a gyroscope stands beside the first."""
    rng = np.random.default_rng(0)
    lines = [HEADER]
    for number in range(8):
        values = rng.normal(0, 3, (50 if number == 7 else 40, 3))
        name = f"c{number}.csv" if number % 2 else f"c{number}.npy"
        if number % 2:
            times = np.arange(len(values))[:, None] / 50
            table = np.hstack([times, values])
            np.savetxt(tmp_path / name, table, delimiter=",", header="t,x,y,z", comments="")
        else:
            np.save(tmp_path / name, values)
        rate = "" if number % 2 else "50"
        label, subject = ("wave", "rest")[number % 2], f"s{number // 4}"
        lines.append(f"c{number},{label},{subject},1,acc,{name},{rate},m/s^2\n")
    lines.append("c0,wave,s0,1,gyro,c0.npy,50,rad/s\n")
    path = tmp_path / "clips.csv"
    path.write_text("".join(lines))
    return path


def test_a_manifest_is_read_clip_by_clip(manifest):
    found = read_calibration(manifest, 32, "acc")
    assert found.windows.shape == (8, 32, 3) and found.windows.dtype == np.float32
    first = np.load(manifest.parent / "c0.npy").astype(np.float32)
    assert np.array_equal(found.windows[0], resample(first, 32))
    assert found.classes[:2] == ("wave", "rest") and found.subjects == ("s0",) * 4 + ("s1",) * 4
    assert (found.stream, found.unit, found.axes) == ("acc", "m/s^2", ("x", "y", "z"))
    assert found.rate_hz is None and found.framing == "clip"  # clips of mixed length, all resampled


def test_windows_are_cut_at_the_clips_own_rate(manifest):
    found = read_calibration(manifest, 20, "acc", "window")
    assert found.windows.shape == (16, 20, 3)
    first = np.load(manifest.parent / "c0.npy").astype(np.float32)
    assert np.array_equal(found.windows[:2], first.reshape(2, 20, 3))
    assert found.rate_hz == pytest.approx(50) and found.classes[:2] == ("wave", "wave")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((None, "acc"), "40 to 50 samples; say with --window"),
        ((32, None), "the streams acc, gyro; name one with --stream"),
        ((32, "gyro"), "holds 1 window: .* need 8"),
        ((32, "acc.left"), "has no acc.left stream: it holds acc, gyro"),
        ((32, "acc", "clips"), "no framing called 'clips'"),
        ((0, "acc"), "A window of 0 samples"),
    ],
)
def test_a_manifest_that_leaves_it_open_is_told_what_to_say(options, said, manifest):
    with pytest.raises(ExportError, match=said):
        read_calibration(manifest, *options)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("c2.npy", "gone.npy"), r"clips\.csv line 4: .*gone\.npy does not exist"),
        (("label,", "class,"), r"line 1: no column is called 'class'"),
        (("c4.npy,50", "c4.npy,"), r"c4\.npy .*has no time column: state rate_hz"),
        (("c4.npy,50,m/s^2", "c4.npy,50,furlong"), r"clips\.csv line 6"),
    ],
)
def test_a_broken_manifest_is_told_in_a_sentence(change, said, manifest):
    manifest.write_text(manifest.read_text().replace(*change))
    with pytest.raises(ExportError, match=said):
        read_calibration(manifest, 32, "acc")


def test_arrays_are_read_with_what_stands_beside_them(tmp_path):
    windows = np.random.default_rng(0).normal(0, 1, (9, 12, 6))
    np.save(tmp_path / "w.npy", windows)
    np.savez(tmp_path / "w.npz", x=windows, labels=np.arange(9) % 3, subjects=np.array(list("abcabcabc")))
    plain, told = read_calibration(tmp_path / "w.npy"), read_calibration(tmp_path / "w.npz", 12)
    assert np.array_equal(plain.windows, windows.astype(np.float32)) and plain.classes is None
    assert told.classes == (0, 1, 2) * 3 and told.subjects == tuple("abcabcabc")
    assert (told.stream, told.unit, told.axes) == ("input", "unknown", ("0", "1", "2", "3", "4", "5"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((1, 12, 3)), "holds 1 window:"),
        (np.full((9, 12, 3), np.nan), "window 0 holds a NaN"),
        (np.zeros((9, 12)), r"must hold one array \(windows, samples, channels\)"),
        (np.zeros((9, 12, 3), complex), "no real numbers"),
    ],
)
def test_windows_that_cannot_be_used_are_refused(values, said, tmp_path):
    np.save(tmp_path / "w.npy", values)
    with pytest.raises(ExportError, match=said):
        read_calibration(tmp_path / "w.npy")


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "w.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "w.npz").write_bytes(b"PK no zip")
    (tmp_path / "w.txt").write_text("1,2,3")
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, said in (
        ("w.npy", "cannot be read"),
        ("w.npz", "cannot be read"),
        ("w.txt", "no manifest"),
        ("pickled.npy", "cannot be read"),
        ("gone.npy", "There is no file"),
    ):
        with pytest.raises(ExportError, match=said):
            read_calibration(tmp_path / name)


def test_a_window_of_another_length_is_refused(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros((9, 12, 3)))
    with pytest.raises(ExportError, match="has windows of 12 samples, not 16"):
        read_calibration(tmp_path / "w.npy", 16)
