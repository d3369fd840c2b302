"""The options of `edgehar export --module`, for other people's networks, and what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgehar.errors import InputError

if TYPE_CHECKING:
    from export.exportable import Exportable

PANEL = "Other people's networks"


def _option(flag: str, metavar: str, told: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=told, show_default=False, rich_help_panel=PANEL)


ModuleOption = Annotated[
    str | None, _option("--module", "MODULE:FUNCTION", "Export the network that a function builds.")
]
WeightsOption = Annotated[
    Path | None, _option("--weights", "FILE", "Its weights, .safetensors or a .pt of plain tensors.")
]
CalibrationOption = Annotated[
    Path | None,
    _option("--calibration", "FILE", "Windows it was made for: a manifest (.csv), a .npy or a .npz."),
]
LabelsOption = Annotated[
    Path | None, _option("--labels", "FILE", "Its classes, one a line, in the order of its scores.")
]
WindowOption = Annotated[
    int | None, _option("--window", "N", "Samples it takes; default those of the calibration windows.")
]
StreamOption = Annotated[
    str | None, _option("--stream", "NAME", "Which stream of the manifest, where it has several.")
]
FramingOption = Annotated[
    str | None,
    _option("--framing", "NAME", "clip (default): each clip resampled to the window; window: cut into such."),
]
LayoutOption = Annotated[
    str | None, _option("--layout", "NAME", "How it takes windows: ntc, nct, n1tc or nc1t; default: tried.")
]
ModuleOutOption = Annotated[
    Path | None,
    _option(
        "--out",
        "FOLDER",
        "Where its export/ is written, or the C of a FILE; default runs/<module>-<function>, <FILE>-c.",
    ),
]


@dataclass(frozen=True)
class ModuleOptions:
    """What `edgehar export --module` was told beside the choice of files; None is not told."""

    weights: Path | None = None
    calibration: Path | None = None
    labels: Path | None = None
    window: int | None = None
    stream: str | None = None
    framing: str | None = None
    layout: str | None = None
    out: Path | None = None


def check_alone(options: ModuleOptions, module: str | None, run: Path | None, seed: int | None) -> None:
    """Raises InputError for options that do not go together: a module is of no run, a run needs none."""
    told = [name for name, value in vars(options).items() if value is not None]
    if module is None and told == ["out"]:
        raise InputError("--out is for --module or for a FILE; a run's files go into its own folder export.")
    if module is None and told:
        raise InputError(f"--{told[0]} is about --module: name the function that builds the network too.")
    if module is not None and (run is not None or seed is not None):
        raise InputError("--module exports a network of no run: leave RUN and --seed out.")
    if module is not None and options.calibration is None:
        raise InputError("--module needs --calibration: windows that the network was made for.")


def open_module(module: str, options: ModuleOptions) -> tuple[Exportable, Path]:
    """The network to export, and the folder that its files go into.

    Raises ExportError for a network, weights, labels or calibration windows that cannot be used.
    """
    from export.calibration_set import read_calibration
    from export.module import exportable_module

    assert options.calibration is not None
    windows = read_calibration(options.calibration, options.window, options.stream, options.framing or "clip")
    source = exportable_module(
        module, windows, weights=options.weights, labels=options.labels, layout=options.layout
    )
    where, _, function = module.rpartition(":")
    out = options.out or Path("runs") / f"{Path(where).stem}-{function}"
    out.mkdir(parents=True, exist_ok=True)
    return source, out / "export"
