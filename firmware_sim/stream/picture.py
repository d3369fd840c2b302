"""A picture of a day's first seconds: batches, the processor's work, and what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmware_sim.stream.day import TIMELINE_S, Day
from firmware_sim.stream.decisions import Said

COLOURS = {"wake": "#d9a441", "read": "#4c78a8", "model": "#c44e52"}
LEAST_WIDTH_S = 0.004  # shorter work is drawn this wide, so that it can be seen


def draw_timeline(day: Day, path: Path, said: Said | None = None) -> None:
    """Draw the first 20 s of `day` into `path` (.png): one lane for batches, one a kind of work."""
    from matplotlib.figure import Figure

    span = min(TIMELINE_S, day.seconds)
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes: Any = figure.add_subplot()
    axes.vlines([t for t in day.arrivals if t <= span], 2.6, 3.4, color="#777777", linewidth=1)
    lanes = {"read": 2.0, "wake": 1.5, "model": 1.0}
    for start, end, what in day.slices:
        if start <= span:
            axes.broken_barh([(start, max(end - start, LEAST_WIDTH_S))], (lanes[what] - 0.2, 0.4),
                             color=COLOURS[what])  # fmt: skip
    axes.set_yticks([3.0, *lanes.values()], ["batch", *lanes])
    _draw_decisions(axes, day, said, span)
    awake = sum(day.busy_s.values()) / day.seconds
    axes.set_title(
        f"First {span:g} s: the processor is awake {awake:.2%} of the time", loc="left", fontsize=10
    )
    axes.set_xlim(0, span)
    axes.set_xlabel("s")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _draw_decisions(axes: Any, day: Day, said: Said | None, span: float) -> None:
    if said is None:
        finishes = [t for t in day.finishes if t <= span]
        axes.plot(finishes, [0.4] * len(finishes), "v", color="#2a7f4f", markersize=5)
        axes.text(0, 0.05, "a decision each", fontsize=8, color="#2a7f4f")
        return
    previous = None
    for decision in said.decisions:
        if decision.at_s <= span and decision.announced != previous:
            previous = decision.announced
            axes.plot([decision.at_s], [0.4], "v", color="#2a7f4f", markersize=5)
            axes.text(decision.at_s, 0.05, str(previous), fontsize=8, color="#2a7f4f", rotation=20)
