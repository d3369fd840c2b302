"""A student on a phone, beside golden windows in the bytes that it takes and gives."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.contract import TensorContract, read_contract
from export.deploy import model_of
from export.errors import ExportError
from export.kotlin import FILE_NAME, student_kt
from export.parity import file_scores
from firmware_sim.adb import connect, push

if TYPE_CHECKING:
    from edgehar.runs import Run

FOLDER = "/data/local/tmp/edgehar-student"
WINDOWS = 8


@dataclass(frozen=True)
class Pushed:
    """What lies on the phone. files: names below `folder`; windows: golden ones; bytes: of all files."""

    device: str
    folder: str
    files: tuple[str, ...]
    windows: int
    bytes: int


def push_student(run: Run, serial: str | None = None) -> Pushed:
    """Push model, labels, golden windows with their scores, and Student.kt to the phone that adb sees.

    `golden-windows.bin` and `golden-scores.bin` are windows and scores one after another, as the model
    takes and gives them: no file format, so that an app reads them in one line. Raises ExportError where
    nothing was exported, SimError where there is no phone or a file does not arrive.
    """
    device = connect(serial)
    model = model_of(run.folder)
    with tempfile.TemporaryDirectory(prefix="edgehar-push-") as name:
        folder = Path(name)
        windows = write_handover(run, model, folder)
        size = push(device, folder, FOLDER)
        files = tuple(sorted(path.name for path in folder.iterdir()))
    return Pushed(device.name, FOLDER, files, windows, size)


def write_handover(run: Run, model: Path, folder: Path) -> int:
    """Write into `folder` what `push_student` pushes; returns the number of golden windows."""
    contract = read_contract(model)
    test = run.clips("test", "acc").arrays["acc"]
    if not len(test):
        raise ExportError(f"{run.folder} has no test windows to check a phone with; push the file by hand.")
    windows = test[np.unique(np.linspace(0, len(test) - 1, WINDOWS).round().astype(int))]
    contents = {
        model.name: model.read_bytes(),
        "labels.txt": "".join(f"{label}\n" for label in contract.labels).encode(),
        "golden-windows.bin": stored(windows, contract.input),
        "golden-scores.bin": stored(file_scores(model, windows)[1], contract.output),
        FILE_NAME: student_kt(contract, model.name).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return len(windows)


def stored(values: np.ndarray, port: TensorContract) -> bytes:
    """Real values as the model's border stores them, row by row, little-endian."""
    if port.scale is None:
        return values.astype("<f4").tobytes()
    limits = np.iinfo(port.dtype)
    steps = np.round(values / np.float32(port.scale)) + (port.zero_point or 0)
    return np.clip(steps, limits.min, limits.max).astype(np.dtype(port.dtype).newbyteorder("<")).tobytes()
