import copy
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgehar.models.output import Output
from export.artifacts import export_run, export_student
from export.contract import read_contract
from export.errors import ExportError
from export.exportable import from_run
from export.kinds import Choices
from export.quiet import quiet
from firmware_sim.runtimes import RUNTIMES

FILES = ["student.tflite", "student.int8.tflite", "student.onnx", "student.int8.onnx"]
REPORTS = ["labels.txt", "export.json", "operators.json", "operators.png"]
INT8 = Choices(kinds=("int8",))
ONNX, TFLITE = Choices(formats=("onnx",)), Choices(formats=("tflite",))


@pytest.fixture
def run_folder(tmp_path, conv_student, small_run):
    """A run of the convolution student with nothing exported yet."""
    return small_run(tmp_path, conv_student)


def told(folder):
    return told_of(folder / "export")


def told_of(export):
    return json.loads((export / "export.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["conv_export", "picture_export"])
def test_all_files_are_there_and_agree_with_the_student(name, request):
    report = request.getfixturevalue(name)
    assert report.passed, {name: entry.why for name, entry in report.files.items()}
    assert list(report.files) == FILES
    assert sorted(os.listdir(report.folder)) == sorted([*FILES, *REPORTS])
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
    windows = small_run(Path(), None).clips("test").arrays["acc"]
    scores = {}
    with quiet():
        for name in FILES:
            runtime = "litert" if name.endswith("tflite") else "onnxruntime"
            scores[name] = RUNTIMES[runtime](conv_export.folder / name, windows)
    assert np.abs(scores["student.tflite"] - scores["student.onnx"]).max() <= 1e-4
    decisions = [scores[name].argmax(axis=1) for name in ("student.int8.tflite", "student.int8.onnx")]
    assert (decisions[0] == decisions[1]).mean() >= 0.97


def test_exporting_again_gives_the_same_bytes_and_prints_nothing(conv_export, run_folder, capfd):
    export_run(run_folder, INT8)
    for name in [*FILES, *REPORTS]:
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
    report = export_run(small_run(tmp_path, with_outlier(conv_student)), replace(INT8, formats=("tflite",)))
    bad = report.files["student.int8.tflite"]
    assert not report.passed and not bad.passed
    assert "allowed" in bad.why
    assert report.files["student.tflite"].passed
    assert (report.folder / "student.int8.tflite").stat().st_size == bad.bytes
    assert told(tmp_path)["passed"] is False
    assert told(tmp_path)["files"]["student.int8.tflite"]["why"] == bad.why


def test_without_int8_only_float_files_are_written(run_folder):
    seen = []
    report = export_run(run_folder, ONNX, progress=lambda *step: seen.append(step))
    assert list(report.files) == ["student.onnx"]
    assert sorted(os.listdir(report.folder)) == ["export.json", "labels.txt", "student.onnx"]
    assert ("checking student.onnx", 1, 1) in seen


def test_files_of_another_kind_stay(run_folder):
    export_run(run_folder, TFLITE)
    folder = run_folder.folder / "export"
    before = (folder / "student.tflite").read_bytes()
    (folder / "student.fp16.tflite").write_bytes(b"a later kind")
    (folder / "c").mkdir()
    (folder / "c" / "student.c").write_text("int main;")
    report = export_run(run_folder, replace(ONNX, version="1.4.0"), seed=1)
    assert (folder / "student.tflite").read_bytes() == before
    assert (folder / "student.fp16.tflite").read_bytes() == b"a later kind"
    assert (folder / "c" / "student.c").read_text() == "int main;"
    files = told(run_folder.folder)["files"]
    assert list(files) == ["student.onnx", "student.tflite"]
    assert (files["student.onnx"]["seed"], files["student.tflite"]["seed"]) == (1, 0)
    assert list(report.files) == ["student.onnx"] and list(report.kept) == ["student.tflite"]
    assert told(run_folder.folder)["contract"]["version"] == "1.4.0"
    versions = {name: read_contract(folder / name).version for name in files}
    assert versions == {"student.onnx": "1.4.0", "student.tflite": "1.0.0"}


def test_a_damaged_export_json_does_not_stop_an_export(run_folder):
    folder = run_folder.folder / "export"
    folder.mkdir()
    (folder / "export.json").write_text('{"files": ')
    (folder / "student.tflite").write_bytes(b"from before")
    export_run(run_folder, ONNX)
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
        export_run(run_folder, ONNX)
    assert os.listdir(run_folder.folder) == ["export"]
    assert (folder / "student.onnx").read_bytes() == b"the earlier one"


def test_labels_that_do_not_match_the_scores_are_refused(tmp_path, conv_student, small_run):
    run = small_run(tmp_path, conv_student, labels=("rest", "wave", "knock"))
    with pytest.raises(ExportError, match=r"labels\.txt has 3 names, the student gives 4 scores"):
        export_run(run)
    assert os.listdir(tmp_path) == []


def test_a_failed_int8_is_offered_what_may_help(conv_student, tmp_path, small_run):
    source = from_run(small_run(tmp_path, with_outlier(conv_student)))
    report = export_student(source, tmp_path / "out", replace(INT8, formats=("tflite",)))
    assert report.held_back.plain.lost_points > 0.5
    assert "--qat" in report.advice and "--auto" in report.advice
    assert told_of(tmp_path / "out")["advice"] == report.advice


def test_auto_takes_out_the_culprit_and_says_so(conv_student, tmp_path, small_run):
    """The loud channel lies between the stem and the first depthwise convolution: both must go."""
    choices = Choices(formats=("tflite",), kinds=("int8",), auto=True)
    report = export_run(small_run(tmp_path, with_outlier(conv_student)), choices)
    file = report.files["student.int8.tflite"]
    assert report.auto.reached and report.passed, file.why
    assert report.auto.steps[0].lost_points > 0.5 >= report.auto.steps[-1].lost_points
    assert 1 <= len(file.kept_float) <= 3 and "stem.3" in file.kept_float
    left = file.summary.left_float
    assert left["stem.3"] == "taken out by --auto"
    assert "fc" not in left
    assert told(tmp_path)["auto"]["reached"] is True


def test_every_kind_is_written_and_run(conv_student, tmp_path, small_run):
    kinds = ("int8-float-io", "int16x8", "fp16", "dynamic")
    report = export_run(small_run(tmp_path, conv_student), Choices(formats=("tflite",), kinds=kinds))
    assert list(report.files) == ["student.tflite", *(f"student.{kind}.tflite" for kind in kinds)]
    assert report.passed, [(name, file.why) for name, file in report.files.items()]
    dtypes = {file.kind: (file.input.dtype, file.output.dtype) for file in report.files.values()}
    assert dtypes["int8-float-io"] == dtypes["fp16"] == dtypes["dynamic"] == ("float32", "float32")
    assert dtypes["int16x8"] == ("int16", "int16")
    for name in ("student.dynamic.tflite", "student.fp16.tflite"):
        assert "refuses" in report.files[name].runtimes["tflm"].refused
        assert report.files[name].arena_bytes is None
    assert report.files["student.int8-float-io.tflite"].arena_bytes > 1000


def test_files_are_run_by_every_runtime_and_on_made_windows(conv_export):
    file = conv_export.files["student.int8.tflite"]
    assert set(file.runtimes) >= {"litert", "litert-ref", "tflm"}
    assert file.runtimes["tflm"].from_golden <= 1
    assert set(file.stress) == {"silence", "saturation", "extremes", "constant axis"}
    assert conv_export.files["student.onnx"].stress["saturation"].agreement == 1.0
    pair = {pair.files: pair for pair in conv_export.pairs}[("student.int8.tflite", "student.int8.onnx")]
    assert pair.passed and pair.agreement >= 0.97


def test_a_picture_student_says_what_stays_float(picture_export):
    file = picture_export.files["student.int8.tflite"]
    assert file.float_parts == ("gaf",)
    reasons = set(file.summary.left_float.values())
    assert "belongs to, or lies before, a part that the student keeps in float" in reasons


def test_qat_fine_tunes_int8_alone(conv_student, tmp_path, small_run, conv_export):
    choices = Choices(formats=("tflite",), kinds=("int8",), qat=True)
    report = export_run(small_run(tmp_path, conv_student), choices)
    assert report.files["student.int8.tflite"].fine_tuned and report.passed
    assert not report.files["student.tflite"].fine_tuned
    assert report.held_back.tuned is not None and report.held_back.tuned.windows == 80  # one person of three
    float_bytes = (conv_export.folder / "student.tflite").read_bytes()
    assert (report.folder / "student.tflite").read_bytes() == float_bytes
    int8_bytes = (conv_export.folder / "student.int8.tflite").read_bytes()
    assert (report.folder / "student.int8.tflite").read_bytes() != int8_bytes


def test_an_unknown_operator_is_refused_before_anything_changes(run_folder):
    with pytest.raises(ExportError, match=r"called 'fcc'.* Did you mean 'fc'"):
        export_run(run_folder, replace(INT8, keep_float=("fcc",)))
    assert os.listdir(run_folder.folder) == []


def test_keep_float_leaves_one_operator_in_float_in_both_formats(run_folder):
    report = export_run(run_folder, replace(INT8, keep_float=("fc",)))
    assert report.passed
    assert report.files["student.int8.tflite"].summary.left_float["fc"] == "taken out by --keep-float"
    assert report.files["student.int8.tflite"].kept_float == ("fc",)
    import onnx

    graph = onnx.load(run_folder.folder / "export" / "student.int8.onnx").graph
    initializers = {entry.name for entry in graph.initializer}
    assert not any("fc" in name and name.endswith("weight_quantized") for name in initializers)
    assert any(name.endswith("weight_quantized") for name in initializers)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from conftest import LABELS, SmallRun
from edgehar.models.depthwise import DepthwiseStudent
from export.artifacts import export_run
from export.kinds import Choices

def step(what, done, total):
    if what == {stage!r}:
        os.kill(os.getpid(), signal.SIGKILL)

torch.manual_seed(1)
student = DepthwiseStudent(len(LABELS), 64, widths=(8, 12), strides=(1, 2), kernel=9, dropout=0.0).eval()
export_run(SmallRun(Path({folder!r}), student), Choices(formats=("onnx",)), progress=step)
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    """With other hash seeds, and QAT and --auto on the way: nothing may depend on the order of a set."""
    folders = [tmp_path / "one", tmp_path / "two"]
    code = KILLED.replace(
        'formats=("onnx",)', 'kinds=("int8", "int8-float-io", "dynamic"), qat=True, auto=True'
    )
    ends = []
    for seed, folder in enumerate(folders):
        folder.mkdir()
        text = code.format(tests=str(Path(__file__).parent), stage="never", folder=str(folder))
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        ends.append(subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, env=environment))
    assert [ended.wait() for ended in ends] == [0, 0], [ended.stderr.read().decode() for ended in ends]
    one, two = ({path.name: path.read_bytes() for path in (f / "export").iterdir()} for f in folders)
    assert {name for name in one if one[name] != two.get(name)} == set() and one.keys() == two.keys()
    assert len(one) == 10


@pytest.mark.parametrize("stage", ["converting to .onnx", "checking student.onnx"])
def test_killed_at_any_moment_the_old_export_is_whole(stage, run_folder):
    export_run(run_folder, TFLITE)
    folder = run_folder.folder / "export"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code = KILLED.format(tests=str(Path(__file__).parent), stage=stage, folder=str(run_folder.folder))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    export_run(run_folder, ONNX)
    assert os.listdir(run_folder.folder) == ["export"]
    assert (folder / "student.tflite").read_bytes() == before["student.tflite"]


@pytest.mark.parametrize("count", [0, 1])
def test_one_clip_cannot_calibrate(count, tmp_path, conv_student, small_run):
    source = from_run(small_run(tmp_path, conv_student))
    source = replace(source, train=source.train.only(np.arange(count)))
    with pytest.raises(ExportError, match="at least 2 training clips"):
        export_student(source, tmp_path / "export", INT8)
    assert os.listdir(tmp_path) == []


def test_a_training_clip_with_nan_is_refused(tmp_path, conv_student, small_run):
    source = from_run(small_run(tmp_path, conv_student))
    values = source.train.values.copy()
    values[7, 3, 1] = np.nan
    with pytest.raises(ExportError, match="Training window 7 holds a NaN"):
        export_student(replace(source, train=replace(source.train, values=values)), tmp_path / "export", INT8)
    assert os.listdir(tmp_path) == []


def test_too_few_clips_to_hold_back_are_said_where_they_matter(tmp_path, conv_student, small_run):
    source = from_run(small_run(tmp_path, conv_student))
    source = replace(source, train=source.train.only(np.arange(8)))
    with pytest.raises(ExportError, match=r"--auto judges .* 8 are too few"):
        export_student(source, tmp_path / "export", replace(INT8, auto=True))
    report = export_student(source, tmp_path / "export", replace(INT8, formats=("tflite",)))
    assert report.held_back is None and report.advice is None


def test_a_student_that_is_not_finite_in_silence_is_refused(tmp_path, small_run):
    run = small_run(tmp_path, DividesByItsLoudness())
    with pytest.raises(ExportError, match="not finite for windows of silence"):
        export_run(run, TFLITE)
    assert os.listdir(tmp_path) == []


class DividesByItsLoudness(nn.Module):
    """Finite on recordings, and 0 / 0 where nothing moves."""

    def forward(self, acc):
        logits = acc.sum(dim=1) / acc.abs().amax(dim=(1, 2)).unsqueeze(1)
        return Output(torch.cat([logits, logits[:, :1]], 1), logits)


@pytest.fixture
def protected_folder():
    """A folder that this process cannot write into, also where it belongs to root, who could."""
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o555)
        ours = os.geteuid()
        if ours == 0:
            os.seteuid(nobody)
        try:
            yield Path(name)
        finally:
            if ours == 0:
                os.seteuid(0)
            os.chmod(name, 0o700)


def test_a_write_protected_folder_is_told(protected_folder, conv_student, small_run):
    with pytest.raises(PermissionError) as error:
        export_run(small_run(protected_folder, conv_student), ONNX)
    assert Path(error.value.filename).parent == protected_folder
    assert os.listdir(protected_folder) == []
