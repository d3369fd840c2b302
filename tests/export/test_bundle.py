"""The zip, unpacked and used as its reader would: Python without torch, C, the card."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from export import bundle
from export.bundle import write_bundle
from export.c.of import c_of_run
from export.c.package import C_FILES
from export.errors import ExportError

FIGURE = {"accuracy": {"per_seed": [0.9], "mean": 0.9, "std": None}}
FIGURE["macro_f1"] = FIGURE["accuracy"]


@dataclass
class FinishedRun:
    """What a bundle asks of a run folder, around a small run."""

    small: object
    folder: Path

    config = {  # noqa: RUF012 (never changed)
        "plan": {
            "data": "motions",
            "split": "cross-subject",
            "method": "vskd",
            "loss": "dask",
            "teachers": ["rgb"],
        }
    }
    metrics = {"teachers": {"rgb": FIGURE}, "baseline": FIGURE, "student": FIGURE, "seeds": [0]}  # noqa: RUF012

    def clips(self, part: str, *streams: str):
        small = self.small.clips(part, *streams)
        subjects = np.array(["1", "3"] if part == "train" else ["2", "10"])[small.labels % 2]
        return SimpleNamespace(arrays=small.arrays, labels=small.labels, subjects=subjects)


@pytest.fixture
def run(conv_export, small_run, tmp_path) -> FinishedRun:
    (tmp_path / "run" / "export").mkdir(parents=True)
    for file in conv_export.folder.iterdir():
        (tmp_path / "run" / "export" / file.name).write_bytes(file.read_bytes())
    found = FinishedRun(small_run(tmp_path / "run", None), tmp_path / "run")
    c_of_run(found)
    return found


@pytest.fixture
def unpacked(run, tmp_path) -> Path:
    with zipfile.ZipFile(write_bundle(run).path) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_it_holds_what_its_readme_names(unpacked, conv_export):
    names = {str(f.relative_to(unpacked)) for f in unpacked.rglob("*") if f.is_file()}
    models = set(conv_export.files)
    parts = {"labels.txt", "export.json", "MODEL_CARD.md", "README.md", "score.py", "Student.kt"}
    golden = {"golden/windows.npy", "golden/scores.json"}
    assert names == models | parts | golden | {f"c/{name}" for name in C_FILES}
    readme = (unpacked / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in models | {"score.py", "Student.kt", "MODEL_CARD.md"})
    assert "at 50 Hz" in readme and "@" not in readme


def test_python_without_torch_reproduces_the_scores(unpacked):
    guarded = "import sys, runpy; sys.modules.update(torch=None, edgehar=None, export=None); "
    command = [sys.executable, "-c", guarded + "runpy.run_path('score.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("from the expected scores") == 2
    scores = json.loads((unpacked / "golden" / "scores.json").read_text())
    scores["student.tflite"][0].reverse()
    (unpacked / "golden" / "scores.json").write_text(json.dumps(scores))
    assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode == 1


def test_the_script_is_about_thirty_lines(unpacked):
    lines = (unpacked / "score.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) < 40


def test_the_card_tells_data_people_figures_and_limits(unpacked):
    card = (unpacked / "MODEL_CARD.md").read_text()
    assert "motions, split cross-subject" in card
    assert "- training: 240 clips of 2 subjects (1, 3)" in card and "120 clips of 2 subjects (2, 10)" in card
    assert "| student | 90.0 | 90.0 |" in card and "One seed" in card
    for heading in ("## Intended use", "## Limits", "## Licence"):
        assert heading in card


def test_equal_input_gives_an_equal_zip(run):
    first = hashlib.sha256(write_bundle(run).path.read_bytes()).hexdigest()
    assert hashlib.sha256(write_bundle(run).path.read_bytes()).hexdigest() == first


def test_its_size_is_told_by_part(run):
    report = write_bundle(run)
    assert report.bytes == report.path.stat().st_size > sum(report.parts.values()) > 0.9 * report.bytes
    assert {"c", "golden", "student.int8.tflite"} <= set(report.parts)


def test_a_full_disk_leaves_the_old_zip(run, monkeypatch):
    before = write_bundle(run).path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle.zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space"):
        write_bundle(run)
    assert (run.folder / "export" / bundle.NAME).read_bytes() == before
    assert not list((run.folder / "export").glob(".*"))


def test_what_is_missing_is_said(run):
    (run.folder / "export" / "c" / "main.c").unlink()
    with pytest.raises(ExportError, match="edgehar export --c"):
        write_bundle(run)
    (run.folder / "export" / "student.onnx").unlink()
    with pytest.raises(ExportError, match=r"student\.onnx is missing.*edgehar export --int8"):
        write_bundle(run)
    (run.folder / "export" / "export.json").write_text("{")
    with pytest.raises(ExportError, match="holds no export"):
        write_bundle(run)
