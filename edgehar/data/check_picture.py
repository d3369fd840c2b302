"""A picture of recordings: who did what how often, how long, at which rates, and how a sensor rests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehar.cache import write_atomic
from edgehar.data.check import Report
from edgehar.data.clip import Recordings
from edgehar.data.units import GRAVITY
from edgehar.picture import DOTS_PER_INCH, LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = "#2166ac", "#e08214"
PANELS_INCHES = (12.0, 8.0)


def draw_check(report: Report, recordings: Recordings, path: Path) -> None:
    """Write a .png at `path`: clips by label and subject, durations, rates, and the length at rest."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(PANELS_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    title = f"{Path(report.data).name}: {report.clips} clips, {len(report.findings)} findings"
    figure.suptitle(title, fontsize=LETTERS + 2)
    (counts, durations), (rates, rests) = figure.subplots(2, 2)
    _counts(counts, recordings)
    _spread(durations, report, [one.duration_s for one in report.measured], "duration, s")
    _spread(rates, report, [one.rate_hz for one in report.measured], "real rate, Hz")
    _rests(rests, report)
    write_atomic(path, lambda part: figure.savefig(part, format="png", dpi=DOTS_PER_INCH))


def _counts(axes: Axes, recordings: Recordings) -> None:
    subjects = sorted({clip.subject for clip in recordings.clips})
    grid = np.zeros((len(recordings.labels), len(subjects)), dtype=int)
    for clip in recordings.clips:
        grid[clip.label, subjects.index(clip.subject)] += 1
    axes.imshow(np.ma.masked_equal(grid, 0), cmap="Blues", vmin=0, aspect="auto")
    if grid.size <= 400:
        for row, column in np.ndindex(*grid.shape):
            ink = (
                ORANGE
                if not grid[row, column]
                else "white"
                if grid[row, column] > grid.max() / 2
                else "black"
            )
            axes.text(column, row, str(grid[row, column]), ha="center", va="center", color=ink, fontsize=7)
    axes.set_xticks(range(len(subjects)), subjects, rotation=90, fontsize=LETTERS - 2)
    axes.set_yticks(range(len(recordings.labels)), recordings.labels, fontsize=LETTERS - 2)
    axes.set_title("clips by label and subject", fontsize=LETTERS + 1)


def _spread(axes: Axes, report: Report, values: Sequence[float], title: str) -> None:
    names = list(report.streams)
    by_stream = [
        [value for one, value in zip(report.measured, values, strict=True) if one.stream == name]
        for name in names
    ]
    for row, of in enumerate(by_stream):
        wobble = np.random.default_rng(0).uniform(-0.3, 0.3, len(of))  # so that equal clips lie apart
        axes.scatter(of, row + wobble, s=5, alpha=0.4, color=BLUE)
    axes.set_yticks(range(len(names)), names, fontsize=LETTERS)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title(title, fontsize=LETTERS + 1)
    axes.grid(axis="x", alpha=0.25)


def _rests(axes: Axes, report: Report) -> None:
    still = [one for one in report.measured if one.still is not None]
    axes.set_title("acceleration at rest, m/s² (gravity is the line)", fontsize=LETTERS + 1)
    axes.axvline(GRAVITY, color=ORANGE, linewidth=1.5)
    if not still:
        axes.text(0.5, 0.5, "no clip lies still for half a second", ha="center", transform=axes.transAxes)
        return
    axes.hist([one.still for one in still if one.still is not None], bins=40, color=BLUE, alpha=0.8)
    axes.set_ylabel("clips")
