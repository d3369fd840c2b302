"""What `edgehar bench --stream` does: a watch's day with a model, simulated."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgehar.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgehar.cli.bench_view import Candidate
    from firmware_sim.profile import DeviceProfile
    from firmware_sim.report import CostReport
    from firmware_sim.stream.contract import StreamContract
    from firmware_sim.stream.decisions import Recording
    from firmware_sim.stream.report import StreamReport
    from firmware_sim.stream.settings import StreamSettings

FIXED = ("rate_hz", "window")  # the model file says them


def stream(
    file: Path,
    cost: CostReport,
    profile: DeviceProfile | None,
    settings: Sequence[str] = (),
    recording: Path | None = None,
    out: Path | None = None,
) -> StreamReport:
    """The day of a watch that runs `file` at that cost.

    settings: `key=value` for fields of StreamSettings; recording: a .csv or .npy file, on which the model
    also decides; out: the folder for the timeline's picture and the report, None to write neither.
    Raises InputError or SimError.
    """
    from firmware_sim.stream.contract import read_stream_contract
    from firmware_sim.stream.decisions import decide
    from firmware_sim.stream.picture import draw_timeline
    from firmware_sim.stream.report import simulate_stream, stream_report

    contract = read_stream_contract(file)
    played = read_recording(recording, contract) if recording else None
    chosen = chosen_settings(contract, settings, played)
    day = simulate_stream(chosen, cost)
    said = decide(file, contract, played, chosen, day.lasts, day.finishes) if played else None
    picture = out / f"{file.stem}@{cost.device.name}.stream.png" if out else None
    if picture:
        draw_timeline(day, picture, said)
    report = stream_report(day, cost, profile, said, str(picture) if picture else None)
    if out:
        _keep(report, out / f"{file.stem}@{cost.device.name}.stream.json")
    return report


def show_streams(
    candidates: Sequence[Candidate],
    devices: Sequence[str],
    costs: Sequence[CostReport],
    settings: Sequence[str],
    recording: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Prints the day of every model on every device; costs in that order. Writes where `bench` writes."""
    from edgehar.cli.output import plain, show
    from firmware_sim.profile import profile_names, read_profile

    reports = []
    for number, cost in enumerate(costs):
        candidate, device = candidates[number // len(devices)], devices[number % len(devices)]
        profile = read_profile(device) if device in profile_names() or device.endswith(".toml") else None
        folder = out or (candidate.run / "bench" if candidate.run else None)
        reports.append(plain(stream(candidate.file, cost, profile, settings, recording, folder)))
    if as_json:
        show(reports[0] if len(reports) == 1 else {"schema": 1, "reports": reports}, as_json)
    else:
        show(reports, False, view)


def chosen_settings(
    contract: StreamContract, words: Sequence[str], recording: Recording | None = None
) -> StreamSettings:
    """The settings of a day from `key=value` words. Raises InputError for a key or value that is none.

    With a recording the day lasts as long as it, and has no gaps unless they are asked for.
    """
    from firmware_sim.stream.settings import StreamSettings, settings_for

    kinds = {field.name: str(field.type) for field in fields(StreamSettings) if field.name not in FIXED}
    values: dict[str, Any] = {}
    if recording is not None:
        last_sample_s = 1 / contract.rate_hz
        values = {"hours": (recording.seconds + last_sample_s) / 3600, "gaps_per_hour": 0.0}
    for word in words:
        key, _, value = word.partition("=")
        if key not in kinds:
            raise InputError(f"--set {word}: there is no {key!r}; there are: {', '.join(kinds)}.")
        values[key] = value if kinds[key] == "str" else _number(word, value, kinds[key] == "int")
    return settings_for(contract.window, contract.rate_hz, **values)


def _number(word: str, value: str, whole: bool) -> float | int:
    try:
        return int(value) if whole else float(value)
    except ValueError:
        raise InputError(f"--set {word}: give {'a whole number' if whole else 'a number'}.") from None


def read_recording(path: Path, contract: StreamContract) -> Recording:
    """A recording from a .csv file with the header t,x,y,z[,label], or a .npy array (T, 3) or (T, 4).

    Times in s, values in the contract's unit; an array without times has the contract's rate. Raises
    InputError with the line that cannot be read.
    """
    import numpy as np

    from firmware_sim.stream.decisions import Recording

    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give a .csv or .npy recording.")
    if path.suffix == ".csv":
        rows, truth = _read_csv(path, contract.axis_order)
        table = np.array(rows)
        return Recording(table[:, 1:], table[:, 0], tuple(truth) if truth else None)
    if path.suffix != ".npy":
        raise InputError(f"{path}: a recording is a .csv or .npy file.")
    try:
        table = np.load(path, allow_pickle=False).astype(float)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: is no array of numbers ({error}); save it with numpy.save.") from error
    if table.ndim == 2 and table.shape[1] == 4:
        return Recording(table[:, 1:], table[:, 0])
    return Recording(table, np.arange(len(table)) / contract.rate_hz)


def _read_csv(path: Path, axes: Sequence[str]) -> tuple[list[list[float]], list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        wanted = ("t", *axes)
        if missing := [name for name in wanted if name not in (lines.fieldnames or ())]:
            raise InputError(
                f"{path}: lacks the column {missing[0]}; its header must hold {','.join(wanted)}."
            )
        rows, truth = [], []
        for line in lines:
            try:
                rows.append([float(line[name]) for name in wanted])
            except (TypeError, ValueError):
                raise InputError(
                    f"{path} line {lines.line_num}: give numbers for {','.join(wanted)}."
                ) from None
            truth.append((line.get("label") or "").strip())
    if not rows:
        raise InputError(f"{path}: holds no samples.")
    return rows, truth if any(truth) else []


def _keep(report: StreamReport, path: Path) -> None:
    from edgehar.cache import write_text
    from edgehar.cli.output import plain

    write_text(path, json.dumps(plain(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def view(reports: Sequence[Mapping[str, Any]]) -> RenderableType:
    """A table with a column a device, and below it what is not known."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for report in reports:
        title = f"{Path(report['model']).name} on {report['device']}, {report['hours']:.4g} h simulated"
        table = Table(
            title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_header=False
        )
        for name, text in _rows(report):
            table.add_row(name, text)
        parts += [table, *(Text(f"! {warning}", style="yellow") for warning in report["warnings"])]
        if report["picture"]:
            parts.append(Text(report["picture"], overflow="fold"))
    return Group(*parts)


def _rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    latency, memory, energy = report["motion_to_decision_ms"], report["memory"], report["energy"]
    cost = report["cost_latency_ms"]
    rows = [
        (
            "an inference",
            f"{cost['value']:.3g} ms ({cost['low']:.3g} to {cost['high']:.3g}), {report['cost_method']}",
        ),
        ("duty cycle", f"{report['duty_cycle']:.3%}, woken {report['wakeups']:,} times"),
        ("inferences", f"{report['inferences']:,}; {report['missed_deadlines']:,} deadlines missed"),
    ]
    if latency:
        told = ", ".join(f"{name} {value / 1000:.2f} s" for name, value in latency.items())
        rows.append(("motion to decision", told))
    peak = memory["peak_bytes"]
    rows.append(("RAM", f"{'unknown' if peak is None else f'{peak / 1024:.1f} KiB'}, of it "
                 f"{memory['ring_bytes'] / 1024:.1f} KiB sensor"))  # fmt: skip
    if energy:
        parts = ", ".join(
            f"{name} {energy[f'{name}_mwh']:.3g}" for name in ("sleep", "wake", "read", "model")
        )
        rows.append(("energy", f"{energy['mean_mw']:.3g} mW; mWh: {parts}"))
        if energy["battery_hours"] is not None:
            rows.append(("battery", f"{energy['battery_hours']:,.0f} h, were nothing else running"))
    if report["decisions"] is not None:
        rows.append(("decisions", _said(report)))
    return rows


def _said(report: Mapping[str, Any]) -> str:
    text = f"{len(report['decisions'])}"
    for name, key in (("model right", "accuracy"), ("announced right", "announced_accuracy")):
        if report[key] is not None:
            text += f", {name} {report[key]:.1%}"
    return text
