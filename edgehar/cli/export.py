"""`edgehar export`: a run's student as checked .tflite and .onnx files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from edgehar.cli.export_module import (
    CalibrationOption,
    FramingOption,
    LabelsOption,
    LayoutOption,
    ModuleOption,
    ModuleOptions,
    ModuleOutOption,
    StreamOption,
    WeightsOption,
    WindowOption,
    check_alone,
    open_module,
)
from edgehar.cli.options import AsJson, Debug, OneSeed, RunArg, new_app
from edgehar.cli.output import kib, show

if TYPE_CHECKING:
    from export.artifacts import Progress as Report
    from export.kinds import Choices
    from export.report import ExportReport

app = new_app()


@app.command(
    epilog="Example: edgehar export --int8. One format: edgehar export runs/walk --format tflite. "
    "A network of your own: edgehar export --module mymodel:build --weights w.safetensors --calibration clips.csv"
)
def export(
    run: RunArg = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write int8 files as well as float ones.")] = False,
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="tflite, onnx, or both with a comma.")
    ] = "tflite,onnx",
    seed: OneSeed = None,
    module: ModuleOption = None,
    weights: WeightsOption = None,
    calibration: CalibrationOption = None,
    labels: LabelsOption = None,
    window: WindowOption = None,
    stream: StreamOption = None,
    framing: FramingOption = None,
    layout: LayoutOption = None,
    out: ModuleOutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Turn a run's student into .tflite and .onnx files, and check them on the test clips.

    Each file is run by its real runtime and must decide as the trained student does; a file that does
    not is written all the same, told in red, and the exit code is 1.
    """
    foreign = ModuleOptions(weights, calibration, labels, window, stream, framing, layout, out)
    check_alone(foreign, module, run, seed)
    if module is not None:
        report = export_foreign(module, foreign, int8, formats)
    else:
        report = export_latest(run, int8, formats, seed)
    show(report.to_json() if as_json else report, as_json, view=view)
    if not report.passed:
        raise typer.Exit(1)


def export_latest(
    run: Path | None = None, int8: bool = False, formats: str = "tflite,onnx", seed: int | None = None
) -> ExportReport:
    """Exports a run folder, or the latest finished run, with a progress bar on stderr."""
    with _progress_bar() as progress:
        progress("loading", 0, 1)
        from edgehar.runs import find_run, open_run
        from export.artifacts import export_run

        return export_run(open_run(find_run(run)), _choices(int8, formats), seed, progress)


def export_foreign(module: str, options: ModuleOptions, int8: bool, formats: str) -> ExportReport:
    """Exports a network that somebody's function builds, with a progress bar on stderr."""
    with _progress_bar() as progress:
        progress("loading", 0, 1)
        from export.artifacts import export_student

        source, folder = open_module(module, options)
        return export_student(source, folder, _choices(int8, formats), progress)


def _choices(int8: bool, formats: str) -> Choices:
    from export.kinds import Choices

    names = tuple(name.strip() for name in formats.split(",") if name.strip())
    return Choices(names, ("int8",) if int8 else ())


def view(report: ExportReport) -> RenderableType:
    """A table of the files, the failures in red with their reason, and the path of the file to ship."""
    table = Table(title=f"Exported on {report.clips} test clips", title_justify="left", title_style="bold")
    table.add_column("file", no_wrap=True)
    for column in ("size", "accuracy", "agreement", "max diff"):
        table.add_column(column, justify="right")
    table.add_column("check")
    table.add_row("student (torch)", "", f"{report.student_accuracy:.2%}", "", "", "")
    faults = []
    for name, entry in report.to_json()["files"].items():
        written = name in report.files
        style = "dim" if not written else None if entry["passed"] else "red"
        table.add_row(*_cells(name, entry, written), style=style)
        if written and not entry["passed"]:
            faults.append(Text(f"{name}: {entry['why']}.", style="red"))
    return Group(table, *faults, Text(str(file_to_ship(report)), overflow="fold"))


def _cells(name: str, entry: dict[str, Any], written: bool) -> tuple[str | Text, ...]:
    difference = entry["max_difference"]
    if not written:
        check = Text("from an earlier export")
    else:
        check = Text("ok", style="green") if entry["passed"] else Text("failed", style="bold red")
    return (
        name,
        kib(entry["bytes"]),
        f"{entry['accuracy']:.2%}",
        f"{entry['agreement']:.2%}",
        "-" if difference is None else f"{difference:.1e}",
        check,
    )


def file_to_ship(report: ExportReport) -> Path:
    """Of the files just written that passed, else of all: .tflite before .onnx, int8 before float."""
    order = ("student.int8.tflite", "student.tflite", "student.int8.onnx", "student.onnx")
    written = [name for name in order if name in report.files]
    passed = [name for name in written if report.files[name].passed]
    return report.folder / (passed or written)[0]


@contextmanager
def _progress_bar() -> Iterator[Report]:
    """A bar on a copy of stderr, because the converters' chatter is kept from stderr itself."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with os.fdopen(os.dup(2), "w") as own:
        console = Console(file=own)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("loading", total=None)

            def report(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            yield report
