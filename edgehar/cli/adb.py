"""What `edgehar bench --device adb` does: a model measured on a phone or watch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgehar.errors import InputError

if TYPE_CHECKING:
    from firmware_sim.report import CostReport

ADB = "adb"


def is_adb(name: str) -> bool:
    """Whether `--device` names a device behind adb: `adb`, or `adb:` and a serial."""
    return name == ADB or name.startswith(f"{ADB}:")


def measured_by_adb(file: Path, name: str, binary: Path | None = None) -> CostReport:
    """`file` on the device `adb` or `adb:serial`: by LiteRT's benchmark program, else by its C code.

    binary: LiteRT's `benchmark_model` for that device. Raises InputError, SimError or ExportError.
    """
    from firmware_sim.adb import connect, measure_benchmark, measure_c
    from firmware_sim.model import read_model

    if file.suffix != ".tflite":
        raise InputError(f"{file}: only a .tflite file runs on a phone; export the student as one.")
    model = read_model(file)
    device = connect(name.partition(":")[2] or None)
    if binary is not None:
        return measure_benchmark(model, device, binary)
    from edgehar.cli.emulate import write_student_c

    with tempfile.TemporaryDirectory(prefix="edgehar-c-") as folder:
        write_student_c(file, Path(folder))
        return measure_c(model, device, Path(folder))
