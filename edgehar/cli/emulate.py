"""What `edgehar bench --emulate` does: a model on an emulated core, beside its estimate."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from edgehar.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from firmware_sim.emulator.report import EmulatedReport
    from firmware_sim.profile import DeviceProfile
    from firmware_sim.report import CostReport


def emulated(file: Path, profile: DeviceProfile | None, estimated: CostReport) -> EmulatedReport:
    """`file` on the core of `profile`: an application core runs the arm64 LiteRT, a Cortex-M the C student.

    profile: None is `host`, where there is nothing to emulate. estimated: stands beside. Raises InputError,
    SimError or ExportError.
    """
    if profile is None:
        raise InputError("--emulate needs a device with an Arm core: --device cpu-arm")
    from edgehar.cli.output import bars
    from firmware_sim.emulator.places import find_emulator
    from firmware_sim.emulator.report import emulate
    from firmware_sim.model import read_model

    model = read_model(file)
    if profile.core.startswith("cortex-m"):
        return _emulated_c(file, profile, estimated)
    find_emulator()
    with bars() as bar:
        return emulate(model, profile, estimated, progress=bar)


def _emulated_c(file: Path, profile: DeviceProfile, estimated: CostReport) -> EmulatedReport:
    from firmware_sim.emulator.places import find_emulator
    from firmware_sim.emulator.report import emulate_c
    from firmware_sim.model import read_model

    find_emulator(cortex_m=True)
    with tempfile.TemporaryDirectory(prefix="edgehar-c-") as folder:
        write_student_c(file, Path(folder))
        return emulate_c(read_model(file), profile, estimated, Path(folder))


def write_student_c(file: Path, folder: Path) -> None:
    """The C sources of an int8 `.tflite` file, as `edgehar export --c` writes them, into `folder`.

    Raises ExportError for what C cannot do.
    """
    from export.c.package import write_c

    write_c(file, folder)


def view_emulated(report: CostReport) -> list[RenderableType]:
    """What only an emulated report has: counts, parity, and both methods' cycles of each operator."""
    from firmware_sim.emulator.report import EmulatedReport

    if not isinstance(report, EmulatedReport) or report.counts is None or report.core_model is None:
        return []
    lines = [
        f"{report.counts.instructions:,} instructions on {report.device.core}; {report.core_model['rule']}"
    ]
    lines.append(f"source: {report.core_model['source']}")
    if report.parity is not None:
        same, parity = report.parity.values - report.parity.differing, report.parity
        lines.append(f"parity: {same} of {parity.values} outputs equal {parity.kernels} here, "
                     f"largest difference {parity.largest:.3g}")  # fmt: skip
    return [_differences_table(report), *(Text(line) for line in lines)]


def _differences_table(report: EmulatedReport) -> RenderableType:
    table = Table(box=SIMPLE_HEAD)
    for column in ("", "operator", "estimated cycles", "emulated", "ratio", "why"):
        table.add_column(column, justify="left" if column in ("operator", "why") else "right")
    for d in report.differences:
        numbers = ("-" if c is None else f"{c:,.0f}" for c in (d.estimated_cycles, d.emulated_cycles))
        table.add_row(
            str(d.index), d.name, *numbers, "-" if d.ratio is None else f"{d.ratio:.2f}", d.reason or ""
        )
    return table
