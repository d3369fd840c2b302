import copy
import errno
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from export.artifacts import export_run
from export.errors import ExportError
from export.quiet import quiet
from firmware_sim.runtimes import RUNTIMES

FILES = ["student.tflite", "student.int8.tflite", "student.onnx", "student.int8.onnx"]


@pytest.fixture
def run_folder(tmp_path, conv_student, small_run):
    """A run of the convolution student with nothing exported yet."""
    return small_run(tmp_path, conv_student)


def told(folder):
    return json.loads((folder / "export" / "export.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["conv_export", "picture_export"])
def test_all_files_are_there_and_agree_with_the_student(name, request):
    report = request.getfixturevalue(name)
    assert report.passed, {name: entry.why for name, entry in report.files.items()}
    assert list(report.files) == FILES
    assert sorted(os.listdir(report.folder)) == sorted([*FILES, "labels.txt", "export.json"])
    assert report.student_accuracy > 0.8  # else agreement would say little
    for entry in report.files.values():
        assert entry.agreement >= 0.97 and entry.passed


def test_export_json_says_what_is_there(conv_export):
    found = json.loads((conv_export.folder / "export.json").read_text("utf-8"))
    assert found == json.loads(json.dumps(conv_export.to_json()))
    assert found["contract"]["labels"][3] == "größer"
    for name in FILES:
        content = (conv_export.folder / name).read_bytes()
        assert found["files"][name]["bytes"] == len(content)
        assert found["files"][name]["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["files"]["student.int8.tflite"]["operators"]["SOFTMAX"] == 1
    assert found["files"]["student.onnx"]["operators"]["Conv"] == 6
    assert found["files"]["student.onnx"]["runtime"] == "onnxruntime"
    assert set(found["versions"]) >= {"torch", "litert-torch", "onnxruntime"}


def test_labels_are_one_a_line(conv_export):
    assert (conv_export.folder / "labels.txt").read_text("utf-8") == "rest\nwave\nknock\ngrößer\n"


def test_int8_is_smaller(picture_export):
    sizes = {name: entry.bytes for name, entry in picture_export.files.items()}
    assert sizes["student.int8.tflite"] < sizes["student.tflite"]


def test_litert_and_onnxruntime_say_the_same(conv_export, small_run):
    windows, _ = small_run(Path(), None).windows("test")
    scores = {}
    with quiet():
        for name in FILES:
            runtime = "litert" if name.endswith("tflite") else "onnxruntime"
            scores[name] = RUNTIMES[runtime](conv_export.folder / name, windows)
    assert np.abs(scores["student.tflite"] - scores["student.onnx"]).max() <= 1e-4
    decisions = [scores[name].argmax(axis=1) for name in ("student.int8.tflite", "student.int8.onnx")]
    assert (decisions[0] == decisions[1]).mean() >= 0.97


def test_exporting_again_gives_the_same_bytes_and_prints_nothing(conv_export, run_folder, capfd):
    export_run(run_folder, int8=True)
    for name in [*FILES, "labels.txt", "export.json"]:
        again = (run_folder.folder / "export" / name).read_bytes()
        assert again == (conv_export.folder / name).read_bytes(), name
    assert capfd.readouterr() == ("", "")


def with_outlier(student):
    """The same function in float, but with one channel a thousand times the others: int8 loses the others."""
    student = copy.deepcopy(student)
    with torch.no_grad():
        norm, after = student.stem[2], student.blocks[0][1]
        norm.weight[0] = norm.weight[0].abs() + 1
        after.weight[0] /= 3000
        norm.weight[0] *= 3000
        norm.bias[0] *= 3000
    return student


def test_a_file_that_fails_stays_and_is_told(conv_student, tmp_path, small_run):
    report = export_run(small_run(tmp_path, with_outlier(conv_student)), formats=["tflite"], int8=True)
    bad = report.files["student.int8.tflite"]
    assert not report.passed and not bad.passed
    assert "allowed" in bad.why
    assert report.files["student.tflite"].passed
    assert (report.folder / "student.int8.tflite").stat().st_size == bad.bytes
    assert told(tmp_path)["passed"] is False
    assert told(tmp_path)["files"]["student.int8.tflite"]["why"] == bad.why


def test_without_int8_only_float_files_are_written(run_folder):
    seen = []
    report = export_run(run_folder, int8=False, formats=["onnx"], progress=lambda *step: seen.append(step))
    assert list(report.files) == ["student.onnx"]
    assert sorted(os.listdir(report.folder)) == ["export.json", "labels.txt", "student.onnx"]
    assert ("checking student.onnx", 1, 1) in seen


def test_files_of_another_kind_stay(run_folder):
    export_run(run_folder, int8=False, formats=["tflite"])
    folder = run_folder.folder / "export"
    before = (folder / "student.tflite").read_bytes()
    (folder / "student.fp16.tflite").write_bytes(b"a later kind")
    (folder / "c").mkdir()
    (folder / "c" / "student.c").write_text("int main;")
    report = export_run(run_folder, seed=1, int8=False, formats=["onnx"])
    assert (folder / "student.tflite").read_bytes() == before
    assert (folder / "student.fp16.tflite").read_bytes() == b"a later kind"
    assert (folder / "c" / "student.c").read_text() == "int main;"
    files = told(run_folder.folder)["files"]
    assert list(files) == ["student.onnx", "student.tflite"]
    assert (files["student.onnx"]["seed"], files["student.tflite"]["seed"]) == (1, 0)
    assert list(report.files) == ["student.onnx"] and list(report.kept) == ["student.tflite"]


def test_a_damaged_export_json_does_not_stop_an_export(run_folder):
    folder = run_folder.folder / "export"
    folder.mkdir()
    (folder / "export.json").write_text('{"files": ')
    (folder / "student.tflite").write_bytes(b"from before")
    export_run(run_folder, int8=False, formats=["onnx"])
    assert (folder / "student.tflite").read_bytes() == b"from before"
    assert list(told(run_folder.folder)["files"]) == ["student.onnx"]


def test_a_full_disk_loses_nothing(run_folder, monkeypatch):
    folder = run_folder.folder / "export"
    folder.mkdir()
    (folder / "student.onnx").write_bytes(b"the earlier one")

    def full(path, *_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        export_run(run_folder, int8=False, formats=["onnx"])
    assert os.listdir(run_folder.folder) == ["export"]
    assert (folder / "student.onnx").read_bytes() == b"the earlier one"


def test_labels_that_do_not_match_the_scores_are_refused(tmp_path, conv_student, small_run):
    run = small_run(tmp_path, conv_student, labels=("rest", "wave", "knock"))
    with pytest.raises(ExportError, match=r"labels\.txt has 3 names, the student gives 4 scores"):
        export_run(run)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("formats", "said"), [(["tflite", "onxn"], "'onxn'"), ([], "No format")])
def test_an_unknown_format_is_refused(formats, said, run_folder):
    with pytest.raises(ExportError, match=said):
        export_run(run_folder, formats=formats)
    assert os.listdir(run_folder.folder) == []
