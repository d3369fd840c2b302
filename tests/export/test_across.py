from importlib.util import find_spec

import numpy as np
import pytest

from export.across import GOLDEN, check_runtimes, check_stress, installed
from export.parity import student_scores
from export.stress import stress_windows


@pytest.fixture(scope="module")
def clips(small_run):
    found = small_run(None, None).clips("test")
    return found.arrays["acc"][:40], found.labels[:40]


def test_optional_runtimes_are_asked_where_they_are_installed():
    assert installed(".onnx") == ("onnxruntime",)
    assert installed(".tflite")[:2] == ("litert", GOLDEN)
    assert ("tensorflow" in installed(".tflite")) is (find_spec("tensorflow") is not None)


def test_every_runtime_says_what_the_student_says(conv_export, conv_student, clips):
    reference = student_scores(conv_student, clips[0])
    path = conv_export.folder / "student.tflite"
    reports, scores = check_runtimes(path, *clips, reference, exact=True, step=None)
    assert set(reports) == set(scores) == set(installed(".tflite"))
    for name, report in reports.items():
        assert report.passed and report.agreement == 1.0 and report.clips == 40, (name, report.why)
        assert (report.from_golden is None) is (name == GOLDEN)


def test_a_student_that_says_something_else_fails_in_every_runtime(conv_export, conv_student, clips):
    reference = student_scores(conv_student, clips[0])[:, ::-1]
    path = conv_export.folder / "student.int8.tflite"
    step = conv_export.files[path.name].output.scale
    reports, _ = check_runtimes(path, *clips, reference, exact=False, step=step)
    assert not any(report.passed for report in reports.values())
    assert all("allowed" in report.why for report in reports.values())


def test_a_large_network_gets_fewer_clips_where_that_is_slow(conv_export, conv_student, clips, monkeypatch):
    monkeypatch.setattr("export.across.SLOW_MACS", 1)
    reference = student_scores(conv_student, clips[0])
    path = conv_export.folder / "student.tflite"
    reports, _ = check_runtimes(path, *clips, reference, exact=True, step=None)
    assert {name: report.clips for name, report in reports.items() if name in ("litert", GOLDEN)} == {
        "litert": 40,
        GOLDEN: 16,
    }


def test_a_float_file_must_say_the_same_on_made_windows(conv_export, conv_student, clips):
    groups = {"silence": stress_windows(clips[0])["silence"]}
    references = {"silence": student_scores(conv_student, groups["silence"])}
    path = conv_export.folder / "student.tflite"
    assert check_stress(path, groups, references, True, ("litert", GOLDEN))["silence"].passed
    wrong = {"silence": np.roll(references["silence"], 1, axis=1)}
    report = check_stress(path, groups, wrong, True, ("litert", GOLDEN))["silence"]
    assert not report.passed and "differs by" in report.why and report.spread < 1e-4
