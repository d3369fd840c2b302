"""A picture of one recording: what was felt, and below it what was said, over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehar.cache import write_atomic
from edgehar.picture import DOTS_PER_INCH, LABEL_INCHES, LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXIS_COLOURS = ("#2166ac", "#e08214", "#555555")
MOST_POINTS = 20_000  # that are drawn of a signal: a picture has fewer columns
SIGNAL_INCHES, LINE_INCHES = 2.6, 0.24


def draw_decisions(
    seconds: np.ndarray,
    values: np.ndarray,
    ends: Sequence[float],
    labels: Sequence[str],
    probabilities: Sequence[float],
    span_s: float,
    title: str,
    path: Path,
) -> None:
    """Write a .png at `path`: acceleration (T, 3) in m/s^2 at `seconds` (T,), and below it each decision as a
    bar of `span_s` that ends with it, in the line of its class, the darker the surer."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(labels))
    height = SIGNAL_INCHES + 1.2 + LINE_INCHES * len(names)
    figure = Figure((9 + LABEL_INCHES * max(map(len, names)), height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=LETTERS + 2, wrap=True)
    signal, said = figure.subplots(
        2, 1, sharex=True, height_ratios=[SIGNAL_INCHES, 0.5 + LINE_INCHES * len(names)]
    )
    _signal(signal, seconds, values)
    rows = [names.index(label) for label in labels]
    shade = colormaps["Blues"](np.asarray(probabilities))
    begun = [end - span_s for end in ends]
    said.barh(rows, span_s, 0.7, begun, color=shade, edgecolor="0.6", linewidth=0.3)
    said.set_yticks(range(len(names)), names, fontsize=LETTERS)
    said.set_ylim(len(names) - 0.4, -0.6)
    said.set_xlabel("s", fontsize=LETTERS)
    said.grid(axis="x", alpha=0.25)
    write_atomic(path, lambda part: figure.savefig(part, format="png", dpi=DOTS_PER_INCH))


def _signal(axes: Axes, seconds: np.ndarray, values: np.ndarray) -> None:
    """Every sample, or of a long recording the least and the greatest of each of many short parts."""
    count = len(values)
    if count > MOST_POINTS:
        part = -(-count // (MOST_POINTS // 2))
        whole = count // part * part
        cut = np.asarray(values[:whole]).reshape(-1, part, values.shape[1])
        values = np.stack([cut.min(axis=1), cut.max(axis=1)], axis=1).reshape(-1, values.shape[1])
        seconds = np.repeat(seconds[:whole:part], 2)
    for name, colour, axis in zip("xyz", AXIS_COLOURS, values.T, strict=True):
        axes.plot(seconds, axis, color=colour, linewidth=0.7, label=name)
    axes.set_ylabel("acceleration, m/s²", fontsize=LETTERS)
    axes.legend(loc="upper right", ncols=3, fontsize=LETTERS - 1, frameon=False)
    axes.grid(alpha=0.25)
