"""Model and golden windows onto a phone: a stand-in `adb` keeps a folder as the phone's storage."""

from __future__ import annotations

import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from export.contract import read_contract
from export.errors import ExportError
from export.push import FOLDER, push_student
from firmware_sim.errors import SimError
from firmware_sim.runtimes.litert import LiteRtSession

STAND_IN = """#!{python}
import pathlib, shutil, subprocess, sys
here = pathlib.Path(__file__).parent
storage = here / "storage"
words = sys.argv[1:]
if words[0] == "-s":
    words = words[2:]
if words[0] == "devices":
    print("List of devices attached\\n" + (here / "devices").read_text())
elif words[0] == "push":
    target = storage / words[2].lstrip("/")
    content = pathlib.Path(words[1]).read_bytes()
    target.write_bytes(content[: len(content) // 2] if (here / "full").exists() else content)
elif words[1].startswith(("mkdir -p ", "sha256sum ")):
    command = words[1].replace("/data/local/tmp", str(storage / "data/local/tmp"))
    sys.exit(subprocess.run(["sh", "-c", command]).returncode)
else:
    print("arm64-v8a" if "abi" in words[1] else "Phone X")
"""


@pytest.fixture
def phone(tmp_path, monkeypatch) -> Path:
    """The folder of the stand-in, with one device."""
    program = tmp_path / "phone" / "adb"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (program.parent / "devices").write_text("R5CT\tdevice usb:1-1 model:Phone_X transport_id:1\n")
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program.parent


@pytest.fixture
def run(conv_export, train_windows, tmp_path):
    (tmp_path / "run" / "export").mkdir(parents=True)
    for file in conv_export.folder.glob("*.tflite"):
        (tmp_path / "run" / "export" / file.name).write_bytes(file.read_bytes())

    @dataclass
    class Run:
        folder: Path

        def clips(self, part: str, *streams: str):
            assert part == "test"
            return SimpleNamespace(arrays={"acc": train_windows})

    return Run(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "dtype"), [("student.int8.tflite", np.int8), ("student.tflite", np.float32)]
)
def test_the_phone_holds_what_litert_takes_and_gives(phone, run, name, dtype):
    if name == "student.tflite":
        (run.folder / "export" / "student.int8.tflite").unlink()
    pushed = push_student(run)
    there = phone / "storage" / FOLDER.lstrip("/")
    assert sorted(path.name for path in there.iterdir()) == list(pushed.files)
    assert pushed.bytes == sum(path.stat().st_size for path in there.iterdir())
    assert pushed.device == "adb-R5CT" and pushed.windows == 8
    windows = np.fromfile(there / "golden-windows.bin", dtype).reshape(8, 1, 64, 3)
    session = LiteRtSession(there / name)
    given = np.array([session.infer([window])[0][0] for window in windows])
    assert np.array_equal(np.fromfile(there / "golden-scores.bin", dtype).reshape(8, 4), given)
    labels = (there / "labels.txt").read_text("utf-8").splitlines()
    assert tuple(labels) == read_contract(there / name).labels
    assert name in (there / "Student.kt").read_text("utf-8")


def test_a_phone_that_is_full_or_not_there_is_said(phone, run):
    (phone / "full").touch()
    with pytest.raises(SimError, match=r"golden-scores\.bin|Student\.kt.*did not arrive whole"):
        push_student(run)
    (phone / "devices").write_text("\n")
    with pytest.raises(SimError, match="adb sees no device"):
        push_student(run)


def test_a_run_without_export_is_said(phone, run):
    for file in (run.folder / "export").iterdir():
        file.unlink()
    with pytest.raises(ExportError, match="no exported student"):
        push_student(run)
