"""`edgehar bench`: what model files cost on devices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.adb import is_adb, measured_by_adb
from edgehar.cli.emulate import emulated, view_emulated
from edgehar.cli.options import AsJson, Debug, OutOption, RunsOrFilesArg, new_app
from edgehar.cli.output import console, kib, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from edgehar.cli.matrix import Point
    from firmware_sim.costs import Calibration
    from firmware_sim.profile import DeviceProfile
    from firmware_sim.report import CostReport, Energy, Latency

HOST = "host"
DEFAULT_DEVICE = "cpu-arm"
PICTURES = (".png", ".svg", ".pdf")
OF_A_RUN = ("student.int8.tflite", "student.tflite")

app = new_app()


@dataclass(frozen=True)
class Candidate:
    """A model file to be measured, and the run folder it belongs to, if it was named by one."""

    file: Path
    run: Path | None


@app.command(epilog="Example: edgehar bench student.tflite --device cpu-arm --device host")
def bench(
    models: RunsOrFilesArg = None,
    devices: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="NAME|FILE",
            help="Device or profile file, repeatable; host measures here, adb[:SERIAL] on a phone. "
            "Default cpu-arm. All: edgehar ls.",
            show_default=False,
        ),
    ] = None,
    emulate: Annotated[
        bool,
        typer.Option("--emulate", help="Run it on an emulated core; once before: edgehar setup emulator."),
    ] = False,
    benchmark_binary: Annotated[
        Path | None,
        typer.Option(
            "--benchmark-binary",
            metavar="FILE",
            help="For --device adb[:serial]: LiteRT's benchmark_model; without it the student's C is timed.",
            show_default=False,
        ),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Simulate a watch's day with the model at that cost.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="For --stream: hours=24, hop, fifo, seed and others.",
            show_default=False,
        ),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(
            "--recording",
            metavar="FILE",
            help="For --stream: decide on a .csv (t,x,y,z[,label]) or .npy.",
            show_default=False,
        ),
    ] = None,
    out: OutOption = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="Coefficients by edgehar calibrate; default ours.",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            help="Draw the arena of one model, or accuracy, latency and bytes of several.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """What a model file costs on a device: latency, memory, operators.

    A run is judged by its student.int8.tflite if it has one, else by its student.tflite, and the report is
    kept in the run's bench folder; for a FILE a report is written only with --out (a folder, or a .json
    file for a single report). On a device the cost is estimated from the file alone; on host, and on a phone
    behind adb or adb:SERIAL, it is measured; with --emulate an emulated core counts it, and with --stream a
    watch's day is simulated at that cost.
    """
    if picture is not None and picture.suffix not in PICTURES:
        raise InputError(f"--picture {picture}: give a file that ends with {', '.join(PICTURES)}.")
    chosen = devices or [DEFAULT_DEVICE]
    candidates, reports = bench_models(models, chosen, out, calibration, emulate, benchmark_binary)
    if stream or settings or recording:
        from edgehar.cli.stream import show_streams

        show_streams(candidates, chosen, reports, settings or (), recording, out, as_json)
        return
    points = _points(candidates, reports)
    if picture is not None:
        draw(candidates, reports, points, picture)
    plain = [report.to_json() for report in reports]
    if as_json:
        show(plain[0] if len(plain) == 1 else {"schema": 1, "reports": plain}, as_json)
    else:
        show(plain, False, lambda _: view(label_rows(candidates, len(reports)), reports, points))
        if len(candidates) == 1 and candidates[0].file.suffix == ".tflite":
            console.print(_hint(candidates[0].file, reports[0]), style="dim")


def bench_models(
    models: Sequence[Path] | None,
    devices: Sequence[str],
    out: Path | None = None,
    calibration: Path | None = None,
    emulate: bool = False,
    benchmark_binary: Path | None = None,
) -> tuple[list[Candidate], list[CostReport]]:
    """Every model on every device, model by model, and the reports written where `bench` says.

    calibration: a file of coefficients, else those that come along.
    Names are checked before anything is measured. Raises InputError or SimError.
    """
    from firmware_sim.costs import read_calibration
    from firmware_sim.profile import read_profile

    costs = None if calibration is None else read_calibration(calibration)
    profiles = [None if name == HOST else name if is_adb(name) else read_profile(name) for name in devices]
    candidates = [find_candidate(model) for model in models] if models else [find_candidate(None)]
    if out is not None and out.suffix == ".json" and len(candidates) * len(profiles) > 1:
        raise InputError(f"--out {out} names one file for several reports: give a folder.")
    reports = []
    for candidate in candidates:
        for profile in profiles:
            reports.append(cost_report(candidate.file, profile, costs, emulate, benchmark_binary))
            _keep(candidate, reports[-1], out)
    return candidates, reports


def find_candidate(model: Path | None) -> Candidate:
    """The file that a run folder or a file means; None for the latest finished run. Raises InputError."""
    if model is not None and model.is_file():
        return Candidate(model, None)
    if model is not None and model.suffix in (".tflite", ".onnx"):
        raise InputError(f"{model}: there is no such file. Runs that can be exported: edgehar ls")
    from edgehar.runs import find_run

    run = find_run(model)
    for name in OF_A_RUN:
        if (run / "export" / name).is_file():
            return Candidate(run / "export" / name, run)
    raise InputError(f"{run} has no exported model. Type: edgehar export {run}")


def cost_report(
    file: Path,
    profile: DeviceProfile | str | None,
    calibration: Calibration | None = None,
    emulate: bool = False,
    benchmark_binary: Path | None = None,
) -> CostReport:
    """The estimate of `file` on a device, or its measurement on this machine where profile is None.

    profile: `adb[:serial]` for a phone, where it is measured too. emulate: what an emulated core counts,
    with the estimate beside it.
    """
    if isinstance(profile, str):
        return measured_by_adb(file, profile, benchmark_binary)
    if emulate:
        return emulated(file, profile, cost_report(file, profile, calibration))
    if profile is None:
        from firmware_sim.measure import measure

        return measure(file)
    if file.suffix == ".onnx":
        raise InputError(
            f"{file}: an .onnx file can only be measured. Type: edgehar bench {file} --device host"
        )
    from firmware_sim.estimate import estimate
    from firmware_sim.model import read_model

    return estimate(read_model(file), profile, calibration)


def _hint(file: Path, report: CostReport) -> str:
    """Which operator to change for a smaller arena, as the first device's engine plans it."""
    from firmware_sim.memory import plan_for
    from firmware_sim.model import read_model
    from firmware_sim.picture import find_peak
    from firmware_sim.profile import SHORT_ENGINES

    model, engine = read_model(file), report.device.engine
    return find_peak(model, plan_for(model, SHORT_ENGINES.get(engine, engine))).hint


def draw(
    candidates: Sequence[Candidate], reports: Sequence[CostReport], points: Sequence[Point], path: Path
) -> None:
    """The picture that `--picture` asks for, whole or not at all. Raises InputError for one .onnx file."""
    from edgehar.cache import write_atomic

    if len(candidates) > 1:
        from edgehar.cli.matrix import draw_matrix

        write_atomic(path, lambda part: draw_matrix(points, part))
        return
    file = candidates[0].file
    if file.suffix == ".onnx":
        raise InputError(f"--picture {path}: an .onnx file has no arena; give its .tflite.")
    from firmware_sim.model import read_model
    from firmware_sim.picture import draw_arena
    from firmware_sim.profile import SHORT_ENGINES

    engine = reports[0].device.engine
    write_atomic(path, lambda part: draw_arena(read_model(file), SHORT_ENGINES.get(engine, engine), part))


def _points(candidates: Sequence[Candidate], reports: Sequence[CostReport]) -> list[Point]:
    from edgehar.cli.matrix import find_points

    each = len(reports) // len(candidates)
    files = [candidate.file for candidate in candidates for _ in range(each)]
    return find_points(label_rows(candidates, len(reports)), files, reports)


def _keep(candidate: Candidate, report: CostReport, out: Path | None) -> None:
    if out is None and candidate.run is None:
        return
    from edgehar.cache import write_text

    name = f"{candidate.file.stem}@{report.device.name}.json"
    folder = out or (candidate.run or Path()) / "bench"
    path = out if out is not None and out.suffix == ".json" else folder / name
    write_text(path, json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def label_rows(candidates: Sequence[Candidate], rows: int) -> list[str]:
    """How a table of `rows` calls each row's model: by its file's name, with its run's where names repeat."""
    names = [candidate.file.name for candidate in candidates]
    if len(set(names)) < len(names):
        names = [f"{c.run.name}/{c.file.name}" if c.run else _tail(c, candidates) for c in candidates]
    return [name for name in names for _ in range(rows // len(names))]


def _tail(candidate: Candidate, candidates: Sequence[Candidate]) -> str:
    """The end of a file's path, as short as tells it from the others; folders called export say nothing."""
    others = [c.file for c in candidates if c.file != candidate.file]
    parts = candidate.file.parts
    for count in range(1, len(parts) + 1):
        if parts[-count] != "export" and not any(o.parts[-count:] == parts[-count:] for o in others):
            return "/".join(parts[-count:])
    return str(candidate.file)


def view(
    labels: Sequence[str], reports: Sequence[CostReport], points: Sequence[Point] = ()
) -> RenderableType:
    """A table a model, one row a device; of several models a matrix; and below them what is not known."""
    tables: dict[str, Table] = {}
    for label, report in zip(labels, reports, strict=True):
        if label not in tables:
            tables[label] = _table_for(label, report)
        tables[label].add_row(*_cells(report))
    more = [part for report in reports if report.method == "emulated" for part in view_emulated(report)]
    if len(tables) > 1 and points:
        from edgehar.cli.matrix import matrix

        more.append(matrix(points))
    return Group(*tables.values(), *more, *_notes(labels, reports))


def _table_for(label: str, report: CostReport) -> Table:
    macs = report.model.macs
    counted = "" if macs is None else f": {macs / 1e6:.3g} M MACs in {report.model.operators} operators"
    table = Table(title=label + counted, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("device", overflow="fold")
    table.add_column("method", no_wrap=True)
    for column in ("latency", "low to high", "arena", "RAM", "flash", "energy"):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _cells(report: CostReport) -> tuple[str | Text, ...]:
    memory = report.memory
    return (
        report.device.name,
        report.method,
        *_latency(report.latency_ms),
        kib(memory.arena_bytes),
        kib(memory.ram_bytes),
        kib(memory.flash_bytes),
        _energy(report.energy_uj),
    )


def _latency(latency: Latency | None) -> tuple[str, str]:
    """`0.42 ms` and `0.21 to 0.84 stated`: bounds are never shown without what they are worth."""
    if latency is None:
        return "unknown", ""
    value, low, high = (_digits(ms) for ms in (latency.value, latency.low, latency.high))
    return f"{value} ms", f"{low} to {high} {latency.bounds}"


def _energy(energy: Energy | None) -> str:
    if energy is None:
        return "unknown"
    return f"{_digits(energy.value)} uJ" if energy.value < 1000 else f"{_digits(energy.value / 1000)} mJ"


def _digits(value: float) -> str:
    """Three digits that matter: `0.0421`, `4.21`, `421`, `4,210`."""
    return f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def _notes(labels: Sequence[str], reports: Sequence[CostReport]) -> list[Text]:
    """Each warning once, with the devices that it is about, and the model if not all share it."""
    about: dict[str, dict[str, list[str]]] = {}
    for label, report in zip(labels, reports, strict=True):
        for warning in report.warnings:
            about.setdefault(warning, {}).setdefault(report.device.name, []).append(label)
    return [Text(f"! {warning}{_about(rows, labels)}", style="yellow") for warning, rows in about.items()]


def _about(rows: dict[str, list[str]], labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return ""
    shared = all(set(named) == set(labels) for named in rows.values())
    parts = [device if shared else f"{', '.join(named)} on {device}" for device, named in rows.items()]
    return f" ({'; '.join(parts)})"
