"""Other people's networks: built, filled, arranged, exported in all formats and run by the real runtimes."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from export.artifacts import export_student
from export.calibration_set import CalibrationSet
from export.contract import read_contract
from export.errors import ExportError
from export.kinds import Choices
from export.module import exportable_module, judges, logits_of, wrap
from export.parity import file_scores

FILES = ["student.tflite", "student.int8.tflite", "student.onnx", "student.int8.onnx"]
# Network -> window and channels; 125 and 51 are odd, 6 channels are an accelerometer and a gyroscope.
ZOO = {
    "lstm": (8, 3),
    "gru": (8, 6),
    "dilated": (64, 3),
    "depthwise": (64, 6),
    "attention": (51, 3),
    "transposed": (64, 3),
    "strided": (125, 3),
}


def calibration(window=32, channels=3, count=48, **changes):
    rng = np.random.default_rng(0)
    windows = rng.normal(0, 4, (count, window, channels)) + rng.normal(0, 9, (count, 1, channels))
    facts = {
        "windows": windows.astype(np.float32),
        "classes": None,
        "subjects": None,
        "stream": "input",
        "unit": "unknown",
        "axes": tuple(map(str, range(channels))),
        "rate_hz": None,
        "framing": "window",
    }
    return CalibrationSet(**facts | changes)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """The folder where zoo.py lies, as the current one."""
    monkeypatch.chdir(Path(__file__).parent)
    return "zoo.py"


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_network_becomes_four_files_that_agree(name, zoo, tmp_path):
    window, channels = ZOO[name]
    known = calibration(window, channels)
    source = exportable_module(f"{zoo}:{name}", known)
    report = export_student(source, tmp_path / "export", Choices(kinds=("int8",)))
    assert list(report.files) == FILES
    assert report.passed, {file: entry.why for file, entry in report.files.items() if entry.why}
    decided = source.test.labels
    assert len(set(decided.tolist())) > 1  # else agreement would say nothing
    for file in FILES:
        _, scores = file_scores(tmp_path / "export" / file, source.test.values)
        assert (scores.argmax(1) == decided).mean() >= 0.9
        contract = read_contract(tmp_path / "export" / file)
        assert contract.input.shape == (1, window, channels)
        assert (contract.input.name, contract.unit, contract.student) == ("input", "unknown", "zoo")


def test_recurrent_networks_are_unrolled_and_that_is_seen(zoo, tmp_path):
    report = export_student(
        exportable_module(f"{zoo}:lstm", calibration(12)), tmp_path / "export", Choices(("tflite",))
    )
    assert sum(report.files["student.tflite"].operators.values()) > 12 * 10
    assert report.files["student.tflite"].arena_bytes is None  # TFLite-Micro takes no 12 inputs


class Takes(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.fc = nn.Linear(int(np.prod(shape)), 2)

    def forward(self, x):
        assert x.shape[1:] == self.shape, f"expected {self.shape}"
        return self.fc(x.flatten(1))


@pytest.mark.parametrize(
    ("shape", "layout"), [((8, 3), "ntc"), ((3, 8), "nct"), ((1, 8, 3), "n1tc"), ((3, 1, 8), "nc1t")]
)
def test_the_layout_is_found(shape, layout):
    windows = calibration(8).windows
    assert wrap(Takes(shape), windows, "m:b", None).layout == layout
    assert wrap(Takes(shape), windows, "m:b", layout).layout == layout


def test_a_network_that_runs_on_no_layout_is_told():
    with pytest.raises(ExportError, match=r"m:b does not run .* as ntc, nct, n1tc, nc1t .*expected"):
        wrap(Takes((5, 5)), calibration(8).windows, "m:b", None)


class Batchy(nn.Module):
    def forward(self, x):
        return (x - x.mean(0)).mean(1)


class Noisy(nn.Module):
    def forward(self, x):
        return x.mean(1) + torch.randn(3)


@pytest.mark.parametrize("network", [Batchy(), Noisy()])
def test_a_network_that_depends_on_the_batch_or_on_chance_is_refused(network):
    with pytest.raises(ExportError, match="a window alone"):
        wrap(network, calibration(8).windows, "m:b", None)


def test_logits_are_found_in_what_networks_return():
    logits = torch.ones(2, 3)
    record = type("Record", (), {"logits": logits})
    for said in (logits, (logits, 1), {"logits": logits, "more": 1}, {"only": logits}, record):
        assert logits_of(said) is logits
    for said in (torch.ones(2, 3, 4), "text", {"a": logits, "b": logits}, ()):
        with pytest.raises(ExportError, match="return those"):
            logits_of(said)


@pytest.mark.parametrize(
    ("last", "said"),
    [("x.softmax(1)", "gives probabilities"), ("x.log_softmax(1)", "log_softmax"), ("x / 0", "not finite")],
)
def test_what_is_no_logits_is_refused(last, said, tmp_path):
    (tmp_path / "ends.py").write_text(
        "from torch import nn\n"
        "class Ends(nn.Module):\n"
        "    def forward(self, x):\n"
        "        x = x.mean(1)\n"
        f"        return {last}\n"
        "def build(): return Ends()\n"
    )
    with pytest.raises(ExportError, match=said):
        exportable_module(f"{tmp_path / 'ends.py'}:build", calibration(8))


def test_labels_name_the_classes_and_say_what_is_right(zoo, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("rest\nwave\nknock\ngrößer\n", "utf-8")
    known = calibration(64, classes=("wave", "größer") * 24)
    source = exportable_module(f"{zoo}:dilated", known, labels=labels)
    assert source.contract.labels == ("rest", "wave", "knock", "größer")
    assert set(source.train.labels.tolist()) == {1, 3}
    unnamed = exportable_module(f"{zoo}:dilated", known)
    assert unnamed.contract.labels == ("class 0", "class 1", "class 2", "class 3")
    with pytest.raises(ExportError, match="has the label 'jump', which --labels lacks"):
        exportable_module(f"{zoo}:dilated", calibration(64, classes=("jump",) * 48), labels=labels)
    labels.write_text("rest\nwave\n", "utf-8")
    with pytest.raises(ExportError, match=r"has 2 names, .* gives 4 scores"):
        exportable_module(f"{zoo}:dilated", known, labels=labels)


def test_who_judges_does_not_calibrate():
    classes = np.arange(16) % 2
    assert judges(classes, None).sum() == 4
    assert set(classes[judges(classes, None)].tolist()) == {0, 1}
    subjects = tuple("abcd"[i // 4] for i in range(16))
    assert set(np.array(subjects)[judges(classes, subjects)]) == {"d"}


def test_the_network_itself_is_not_changed(zoo, tmp_path):
    source = exportable_module(f"{zoo}:strided", calibration(64))
    before = copy.deepcopy(source.student.state_dict())
    export_student(source, tmp_path / "export", Choices(("onnx",)))
    after = source.student.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert json.loads((tmp_path / "export" / "export.json").read_text())["contract"]["student"] == "zoo"
