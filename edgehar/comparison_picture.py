"""A picture of what students gain over their baselines: one line a run, or one a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgehar.cache import write_atomic
from edgehar.paired import LEVEL, ROUNDING, Gain, PerSeed
from edgehar.picture import DOTS_PER_INCH, LABEL_INCHES, LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_INCHES = 0.42
PANEL_INCHES = 3.6
BASELINE, STUDENT = "#e08214", "#2166ac"  # orange and blue, as in the confusions, told apart by all eyes
NEITHER = "#555555"
APART = 0.16  # of a line's height: what is drawn above or below its middle
SEED: dict[str, Any] = {"s": 16, "alpha": 0.6}
MEAN: dict[str, Any] = {"s": 130, "marker": "|", "linewidth": 2}
GAIN: dict[str, Any] = {"s": 34, "marker": "D"}


class Gained(Protocol):
    """A line of the picture: a compared run, or a class of one."""

    @property
    def baseline(self) -> PerSeed: ...
    @property
    def student(self) -> PerSeed: ...
    @property
    def gain(self) -> Gain: ...


def draw_gains(lines: Mapping[str, Gained], title: str, share: str, path: Path) -> None:
    """Write a .png at `path`: lines from top to bottom, by name, in the order given.

    Left, what share in percent (`share` names it) each seed's baseline and student get, a pair joined by a
    line, the means as bars across. Right, the gain in points: each seed's, the mean, and its interval.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    margin = LABEL_INCHES * max(len(text) for name in lines for text in name.splitlines())
    size = (margin + 2 * PANEL_INCHES + 0.4, 1.6 + LINE_INCHES * len(lines))
    figure = Figure(size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=LETTERS + 2, wrap=True)
    shares, gains = figure.subplots(1, 2, sharey=True)
    _draw_shares(shares, list(lines.values()), share)
    _draw_gains(gains, [line.gain for line in lines.values()])
    shares.set_yticks(range(len(lines)), lines, fontsize=LETTERS)
    shares.set_ylim(len(lines) - 0.5, -0.5)
    for axes in (shares, gains):
        axes.tick_params(axis="x", labelsize=LETTERS)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", alpha=0.25)
    figure.legend(loc="outside lower center", ncols=5, fontsize=LETTERS, frameon=False)
    write_atomic(path, lambda part: figure.savefig(part, format="png", dpi=DOTS_PER_INCH))


def _draw_shares(axes: Axes, lines: Sequence[Gained], share: str) -> None:
    for row, line in enumerate(lines):
        both = 100 * np.array([line.baseline.per_seed, line.student.per_seed])  # (2, seeds)
        places = [row - APART, row + APART]
        axes.plot(both, places, color="0.75", linewidth=0.8, zorder=1)
        for values, at, colour in zip(both, places, (BASELINE, STUDENT), strict=True):
            axes.scatter(values, np.full(len(values), at), color=colour, **SEED)
            axes.scatter(values.mean(), at, color=colour, **MEAN)
    for name, colour in (("baseline", BASELINE), ("student", STUDENT)):
        axes.scatter([], [], color=colour, label=f"{name}, a seed", **SEED)
        axes.scatter([], [], color=colour, label=f"{name}, mean", **MEAN)
    axes.set_xlabel(f"{share}, %", fontsize=LETTERS)


def _draw_gains(axes: Axes, gains: Sequence[Gain]) -> None:
    axes.axvline(0, color=NEITHER, linewidth=0.8)
    for row, gain in enumerate(gains):
        colour = NEITHER if abs(gain.mean) <= ROUNDING else STUDENT if gain.mean > 0 else BASELINE
        values = 100 * np.array(gain.per_seed)
        axes.scatter(values, np.full(len(values), row - APART), color=colour, **SEED)
        if gain.low is not None and gain.high is not None:
            axes.plot([100 * gain.low, 100 * gain.high], [row, row], color=colour, linewidth=1.6)
        axes.scatter(100 * gain.mean, row, color=colour, **GAIN)
    told = f"mean gain, {LEVEL:.0%} interval where there is one"
    axes.plot([], [], color=NEITHER, marker="D", linewidth=1.6, label=told)
    axes.set_xlabel("gain of the student over its baseline, points", fontsize=LETTERS)
