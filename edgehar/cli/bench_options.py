"""The options of `edgehar bench`, and how a cost is found with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehar.errors import InputError

if TYPE_CHECKING:
    from firmware_sim.costs import Calibration

PICTURES = (".png", ".svg", ".pdf")

DevicesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        metavar="NAME|FILE",
        help="Device or profile file, repeatable; host measures here, adb[:SERIAL] on a phone. "
        "Default cpu-arm. All: edgehar ls.",
        show_default=False,
    ),
]
EmulateOption = Annotated[
    bool, typer.Option("--emulate", help="Run it on an emulated core; once before: edgehar setup emulator.")
]
BenchmarkBinaryOption = Annotated[
    Path | None,
    typer.Option(
        "--benchmark-binary",
        metavar="FILE",
        help="For --device adb[:serial]: LiteRT's benchmark_model; without it the student's C is timed.",
        show_default=False,
    ),
]
StreamOption = Annotated[
    bool, typer.Option("--stream", help="Simulate a watch's day with the model at that cost.")
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="For --stream: hours=24, hop, fifo, seed and others.",
        show_default=False,
    ),
]
RecordingOption = Annotated[
    Path | None,
    typer.Option(
        "--recording",
        metavar="FILE",
        help="For --stream: decide on a .csv (t,x,y,z[,label]) or .npy.",
        show_default=False,
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        help="Coefficients by edgehar calibrate; default ours.",
        show_default=False,
    ),
]
PictureOption = Annotated[
    Path | None,
    typer.Option(
        "--picture",
        metavar="FILE",
        help="Draw the arena of one model, or accuracy, latency and bytes of several.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Means:
    """How a cost is found. calibration: None for ours; emulate: by an emulated core, the estimate beside it.

    benchmark_binary: LiteRT's `benchmark_model`, for a device behind adb.
    """

    calibration: Calibration | None = None
    emulate: bool = False
    benchmark_binary: Path | None = None


def find_means(calibration: Path | None, emulate: bool, benchmark_binary: Path | None) -> Means:
    """What the options ask for, the calibration read. Raises SimError if it is none."""
    from firmware_sim.costs import read_calibration

    return Means(read_calibration(calibration) if calibration else None, emulate, benchmark_binary)


def check_picture(path: Path | None) -> None:
    """Raises InputError if matplotlib could not write a picture of that name."""
    if path is not None and path.suffix not in PICTURES:
        raise InputError(f"--picture {path}: give a file that ends with {', '.join(PICTURES)}.")
