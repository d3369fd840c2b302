"""`edgehar export --module` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

NETWORK = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, channels):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(channels, 8, 5, padding=2)
        self.fc = nn.Linear(8, 3)
        with torch.no_grad():
            self.fc.weight.mul_(6)

    def forward(self, x):
        return self.fc(self.conv(x).relu().mean(2))

class Middle(Small):
    def forward(self, x):
        return self.fc(self.conv(x).median(2).values)

def build(channels):
    return Small(channels)

def middle(channels):
    return Middle(channels)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with somebody's network, its weights, and a manifest of recordings, as the current one."""
    from safetensors.torch import save_file

    (tmp_path / "somebody.py").write_text(NETWORK)
    rng = np.random.default_rng(0)
    lines = ["clip,label,subject,trial,stream,path,rate_hz,unit"]
    for number in range(24):
        values = rng.normal(0, 3, (25, 3)) + rng.normal(0, 9, 3)
        np.savetxt(tmp_path / f"c{number}.csv", values, delimiter=",", header="x,y,z", comments="")
        lines.append(f"c{number},walk,s{number % 4},1,acc,c{number}.csv,25,m/s^2")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import somebody  # type: ignore[import-not-found]

    save_file(somebody.build(3).state_dict(), tmp_path / "w.safetensors")
    return tmp_path


def test_a_network_of_ones_own_becomes_checked_files(edgehar, project):
    ended = edgehar(
        "export", "--module", "somebody:build", "--weights", "w.safetensors", "--calibration", "clips.csv",
        "--int8", "--format", "tflite", "--model-version", "2.1", "--json",
    )  # fmt: skip
    assert ended.exit_code == 0, ended.stderr + ended.stdout
    told = json.loads(ended.stdout)
    assert list(told["files"]) == ["student.tflite", "student.int8.tflite"] and told["passed"]
    contract = told["contract"]
    assert (contract["student"], contract["window"], contract["rate_hz"]) == ("somebody", 25, 25.0)
    assert (contract["unit"], contract["axis_order"]) == ("m/s^2", ["x", "y", "z"])
    assert contract["version"] == "2.1"
    folder = project / "runs" / "somebody-build" / "export"
    assert json.loads((folder / "export.json").read_text("utf-8")) == told
    assert (folder / "student.int8.tflite").stat().st_size == told["files"]["student.int8.tflite"]["bytes"]


def test_what_cannot_be_converted_is_refused_and_the_old_export_stays(edgehar, project):
    folder = project / "out" / "export"
    folder.mkdir(parents=True)
    (folder / "student.tflite").write_bytes(b"the earlier one")
    ended = edgehar("export", "--module", "somebody:middle", "--calibration", "clips.csv", "--out", "out")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "uses median; use the mean, or amax and amin" in ended.stderr
    assert (folder / "student.tflite").read_bytes() == b"the earlier one"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--module", "somebody:build"], "--module needs --calibration"),
        (["--weights", "w.safetensors"], "--weights is about --module"),
        (["runs/walk", "--module", "somebody:build", "--calibration", "clips.csv"], "of no run"),
        (["--module", "somebody:build", "--calibration", "gone.csv"], "There is no file gone.csv"),
        (["--module", "somebody:make", "--calibration", "clips.csv"], "no function 'make'"),
        (["--module", "somebody:build", "--calibration", "clips.csv", "--layout", "tcn"], "no layout called"),
    ],
)
def test_what_does_not_go_together_is_told_in_one_sentence(arguments, said, edgehar, project):
    ended = edgehar("export", *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr and ended.stderr.count("\n") == 1
