"""C of a run's int8 student, or of any int8 file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.c.package import CReport, write_c
from export.errors import ExportError

if TYPE_CHECKING:
    from export.exportable import ExportableRun

INT8 = "student.int8.tflite"


def c_of_run(run: ExportableRun) -> CReport:
    """Writes `<run>/export/c` from the int8 file that was exported there, with the run's test windows.

    Raises ExportError where there is none, or C cannot do it.
    """
    path = run.folder / "export" / INT8
    if not path.is_file():
        raise ExportError(f"There is no {path} to write as C; write it with: edgehar export --int8.")
    return write_c(path, path.parent / "c", run.clips("test", "acc").arrays["acc"])


def c_of_file(path: Path, target: Path | None = None) -> CReport:
    """Writes a `.tflite` file as C into `target`, default a folder `<its name>-c` beside it.

    Golden vectors are a run's test windows where the file lies in that run's export folder, else noise.
    Raises ExportError for what cannot be used.
    """
    return write_c(path, target or path.with_name(f"{path.stem}-c"), _windows(path))


def _windows(path: Path) -> np.ndarray | None:
    from export.judge import run_of

    run = run_of(path)
    return run.clips("test", "acc").arrays["acc"] if run else None
