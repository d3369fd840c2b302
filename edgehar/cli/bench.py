"""`edgehar bench`: what model files cost on devices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgehar.cli.adb import is_adb, measured_by_adb
from edgehar.cli.bench_options import (
    BenchmarkBinaryOption,
    CalibrationOption,
    DevicesOption,
    EmulateOption,
    Means,
    PictureOption,
    RecordingOption,
    SettingsOption,
    StreamOption,
    check_picture,
    find_means,
)
from edgehar.cli.bench_view import Candidate, label_rows, view
from edgehar.cli.emulate import emulated
from edgehar.cli.options import AsJson, Debug, OutOption, RunsOrFilesArg, new_app
from edgehar.cli.output import console, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from edgehar.cli.matrix import Point
    from firmware_sim.model import Model
    from firmware_sim.profile import DeviceProfile
    from firmware_sim.report import CostReport

HOST = "host"
DEFAULT_DEVICE = "cpu-arm"
OF_A_RUN = ("student.int8.tflite", "student.tflite")
OURS = Means()

app = new_app()


@app.command(epilog="Example: edgehar bench student.tflite --device cpu-arm --device host")
def bench(
    models: RunsOrFilesArg = None,
    devices: DevicesOption = None,
    emulate: EmulateOption = False,
    benchmark_binary: BenchmarkBinaryOption = None,
    stream: StreamOption = False,
    settings: SettingsOption = None,
    recording: RecordingOption = None,
    out: OutOption = None,
    calibration: CalibrationOption = None,
    picture: PictureOption = None,
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
    check_picture(picture)
    chosen = devices or [DEFAULT_DEVICE]
    means = find_means(calibration, emulate, benchmark_binary)
    candidates, reports = bench_models(models, chosen, out, means)
    if stream or settings or recording:
        from edgehar.cli.stream import show_streams

        show_streams(candidates, chosen, reports, settings or (), recording, out, as_json)
        return
    points = _points(candidates, reports)
    if picture is not None:
        draw(candidates, reports, points, picture)
    _show(candidates, reports, points, as_json)


def bench_models(
    models: Sequence[Path] | None, devices: Sequence[str], out: Path | None = None, means: Means = OURS
) -> tuple[list[Candidate], list[CostReport]]:
    """Every model on every device, model by model, and the reports written where `bench` says.

    Names are checked before anything is measured. Raises InputError or SimError.
    """
    from firmware_sim.profile import read_profile

    profiles = [None if name == HOST else name if is_adb(name) else read_profile(name) for name in devices]
    candidates = [find_candidate(model) for model in models] if models else [find_candidate(None)]
    if out is not None and out.suffix == ".json" and len(candidates) * len(profiles) > 1:
        raise InputError(f"--out {out} names one file for several reports: give a folder.")
    reports = []
    for candidate in candidates:
        for profile in profiles:
            reports.append(cost_report(candidate, profile, means))
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


def cost_report(candidate: Candidate, profile: DeviceProfile | str | None, means: Means = OURS) -> CostReport:
    """The estimate on a device, or the measurement on this machine where profile is None.

    profile: `adb[:serial]` for a phone, where it is measured too. Raises InputError or SimError.
    """
    file = candidate.file
    if isinstance(profile, str):
        return measured_by_adb(file, profile, means.benchmark_binary)
    if means.emulate:
        return emulated(file, profile, cost_report(candidate, profile, replace(means, emulate=False)))
    if profile is None:
        from firmware_sim.measure import measure

        return measure(file)
    if file.suffix == ".onnx":
        raise InputError(
            f"{file}: an .onnx file can only be measured. Type: edgehar bench {file} --device host"
        )
    from firmware_sim.estimate import estimate

    return estimate(candidate.model, profile, means.calibration)


def draw(
    candidates: Sequence[Candidate], reports: Sequence[CostReport], points: Sequence[Point], path: Path
) -> None:
    """The picture that `--picture` asks for, whole or not at all. Raises InputError for one .onnx file."""
    from edgehar.cache import write_atomic

    if len(candidates) > 1:
        from edgehar.cli.matrix import draw_matrix

        write_atomic(path, lambda part: draw_matrix(points, part))
        return
    if candidates[0].file.suffix == ".onnx":
        raise InputError(f"--picture {path}: an .onnx file has no arena; give its .tflite.")
    from firmware_sim.picture import draw_arena

    write_atomic(path, lambda part: draw_arena(candidates[0].model, _engine(reports[0]), part))


def _show(
    candidates: Sequence[Candidate], reports: Sequence[CostReport], points: Sequence[Point], as_json: bool
) -> None:
    plain = [report.to_json() for report in reports]
    if as_json:
        show(plain[0] if len(plain) == 1 else {"schema": 1, "reports": plain}, as_json)
        return
    show(plain, False, lambda _: view(label_rows(candidates, len(reports)), reports, points))
    if len(candidates) == 1 and candidates[0].file.suffix == ".tflite":
        console.print(_hint(candidates[0].model, reports[0]), style="dim")


def _hint(model: Model, report: CostReport) -> str:
    """Which operator to change for a smaller arena, as the first device's engine plans it."""
    from firmware_sim.memory import plan_for
    from firmware_sim.picture import find_peak

    return find_peak(model, plan_for(model, _engine(report))).hint


def _engine(report: CostReport) -> str:
    from firmware_sim.profile import SHORT_ENGINES

    return SHORT_ENGINES.get(report.device.engine, report.device.engine)


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
