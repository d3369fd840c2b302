"""Pictures of an arena: who lives when, and where; in words: which operator makes it as large as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.arena import NEVER, Placed, activation_bytes
from firmware_sim.memory import plan_for
from firmware_sim.model import Model

SHOWN = 0.04  # of the arena's height: a lower buffer has no room for its name


@dataclass(frozen=True)
class Peak:
    """Where the planned arena is fullest. operator: its index, None before the first one.

    alive: the buffers then, largest first; alive_bytes: their sum. planned_bytes is larger where gaps that
    nothing fits lie between them.
    """

    operator: int | None
    name: str
    alive: tuple[Placed, ...]
    alive_bytes: int
    planned_bytes: int

    @property
    def hint(self) -> str:
        """Which operator to change to lower the peak, in a sentence."""
        if not self.alive:
            return "Nothing is planned: the model has no activations."
        at = (
            "before the first operator"
            if self.operator is None
            else f"at operator {self.operator}, {self.name}"
        )
        largest = ", ".join(f"{p.buffer.owner} ({_kib(p.buffer.bytes)})" for p in self.alive[:2])
        gaps = self.planned_bytes - self.alive_bytes
        lost = f", and {_kib(gaps)} of gaps" if gaps else ""
        return (
            f"The arena is fullest {at}: {_kib(self.alive_bytes)} alive{lost}. To lower it, make {largest} "
            "smaller: a stride earlier, fewer channels there, or a shorter window."
        )


def find_peak(model: Model, plan: Sequence[Placed]) -> Peak:
    """The moment at which most bytes are alive, the first of equals."""
    moments = range(len(model.operators) + 1)
    planned = activation_bytes(plan)
    best = max(moments, key=lambda moment: sum(p.buffer.bytes for p in _alive(plan, moment)))
    alive = tuple(sorted(_alive(plan, best), key=lambda p: -p.buffer.bytes))
    name = model.operators[best - 1].name if best else ""
    return Peak(best - 1 if best else None, name, alive, sum(p.buffer.bytes for p in alive), planned)


def _alive(plan: Sequence[Placed], moment: int) -> list[Placed]:
    return [placed for placed in plan if placed.buffer.first <= moment <= placed.buffer.last]


def draw_arena(model: Model, runtime: str, path: Path) -> Peak:
    """Draw the plan as that runtime makes it: operators to the right, bytes upwards. Returns its peak.

    The file's suffix says the format (.png, .svg, .pdf). Needs matplotlib.
    """
    from matplotlib.figure import Figure

    plan = [placed for placed in plan_for(model, runtime) if placed.buffer.first != NEVER]
    peak = find_peak(model, plan)
    moments = len(model.operators)
    figure = Figure(figsize=(max(6.0, min(0.45 * moments + 3, 24.0)), 5.0), layout="constrained")
    axes = figure.add_subplot()
    for number, placed in enumerate(plan):
        _draw(axes, placed, number, peak)
    marked = 0 if peak.operator is None else peak.operator + 1
    axes.axvspan(marked - 0.5, marked + 0.5, color="black", alpha=0.08, zorder=0)
    axes.set_xlim(-0.5, moments + 0.5)
    axes.set_ylim(0, max(peak.planned_bytes, 1) / 1024 * 1.05)
    names = ["input", *(operator.name.lower().replace("_", " ") for operator in model.operators)]
    axes.set_xticks(range(moments + 1), names, rotation=90, fontsize=7)
    axes.set_ylabel("KiB")
    axes.set_title(f"{model.path.name}: {_kib(peak.planned_bytes)} planned as {runtime} does", fontsize=10)
    figure.savefig(path)
    return peak


def _draw(axes: object, placed: Placed, number: int, peak: Peak) -> None:
    """One buffer as a rectangle; those of the peak have a dark edge."""
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    assert isinstance(axes, Axes)
    first, last = placed.buffer.first - 0.5, placed.buffer.last + 0.5
    low, height = placed.offset / 1024, placed.buffer.bytes / 1024
    edge = "black" if placed in peak.alive else "white"
    axes.add_patch(
        Rectangle((first, low), last - first, height, facecolor=f"C{number % 10}", edgecolor=edge, alpha=0.8)
    )
    if placed.buffer.bytes > SHOWN * peak.planned_bytes:
        name = placed.buffer.owner.rsplit("/", 1)[-1][-14:]
        axes.text(
            (first + last) / 2, low + height / 2, name, ha="center", va="center", fontsize=6, clip_on=True
        )


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
