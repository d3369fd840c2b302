"""`edgehar demo`: distill, export and bench in one go, as a newcomer would type them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edgehar.cli.options import AsJson, Debug, OutOption, new_app
from edgehar.cli.output import console, kib, show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgehar.runs import Run
    from export.artifacts import ExportReport
    from firmware_sim.report import CostReport

DEVICES = ("cpu-arm", "host")
FLOAT, INT8 = "student.tflite", "student.int8.tflite"

app = new_app()


@app.command(epilog="Example: edgehar demo. Where to write: edgehar demo --out runs/first")
def demo(out: OutOption = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Distill, export and bench on the embedded motion data, in one go.

    The same as: edgehar distill --teacher video --student acc-watch; edgehar export --int8;
    edgehar bench --device cpu-arm --device host. A few minutes on two CPU cores; less the second time,
    because teacher and baseline are kept.
    """
    outcome, report = run_demo({"teacher": "video", "student": "acc-watch"}, out)
    show(outcome, as_json, view)
    for name, file in report.files.items():
        if not file.passed:
            console.print(f"{name}: {file.why}", style="red")
    if not report.passed:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Row:
    """A network of the demo. bytes: of its file. latency_ms: by device. None where there is no such figure:
    a teacher is not exported, and a baseline costs what the student costs."""

    name: str
    accuracy: float
    bytes: int | None
    latency_ms: Mapping[str, float | None]


@dataclass(frozen=True)
class Outcome:
    """run: the run folder. tflite: the int8 file to take away. accuracy of the rows: on the test clips."""

    schema: int
    run: str
    tflite: str
    seconds: float
    rows: tuple[Row, ...]


def run_demo(options: dict[str, Any], out: Path | None = None) -> tuple[Outcome, ExportReport]:
    """Does the three steps with the functions that their verbs call, with bars and lines on stderr.

    options: what `edgehar.plan.make_plan` takes. out: the run folder, by default a new one in ./runs.
    """
    began = time.monotonic()
    from edgehar.cli.bench import bench_models
    from edgehar.cli.distill import distill_run
    from edgehar.cli.export import export_latest
    from export.kinds import Choices

    console.rule("1 of 3: edgehar distill")
    run = distill_run(options, out=out)
    console.rule("2 of 3: edgehar export --int8")
    report = export_latest(run.folder, Choices(kinds=("int8",)))
    console.rule("3 of 3: edgehar bench")
    files = [report.folder / name for name in (FLOAT, INT8)]
    _, costs = bench_models(files, DEVICES, run.folder / "bench")
    rows = (*_trained(run), *_exported(run, report, costs))
    return Outcome(1, str(run.folder), str(report.folder / INT8), time.monotonic() - began, rows), report


def _trained(run: Run) -> list[Row]:
    metrics, seed = run.metrics, run.seed_folder()
    known = [(f"teacher ({name})", m, f"teacher-{name}") for name, m in metrics["teachers"].items()]
    known.append(("baseline (no teacher)", metrics["baseline"], "baseline"))
    return [
        Row(name, m["accuracy"]["mean"], (seed / f"{stem}.safetensors").stat().st_size, {})
        for name, m, stem in known
    ]


def _exported(run: Run, report: ExportReport, costs: Sequence[CostReport]) -> list[Row]:
    rows = []
    for name, title in ((FLOAT, "student"), (INT8, "student, int8")):
        latency = {
            cost.device.name: cost.latency_ms.value if cost.latency_ms else None
            for cost in costs
            if Path(cost.model.path).name == name
        }
        file = report.files[name]
        rows.append(Row(f"{title} ({run.plan.student})", file.accuracy, file.bytes, latency))
    return rows


def view(outcome: Outcome) -> RenderableType:
    """The one table of the demo, and the path of the file to take away."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title="On the embedded motion data, which is for trying: claim nothing from it",
        caption="The baseline is the same network as the student, so it costs the same. "
        f"All three steps took {outcome.seconds:.0f} s.",
        caption_justify="left",
    )
    table.add_column("network")
    for column in ("accuracy", "size", "latency, cpu-arm\n(estimated)", "latency, here\n(measured)"):
        table.add_column(column, justify="right")
    for row in outcome.rows:
        latencies = [_milliseconds(row.latency_ms.get(device)) for device in DEVICES]
        table.add_row(row.name, f"{row.accuracy:.1%}", kib(row.bytes), *latencies)
    return Group(table, Text(f"{outcome.tflite}", overflow="fold", style="bold"))


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g} ms"
