"""`edgehar lint`: what a target's runtime will refuse or run slowly, before any device is touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from firmware_sim.lint import LintReport
    from firmware_sim.lint_targets.finding import Asked

app = new_app()


@app.command(
    epilog="Example: edgehar lint student.int8.tflite --for tflm,ethos-u. For a program: "
    "edgehar lint student.int8.tflite --for tflm --json"
)
def lint(
    model: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite file, of edgehar or of anyone.")],
    targets: Annotated[
        str,
        typer.Option("--for", metavar="LIST", help="Of tflm, edgehar-c, ethos-u, litert-xnnpack."),
    ] = "tflm,edgehar-c",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the operators of a file that a target will refuse or run slowly, and what to use instead.

    Exits 1 if a target refuses the file. TFLite-Micro's interpreter and Arm's vela are asked themselves
    where they are installed; ethos-u needs vela: pip install 'edgehar[ethos-u]'
    """
    from firmware_sim.lint import lint as ask

    report = ask(model, [name.strip() for name in targets.split(",") if name.strip()])
    show(report.to_json() if as_json else report, as_json, view)
    if report.refused:
        raise typer.Exit(1)


def view(report: LintReport) -> RenderableType:
    """A heading, then for each target its verdict and a table of what it found."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"{report.model}: {report.operators} operators", overflow="fold")]
    for name, asked in report.targets.items():
        parts += [Text(), _verdict(name, asked)]
        if asked.findings:
            parts.append(_table(asked))
        parts += [Text(f"  {note}", overflow="fold") for note in asked.notes]
    return Group(*parts)


def _verdict(name: str, asked: Asked) -> RenderableType:
    from rich.text import Text

    if asked.refused:
        word, style = "refuses it", "bold red"
    elif asked.findings:
        word, style = "runs it, some of it slowly", "yellow"
    else:
        word, style = "runs all of it", "green"
    return Text.assemble((f"{name} {word}", style), f" (asked: {asked.how})")


def _table(asked: Asked) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for column in ("", "operator", "dtype", "times", "why", "use instead"):
        table.add_column(column, justify="right" if column == "times" else "left", overflow="fold")
    for found in asked.findings:
        style = "red" if found.verdict == "refused" else None
        times = str(len(found.places)) if found.places else "-"
        cells = (found.verdict, found.operator, found.dtype or "-", times, found.why, found.instead or "-")
        table.add_row(*cells, style=style)
    return table
