"""The zip, unpacked and used as its reader would: Python without torch, C, the card."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from export import bundle
from export.bundle import write_bundle
from export.c.package import C_FILES
from export.calibrate import measure_ranges
from export.errors import ExportError
from export.quantize import quantize_tflite
from export.quiet import quiet
from firmware_sim.runtimes.litert import LiteRtSession


@pytest.fixture
def run(bundled_run):
    return bundled_run


@pytest.fixture
def unpacked(run, tmp_path) -> Path:
    with zipfile.ZipFile(write_bundle(run).path) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_it_holds_what_its_readme_names(unpacked, conv_export):
    names = {str(f.relative_to(unpacked)) for f in unpacked.rglob("*") if f.is_file()}
    models = set(conv_export.files)
    parts = {"labels.txt", "export.json", "MODEL_CARD.md", "README.md", "score.py", "Student.kt"}
    parts |= {"LICENSE", "SHA256SUMS"}
    golden = {f"golden/{name}" for name in ("windows.npy", "windows.bin", "scores.json", "scores.bin")}
    assert names == models | parts | golden | {f"c/{name}" for name in C_FILES}
    readme = (unpacked / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in models | {"score.py", "Student.kt", "MODEL_CARD.md"})
    assert "at 50 Hz" in readme and "@" not in readme
    assert (
        "| no `web/` | LiteRT.js is not here yet; fetch it once (10 MB, needs npm): edgehar setup web |"
        in readme
        and "| `c/` | " in readme
    )
    assert "Apache License" in (unpacked / "LICENSE").read_text()


def test_a_file_or_a_zip_cut_short_shows(run, unpacked, tmp_path):
    check = ["sha256sum", "-c", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=unpacked, check=False).returncode == 0
    listed = (unpacked / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == sum(path.is_file() for path in unpacked.rglob("*")) - 1
    model = unpacked / "student.int8.tflite"
    model.write_bytes(model.read_bytes()[:-100])
    done = subprocess.run(check, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "student.int8.tflite: FAILED" in done.stdout
    whole = (run.folder / "export" / bundle.NAME).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(tmp_path / "cut.zip")


def test_a_student_that_c_cannot_do_has_a_bundle_that_says_so(run):
    (run.folder / "export" / "c" / "student.c").unlink()
    report = write_bundle(run, "student.int8.tflite: LOGISTIC has no kernel in C; use ReLU.")
    assert report.left_out["c"].startswith("student.int8.tflite: LOGISTIC")
    with zipfile.ZipFile(report.path) as archive:
        assert not [name for name in archive.namelist() if name.startswith("c/")]
        readme = archive.read("README.md").decode()
    assert "| no `c/` | student.int8.tflite: LOGISTIC has no kernel in C; use ReLU. |" in readme


def test_python_without_torch_reproduces_the_scores(unpacked):
    guarded = "import sys, runpy; sys.modules.update(torch=None, edgehar=None, export=None); "
    command = [sys.executable, "-c", guarded + "runpy.run_path('score.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("from the scores") == 2
    scores = json.loads((unpacked / "golden" / "scores.json").read_text())
    scores["student.tflite"][0].reverse()
    (unpacked / "golden" / "scores.json").write_text(json.dumps(scores))
    assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode == 1


def test_an_app_gets_the_bytes_that_litert_takes_and_gives(unpacked):
    taken = np.fromfile(unpacked / "golden" / "windows.bin", np.int8).reshape(8, 1, 64, 3)
    session = LiteRtSession(unpacked / "student.int8.tflite")
    given = np.array([session.infer([window])[0][0] for window in taken])
    assert np.array_equal(np.fromfile(unpacked / "golden" / "scores.bin", np.int8).reshape(8, 4), given)


def test_files_of_every_kind_are_told_and_scored(run, conv_tflite, train_windows, tmp_path):
    folder = run.folder / "export"
    told = json.loads((folder / "export.json").read_text())
    with quiet():
        content = quantize_tflite(conv_tflite, "int16x8", measure_ranges(conv_tflite, train_windows))
    (folder / "student.int16x8.tflite").write_bytes(content)
    told["files"]["student.int16x8.tflite"] = told["files"]["student.int8.tflite"]
    (folder / "export.json").write_text(json.dumps(told))
    with zipfile.ZipFile(write_bundle(run).path) as archive:
        archive.extractall(tmp_path / "unpacked")
    done = subprocess.run(
        [sys.executable, tmp_path / "unpacked" / "score.py"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "student.int16x8.tflite: at most" in done.stdout, done.stderr
    readme = (tmp_path / "unpacked" / "README.md").read_text()
    assert "| `student.int16x8.tflite` | LiteRT, int16 activations, int8 weights |" in readme


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
