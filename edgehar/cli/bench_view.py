"""How `edgehar bench` shows its reports: a table a model, a matrix of several, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.emulate import view_emulated
from edgehar.cli.output import kib

if TYPE_CHECKING:
    from edgehar.cli.matrix import Point
    from firmware_sim.model import Model
    from firmware_sim.report import CostReport, Energy, Latency


@dataclass(frozen=True)
class Candidate:
    """A model file to be measured, and the run folder it belongs to, if it was named by one."""

    file: Path
    run: Path | None

    @cached_property
    def model(self) -> Model:
        """The `.tflite` file as it was read, once. Raises SimError if it cannot be."""
        from firmware_sim.model import read_model

        return read_model(self.file)


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
