"""`edgehar export --c` and `--bundle`: what a firmware developer is handed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.output import kib
from edgehar.errors import InputError

if TYPE_CHECKING:
    from export.bundle import BundleReport
    from export.c.package import CReport
    from export.report import ExportReport

COption = Annotated[
    bool, typer.Option("--c", help="Write the int8 student, or an int8 .tflite FILE, as C too.")
]
BundleOption = Annotated[
    bool, typer.Option("--bundle", help="One zip to hand over: models, card, golden windows, C, page.")
]


def is_file(model: Path | None) -> bool:
    """Whether a model file is meant, and not a run."""
    return model is not None and model.suffix == ".tflite"


def file_as_c(path: Path, c: bool, out: Path | None) -> CReport:
    """An int8 .tflite file as C. Raises InputError where no C is asked for."""
    if not c:
        raise InputError(f"{path} is a file; of a FILE only C can be written, with --c.")
    from export.c.of import c_of_file

    return c_of_file(path, out)


def handed_over(report: ExportReport, c: bool, bundle: bool) -> dict[str, Any]:
    """What was written beside the models of a run: `c` and `bundle`, by name.

    A student that C cannot do has a bundle without C, unless C was asked for. Raises ExportError.
    """
    from edgehar.runs import Run

    made: dict[str, Any] = {}
    without_c = None
    if c or bundle:
        from export.c.of import c_of_run
        from export.errors import ExportError

        try:
            made["c"] = c_of_run(Run(report.folder.parent))
        except ExportError as error:
            if c:
                raise
            without_c = str(error).replace(f"{report.folder}{os.sep}", "")
    if bundle:
        from export.bundle import write_bundle

        made["bundle"] = write_bundle(Run(report.folder.parent), without_c)
    return made


def view_c(report: CReport) -> RenderableType:
    """What the C student takes, what TFLite-Micro would take, and where the files are."""
    table = Table(title=f"{report.model} as C", title_justify="left", title_style="bold", show_header=False)
    table.add_row("multiply-accumulates", f"{report.macs:,} in {report.operators} operators")
    table.add_row("weights", kib(report.weights_bytes))
    table.add_row("RAM, plain C", kib(report.arena_bytes))
    table.add_row("RAM, TFLite-Micro's arena", kib(report.tflm.arena_bytes))
    table.add_row("golden vectors", str(report.golden))
    faults = []
    if not report.passed:
        steps = report.tflm.largest_difference
        faults.append(Text(f"TFLite-Micro's scores are {steps} steps from LiteRT's.", style="red"))
    return Group(table, *faults, Text(str(report.folder / "student.c"), overflow="fold"))


def view_bundle(report: BundleReport) -> RenderableType:
    """Where the zip is, its size by part, largest first, and what is not in it."""
    table = Table(title="the bundle", title_justify="left", title_style="bold", show_header=False)
    for part, size in sorted(report.parts.items(), key=lambda found: -found[1]):
        table.add_row(part, kib(size))
    lacking = [
        Text(f"No {part}/ in it: {reason}", style="yellow") for part, reason in report.left_out.items()
    ]
    return Group(table, *lacking, Text(f"{report.path} {kib(report.bytes)}", overflow="fold"))
