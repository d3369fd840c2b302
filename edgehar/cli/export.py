"""`edgehar export`: a run's student as checked .tflite and .onnx files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from edgehar.cli.export_c import BundleOption, COption, file_as_c, handed_over, is_file, view_bundle, view_c
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
from edgehar.cli.options import AsJson, Debug, OneSeed, RunOrFileArg, new_app
from edgehar.cli.output import show

if TYPE_CHECKING:
    from export.artifacts import Progress as Report
    from export.kinds import Choices
    from export.report import ExportReport

app = new_app()


@app.command(
    epilog="Example: edgehar export --int8. Every kind: edgehar export --int8 --io float --int16x8 --fp16 "
    "--dynamic. Operators in float: edgehar export runs/walk --int8 --keep-float fc. A network of your own: "
    "edgehar export --module mymodel:build --weights w.safetensors --calibration clips.csv --int8"
)
def export(
    run: RunOrFileArg = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write int8 files as well as float ones.")] = False,
    io: Annotated[
        str,
        typer.Option("--io", metavar="int8|float", help="float: also an int8 .tflite with float in and out."),
    ] = "int8",
    int16x8: Annotated[
        bool, typer.Option("--int16x8", help="Also int16 activations with int8 weights.")
    ] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Also weights in 16-bit floats.")] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Also int8 weights, activations quantised as they come.")
    ] = False,
    qat: Annotated[
        bool, typer.Option("--qat", help="Fine-tune the student for int8, taught by itself in float.")
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Keep the worst operators in float until int8 loses half a point.")
    ] = False,
    keep_float: Annotated[
        list[str] | None,
        typer.Option(
            "--keep-float",
            metavar="NAME",
            help="Keep an operator, module or type of operator in float; repeatable.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(
            "--model-version",
            metavar="TEXT",
            help="Of the model, as you count; in the files' metadata. Default 1.0.0.",
            show_default=False,
        ),
    ] = None,
    c: COption = False,
    bundle: BundleOption = False,
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="tflite, onnx, or both with a comma.")
    ] = "tflite,onnx",
    all_operators: Annotated[
        bool, typer.Option("--all-operators", help="Print every operator of the quantised files.")
    ] = False,
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

    Each file is run by every runtime that is installed and must decide as the trained student does; a file
    that does not is written all the same, told in red, and the exit code is 1. Where int8 loses the signal
    is in operators.json and operators.png.
    """
    if run is not None and is_file(run):
        alone = file_as_c(run, c, out)
        show(alone.to_json() if as_json else alone, as_json, view=view_c)
        raise typer.Exit(0 if alone.passed else 1)
    from export.kinds import Choices

    int8 = int8 or c or bundle
    chosen = {"int8": int8, "int8-float-io": _wants_float_io(io, int8), "int16x8": int16x8}
    chosen |= {"fp16": fp16, "dynamic": dynamic}
    choices = Choices(
        formats=tuple(name.strip() for name in formats.split(",") if name.strip()),
        kinds=tuple(kind for kind, wanted in chosen.items() if wanted),
        qat=qat,
        auto=auto,
        keep_float=tuple(keep_float or ()),
        version=version,
    )
    foreign = ModuleOptions(weights, calibration, labels, window, stream, framing, layout, out)
    check_alone(foreign, module, run, seed)
    report = export_foreign(module, foreign, choices) if module else export_latest(run, choices, seed)
    made = handed_over(report, c, bundle) if module is None else {}
    from edgehar.cli.export_view import view

    told = report.to_json() | {name: part.to_json() for name, part in made.items()}
    show(told if as_json else report, as_json, view=lambda found: view(found, all_operators))
    for name, part in made.items():
        if not as_json:
            show(part, as_json, view=view_c if name == "c" else view_bundle)
    if not report.passed or ("c" in made and not made["c"].passed):
        raise typer.Exit(1)


def export_latest(
    run: Path | None = None, choices: Choices | None = None, seed: int | None = None
) -> ExportReport:
    """Exports a run folder, or the latest finished run, with a progress bar on stderr."""
    with _progress_bar() as progress:
        progress("loading", 0, 1)
        from edgehar.runs import find_run, open_run
        from export.artifacts import export_run

        return export_run(open_run(find_run(run)), choices, seed, progress)


def export_foreign(module: str, options: ModuleOptions, choices: Choices) -> ExportReport:
    """Exports a network that somebody's function builds, with a progress bar on stderr."""
    with _progress_bar() as progress:
        progress("loading", 0, 1)
        from export.artifacts import export_student

        source, folder = open_module(module, options)
        return export_student(source, folder, choices, progress)


def _wants_float_io(io: str, int8: bool) -> bool:
    from export.errors import ExportError

    if io not in ("int8", "float"):
        raise ExportError(f"--io {io} is neither int8 nor float; choose one of them.")
    if io == "float" and not int8:
        raise ExportError("--io float is a way to write an int8 file: add --int8.")
    return io == "float"


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
