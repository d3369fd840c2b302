"""Several models on several devices: one table and one picture, with those that nobody beats marked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from edgehar.cli.output import kib

if TYPE_CHECKING:
    from firmware_sim.report import CostReport

ON_FRONT = "*"


@dataclass(frozen=True)
class Point:
    """A model on a device. accuracy: 0 to 1, None where no export.json lies beside the file.

    on_front: no other model on that device is as accurate, as quick and as small, and better in one of them.
    """

    model: str
    device: str
    accuracy: float | None
    latency_ms: float | None
    low_ms: float | None
    high_ms: float | None
    flash_bytes: int | None
    on_front: bool = False


def find_points(labels: Sequence[str], files: Sequence[Path], reports: Sequence[CostReport]) -> list[Point]:
    """A point a report. labels: how each report's model is called; files: its file."""
    points = []
    for label, file, report in zip(labels, files, reports, strict=True):
        latency = report.latency_ms
        value, low, high = (latency.value, latency.low, latency.high) if latency else (None, None, None)
        accuracy, flash = find_accuracy(file), report.memory.flash_bytes
        points.append(Point(label, report.device.name, accuracy, value, low, high, flash))
    return [Point(**{**vars(point), "on_front": _on_front(point, points)}) for point in points]


def find_accuracy(file: Path) -> float | None:
    """What the export.json beside a model file says it reached on the test clips; None if nothing does."""
    try:
        told = json.loads((file.parent / "export.json").read_text(encoding="utf-8"))
        accuracy = told["files"][file.name]["accuracy"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(accuracy) if isinstance(accuracy, int | float) else None


def _on_front(point: Point, points: Sequence[Point]) -> bool:
    """Unknown accuracies are left out of the comparison; a point without a latency is on no front."""
    if point.latency_ms is None or point.flash_bytes is None:
        return False
    rivals = [p for p in points if p.device == point.device and p.latency_ms is not None]
    return not any(_beats(rival, point) for rival in rivals)


def _beats(rival: Point, point: Point) -> bool:
    pairs = [(rival.latency_ms, point.latency_ms), (rival.flash_bytes, point.flash_bytes)]
    if rival.accuracy is not None and point.accuracy is not None:
        pairs.append((-rival.accuracy, -point.accuracy))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all(a <= b for a, b in known) and any(a < b for a, b in known)


def matrix(points: Sequence[Point]) -> Table:
    """A row a model: accuracy, bytes, and its latency on each device, marked where it is on the front."""
    devices = list(dict.fromkeys(point.device for point in points))
    table = Table(title=f"{ON_FRONT} no other model is as good in all", box=SIMPLE_HEAD, title_justify="left")
    table.add_column("model", overflow="fold")
    for column in ("accuracy", "flash", *devices):
        table.add_column(column, justify="right")
    for model in dict.fromkeys(point.model for point in points):
        mine = [point for point in points if point.model == model]
        accuracy = next((f"{p.accuracy:.1%}" for p in mine if p.accuracy is not None), "unknown")
        sizes = list(dict.fromkeys(kib(point.flash_bytes) for point in mine))
        cells = [next((_cell(p) for p in mine if p.device == device), "") for device in devices]
        table.add_row(*map(Text, (model, accuracy, " / ".join(sizes), *cells)))
    return table


def _cell(point: Point) -> str:
    if point.latency_ms is None:
        return "unknown"
    return f"{point.latency_ms:.3g} ms" + (ON_FRONT if point.on_front else "")


def draw_matrix(points: Sequence[Point], path: Path) -> None:
    """Accuracy against latency, bytes as area, a panel a device, the front as a line. Needs matplotlib.

    Models without an accuracy stand on the lower edge, hollow.
    """
    from matplotlib.figure import Figure

    devices = list(dict.fromkeys(point.device for point in points))
    figure = Figure(figsize=(4.5 * len(devices), 4.2), layout="constrained")
    known = [point.accuracy for point in points if point.accuracy is not None]
    floor = 100 * min(known, default=0.0) - 2
    largest = max((point.flash_bytes or 0 for point in points), default=1) or 1
    for place, device in enumerate(devices, start=1):
        axes = figure.add_subplot(1, len(devices), place)
        mine = [p for p in points if p.device == device and p.latency_ms is not None]
        front = sorted((p.latency_ms or 0.0, _height(p, floor)) for p in mine if p.on_front)
        axes.plot([x for x, _ in front], [y for _, y in front], color="grey", linewidth=1, zorder=0)
        for point in mine:
            colour = f"C{[*dict.fromkeys(p.model for p in points)].index(point.model) % 10}"
            _draw_point(axes, point, floor, colour, 30 + 600 * (point.flash_bytes or 0) / largest)
        axes.set_xscale("log")
        axes.set_xlabel("latency, ms")
        axes.set_title(device, fontsize=10)
        axes.margins(0.25)
        axes.set_ylim(floor - 2, 100 * max(known, default=0.0) + 4)
        if place == 1:
            axes.set_ylabel("accuracy, %")
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", fontsize=7, markerscale=0.4)
    figure.savefig(path)


def _height(point: Point, floor: float) -> float:
    return floor if point.accuracy is None else 100 * point.accuracy


def _draw_point(axes: object, point: Point, floor: float, colour: str, area: float) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    x, y = point.latency_ms or 0.0, _height(point, floor)
    axes.plot([point.low_ms or x, point.high_ms or x], [y, y], color=colour, linewidth=1, alpha=0.6)
    face = "none" if point.accuracy is None else colour
    edge = "black" if point.on_front else colour
    axes.scatter([x], [y], s=area, facecolors=face, edgecolors=edge, alpha=0.8, label=point.model)
    axes.annotate(
        kib(point.flash_bytes), (x, y), textcoords="offset points", xytext=(0, 10), ha="center", fontsize=7
    )
