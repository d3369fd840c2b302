"""Pictures of results, drawn by matplotlib without a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehar.cache import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL_INCHES = 0.26
LEAST_INCHES = 3.2
LABEL_INCHES = 0.085  # a letter of a class name at LETTERS points
LETTERS, NUMBERS = 9, 7  # points
DOTS_PER_INCH = 130


def draw_confusions(
    matrices: Mapping[str, Sequence[Sequence[int]]], labels: Sequence[str], title: str, path: Path
) -> None:
    """Write a .png at `path`: a heat map for each named matrix (classes, classes), true down, said across.

    What is right is blue and what is wrong orange, each darker with its share of the true class, so that
    a few errors are seen beside many hits; every count that is not 0 stands in its cell.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    side = max(LEAST_INCHES, CELL_INCHES * len(labels))
    margin = LABEL_INCHES * max(map(len, labels))
    figure = Figure((margin + len(matrices) * (side + 0.3), side + margin + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=LETTERS + 2, wrap=True)
    row = figure.subplots(1, len(matrices), sharey=True, squeeze=False)[0]
    for axes, (name, matrix) in zip(row, matrices.items(), strict=True):
        _heat_map(axes, np.asarray(matrix), labels, name)
    row[0].set_ylabel("true")
    write_atomic(path, lambda part: figure.savefig(part, format="png", dpi=DOTS_PER_INCH))


def _heat_map(axes: Axes, counts: np.ndarray, labels: Sequence[str], name: str) -> None:
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    right = np.eye(len(labels), dtype=bool)
    for hidden, colours in ((~right, "Blues"), (right | (counts == 0), "Oranges")):
        # The root of the share, or one error in twenty could not be told from none.
        axes.imshow(np.ma.array(np.sqrt(share), mask=hidden), cmap=colours, vmin=0, vmax=1.1)
    for true, said in zip(*np.nonzero(counts), strict=True):
        ink = "white" if share[true, said] > 0.4 else "black"
        count = str(counts[true, said])
        axes.text(said, true, count, ha="center", va="center", fontsize=NUMBERS, color=ink)
    hits = counts.trace() / max(counts.sum(), 1)
    axes.set_title(f"{name}: {hits:.1%} of {counts.sum()} clips", fontsize=LETTERS + 1)
    axes.set_xlabel("said")
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=LETTERS)
    axes.set_yticks(range(len(labels)), labels, fontsize=LETTERS)
    axes.tick_params(length=0)
