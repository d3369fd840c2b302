"""Decisions over one recording: fed as the file's metadata says, and what is refused."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from edgehar.data.streams import Source
from edgehar.errors import InputError
from edgehar.signals.resample import resample
from export.artifacts import export_run
from export.predict import predict_file

RATE, WINDOW = 50, 64


@pytest.fixture(scope="module")
def window_file(conv_export) -> Path:
    """A float file that knows its rate: it can judge a stream."""
    return Path(conv_export.folder) / "student.tflite"


@pytest.fixture(scope="module")
def clip_file(conv_student, small_run, tmp_path_factory) -> Path:
    """A float file for whole clips of mixed length: its rate_hz is null."""
    run = small_run(tmp_path_factory.mktemp("clips"), conv_student, rate_hz=None)
    export_run(run)
    return run.folder / "export" / "student.tflite"


def recording(
    folder: Path, seconds: float, rate: float = RATE, name="monday.csv", gap: float = 0.0
) -> np.ndarray:
    """Half the time rest, then a movement of class `knock`, as t, x, y, z in m/s^2."""
    t = np.arange(round(seconds * rate)) / rate
    random = np.random.default_rng(0)
    values = random.normal(0, 0.3, (len(t), 3)) + np.array([0, 9.81, 0])
    later = t >= seconds / 2
    values[:, 2] += np.where(later, 6 * np.sin(2 * np.pi * 4 * t), 0)
    np.savetxt(folder / name, np.c_[t + gap * later, values], "%.6f", ",", header="t,x,y,z", comments="")
    return values.astype(np.float32).round(6)


def source(path: Path, **said) -> Source:
    return Source(**{"where": "the recording", "path": path, "stream": "acc", "unit": "m/s^2"} | said)


def scores(student, windows) -> np.ndarray:
    with torch.inference_mode():
        return student(torch.from_numpy(np.ascontiguousarray(windows))).logits.softmax(1).numpy()


def test_windows_at_the_files_rate_are_the_students(tmp_path, window_file, conv_student):
    values = recording(tmp_path, 10)
    told, _ = predict_file(window_file, source(tmp_path / "monday.csv"), hop_s=0.5)
    starts = range(0, len(values) - WINDOW + 1, 25)
    expected = scores(conv_student, np.stack([values[s : s + WINDOW] for s in starts]))
    assert [d.time for d in told.decisions] == pytest.approx([(s + WINDOW - 1) / RATE for s in starts])
    assert [d.label for d in told.decisions] == [told_label(expected, i) for i in range(len(starts))]
    np.testing.assert_allclose([d.probability for d in told.decisions], expected.max(1), atol=2e-3)
    assert (told.fed_hz, told.padded, told.left_out) == (50.0, 0, 0)
    assert told.decisions[0].label == "rest" and told.decisions[-1].label == "knock"


def told_label(expected, row: int) -> str:
    return ("rest", "wave", "knock", "größer")[expected[row].argmax()]


def test_another_rate_is_brought_to_the_files(tmp_path, window_file, conv_student):
    values = recording(tmp_path, 8, rate=200)
    told, raw = predict_file(window_file, source(tmp_path / "monday.csv"))
    slow = resample_poly(values, 1, 4, axis=0, padtype="line").astype(np.float32)
    expected = scores(conv_student, slow[None, :WINDOW])
    assert raw.rate_hz == pytest.approx(200)
    assert told.decisions[0].probability == pytest.approx(expected.max(), abs=5e-3)


def test_units_are_converted_and_a_wrong_one_is_noticed(tmp_path, window_file):
    values = recording(tmp_path, 6)
    np.savetxt(tmp_path / "g.csv", np.c_[np.arange(len(values)) / RATE, values / 9.80665], delimiter=",")
    straight, _ = predict_file(window_file, source(tmp_path / "monday.csv"))
    in_g, _ = predict_file(window_file, source(tmp_path / "g.csv", unit="g"))
    assert [d.label for d in in_g.decisions] == [d.label for d in straight.decisions]
    assert straight.warnings == in_g.warnings == ()
    wrong, _ = predict_file(window_file, source(tmp_path / "g.csv"))
    assert "write g" in wrong.warnings[0]


def test_a_recording_shorter_than_a_window_is_held_and_said(tmp_path, window_file, conv_student):
    values = recording(tmp_path, 1)
    told, _ = predict_file(window_file, source(tmp_path / "monday.csv"))
    held = np.concatenate([values, np.repeat(values[-1:], WINDOW - len(values), 0)])
    assert told.padded == 1 and "held at its last sample" in told.warnings[0]
    assert told.decisions[0].probability == pytest.approx(scores(conv_student, held[None]).max(), abs=2e-3)


def test_windows_across_a_pause_are_left_out_and_counted(tmp_path, window_file):
    recording(tmp_path, 10, gap=5.0)
    told, _ = predict_file(window_file, source(tmp_path / "monday.csv"))
    begun = [d.time - (WINDOW - 1) / RATE for d in told.decisions]
    assert all(d.time < 5 or start >= 9.98 for d, start in zip(told.decisions, begun, strict=True))
    assert told.left_out > 0 and told.repairs["gaps"] == 1
    assert f"{told.left_out} windows lie across gaps" in told.warnings[0]


@pytest.mark.parametrize("rate", [-5.0, 0.0, float("nan")])
def test_a_rate_that_cannot_be_is_refused(tmp_path, clip_file, rate):
    recording(tmp_path, 4)
    with pytest.raises(InputError, match=r"monday\.csv .*is no rate: write Hz"):
        predict_file(clip_file, source(tmp_path / "monday.csv", rate_hz=rate))


def test_a_file_of_whole_clips_judges_one_clip_as_in_training(tmp_path, clip_file, conv_student):
    values = recording(tmp_path, 4)
    told, _ = predict_file(clip_file, source(tmp_path / "monday.csv"))
    expected = scores(conv_student, resample(values, WINDOW)[None])
    assert len(told.decisions) == 1 and told.fed_hz is None
    assert told.decisions[0].probability == pytest.approx(expected.max(), abs=2e-3)
    assert told.decisions[0].label == told_label(expected, 0)


def test_a_file_of_whole_clips_refuses_a_long_recording(tmp_path, clip_file):
    recording(tmp_path, 40)
    with pytest.raises(InputError, match=r"lasts 40\.0 s.*rate_hz null.*--framing window"):
        predict_file(clip_file, source(tmp_path / "monday.csv"))
    assert len(predict_file(clip_file, source(tmp_path / "monday.csv"), one_clip=True)[0].decisions) == 1


def test_the_command_line_writes_the_csv_and_the_picture(tmp_path, window_file, edgehar, monkeypatch):
    recording(tmp_path, 10, name="früh am Montag.csv")
    monkeypatch.chdir(tmp_path)
    ended = edgehar("predict", window_file, "früh am Montag.csv", "--json", "--hop", "1")
    assert ended.exit_code == 0, ended.stderr
    told = json.loads(ended.stdout)
    with open("früh am Montag@student.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time", "class", "probability"]
    assert [row["class"] for row in rows] == [d["label"] for d in told["decisions"]]
    assert float(rows[1]["time"]) - float(rows[0]["time"]) == pytest.approx(1.0)
    assert Path("früh am Montag@student.png").read_bytes().startswith(b"\x89PNG")
    ended = edgehar("predict", window_file, "früh am Montag.csv", "--out", tmp_path / "said")
    assert ended.exit_code == 0 and (tmp_path / "said" / "früh am Montag@student.csv").is_file()


def test_ten_million_samples_are_drawn(tmp_path):
    from edgehar.decisions_picture import draw_decisions

    values = np.zeros((10_000_000, 3), np.float32)
    draw_decisions(
        np.arange(len(values)) / 50, values, [3.0], ["rest"], [1.0], 0.5, "long", tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("gone.csv", None, (), "does not exist: name a recording"),
        (".", None, (), "is a folder: name a recording"),
        ("a.csv", "", (), "is empty"),
        ("a.csv", "1,2,3\n4,5,6\n", (), "no time column"),
        ("a.csv", "0,2,3,fall\n1,1,1,1\n", ("--rate", "1"), "holds 'fall'"),
        ("a.csv", "0,1,1,1\n1,1,1,1\n", ("--unit", "stone"), "no unit of acc"),
        ("a.csv", "0,1,1,1\n1,1,1,1\n", ("--hop", "0"), "--hop 0 is no step"),
        ("a.csv", "0,1,1,1\n1,1,1,1\n", ("--time-unit", "h"), "no unit of time"),
        ("a.mp3", "x", (), r"cannot be read from \.mp3"),
    ],
)
def test_bad_recordings_are_said(tmp_path, window_file, edgehar, name, content, options, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    ended = edgehar("predict", window_file, tmp_path / name, *options)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert re.search(said, ended.stderr), ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_file_that_is_no_model_is_said(tmp_path, edgehar):
    recording(tmp_path, 2)
    ended = edgehar("predict", tmp_path / "monday.csv", tmp_path / "monday.csv")
    assert ended.exit_code == 2 and "neither .tflite nor .onnx" in ended.stderr
