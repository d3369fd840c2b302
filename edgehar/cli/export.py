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

from edgehar.cli.options import AsJson, Debug, OneSeed, OutOption, RunOrFileArg, new_app
from edgehar.cli.output import kib, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from export.artifacts import Progress as Report
    from export.bundle import BundleReport
    from export.c.package import CReport
    from export.report import ExportReport

app = new_app()


@app.command(epilog="Example: edgehar export --int8. One format: edgehar export runs/walk --format tflite")
def export(
    run: RunOrFileArg = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write int8 files as well as float ones.")] = False,
    c: Annotated[
        bool, typer.Option("--c", help="Write the int8 student, or an int8 .tflite FILE, as C too.")
    ] = False,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="One zip to hand over: models, card, golden windows, C.")
    ] = False,
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="tflite, onnx, or both with a comma.")
    ] = "tflite,onnx",
    seed: OneSeed = None,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Turn a run's student into .tflite and .onnx files, and check them on the test clips.

    Each file is run by its real runtime and must decide as the trained student does; a file that does
    not is written all the same, told in red, and the exit code is 1.
    """
    if run is not None and run.suffix == ".tflite":
        written = _file_as_c(run, c, out)
        show(written.to_json() if as_json else written, as_json, view=view_c)
        raise typer.Exit(0 if written.passed else 1)
    if out is not None:
        raise InputError("--out is for a FILE; a run's files go into its own folder export.")
    report = export_latest(run, int8 or c or bundle, formats, seed)
    written_c = _run_as_c(report) if c or bundle else None
    packed = _bundled(report) if bundle else None
    parts = {"c": written_c, "bundle": packed}
    told = report.to_json() | {name: part.to_json() for name, part in parts.items() if part}
    show(told if as_json else report, as_json, view=view)
    if written_c and not as_json:
        show(written_c, as_json, view=view_c)
    if packed and not as_json:
        show(packed, as_json, view=lambda zipped: Text(f"{zipped.path} {kib(zipped.bytes)}", overflow="fold"))
    if not report.passed or (written_c and not written_c.passed):
        raise typer.Exit(1)


def _file_as_c(path: Path, c: bool, out: Path | None) -> CReport:
    if not c:
        raise InputError(f"{path} is a file; of a FILE only C can be written, with --c.")
    from export.c.of import c_of_file

    return c_of_file(path, out)


def _run_as_c(report: ExportReport) -> CReport:
    from edgehar.runs import Run
    from export.c.of import c_of_run

    return c_of_run(Run(report.folder.parent))


def _bundled(report: ExportReport) -> BundleReport:
    from edgehar.runs import Run
    from export.bundle import write_bundle

    return write_bundle(Run(report.folder.parent))


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


def export_latest(
    run: Path | None = None, int8: bool = False, formats: str = "tflite,onnx", seed: int | None = None
) -> ExportReport:
    """Exports a run folder, or the latest finished run, with a progress bar on stderr."""
    with _progress_bar() as progress:
        progress("loading", 0, 1)
        from edgehar.runs import find_run, open_run
        from export.artifacts import export_run

        names = tuple(name.strip() for name in formats.split(",") if name.strip())
        return export_run(open_run(find_run(run)), seed, names, int8, progress)


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
