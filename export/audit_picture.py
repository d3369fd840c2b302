"""A picture of where the signal is lost: one panel a quantised file, one line an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgehar.cache import write_atomic
from edgehar.picture import DOTS_PER_INCH, LABEL_INCHES, LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_INCHES = 0.24
PANEL_INCHES = 3.4
QUANTISED, FLOAT, CULPRIT = "#2166ac", "#999999", "#e08214"
LEAST_SHOWN = 5e-5  # of the signal: less is 0.00 %
MOST_DB = 80.0  # beyond this nobody can hear a difference; equal tensors would stretch the axis


def draw_operators(files: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Write a .png at `path` from the entries of operators.json, operators from top to bottom.

    A bar is the signal-to-noise ratio of what an operator gives, in dB; orange is the one that adds the
    most noise; grey are operators in float. What adds noise has its share of the signal beside it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = {name: [op for op in found if op["snr_db"] is not None] for name, found in files.items()}
    longest = max((len(_label(op)) for found in drawn.values() for op in found), default=10)
    lines = max((len(found) for found in drawn.values()), default=1)
    width = len(drawn) * (PANEL_INCHES + longest * LABEL_INCHES)
    figure = Figure((width, 1.4 + LINE_INCHES * lines), layout="constrained")
    FigureCanvasAgg(figure)
    row = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (name, found) in zip(row, drawn.items(), strict=True):
        _panel(axes, name, found)
    # Without the library's version in the file, so that equal exports give equal bytes for longer.
    write_atomic(
        path, lambda part: figure.savefig(part, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    )


def _panel(axes: Axes, name: str, found: Sequence[Mapping[str, Any]]) -> None:
    noise = [op["added_noise"] or 0.0 for op in found]
    worst = max(noise, default=0.0)
    for line, (op, added) in enumerate(zip(found, noise, strict=True)):
        colour = FLOAT if not op["quantised"] else CULPRIT if added and added == worst else QUANTISED
        shown = min(op["snr_db"], MOST_DB)
        axes.barh(line, shown, color=colour, height=0.7)
        if added >= LEAST_SHOWN:
            axes.text(max(shown, 0) + 1, line, f"+{added:.2%}", va="center", fontsize=LETTERS - 2)
    axes.set_yticks(range(len(found)), [_label(op) for op in found], fontsize=LETTERS)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlim(min(0, *(op["snr_db"] for op in found)), MOST_DB)
    axes.set_xlabel("signal to noise, dB; + noise added", fontsize=LETTERS)
    axes.set_title(name, fontsize=LETTERS + 1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)


def _label(op: Mapping[str, Any]) -> str:
    return f"{op['name']}  {op['dtype']}"
