"""`edgehar predict`: what an exported file says of one recording, over time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehar.cli.options import AsJson, Debug, OutOption, new_app
from edgehar.cli.output import show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from export.predict import Predicted

app = new_app()


@app.command(epilog="Example: edgehar predict runs/walk/export/student.int8.tflite monday.csv --unit g")
def predict(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported .tflite or .onnx file.")],
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Acceleration: .csv (t, x, y, z), .npy or .mat.")
    ],
    unit: Annotated[str, typer.Option("--unit", help="Of the recording: m/s^2, g, mg, 1/16384 g.")] = "m/s^2",
    rate_hz: Annotated[
        float | None, typer.Option("--rate", metavar="HZ", help="Of a recording without times.")
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option("--time-unit", help="s, ms, us or ns, where it is taken for another.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="What they are, without a header: 'x y z - t'.")
    ] = None,
    hop: Annotated[float, typer.Option("--hop", metavar="SECONDS", help="From window to window.")] = 0.5,
    clip: Annotated[bool, typer.Option("--clip", help="The recording is one clip, however long.")] = False,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write time, class and probability of one recording as CSV, and a picture of signal and decisions.

    Window, rate and unit are those that FILE was trained for: the recording is brought to them. Both are
    written into the current folder, or into the folder --out.
    """
    from dataclasses import replace

    from edgehar.data.streams import Source
    from export.predict import predict_file, write_decisions

    _check_there(recording)
    source = Source(
        where="the recording",
        path=recording,
        stream="acc",
        unit=unit,
        rate_hz=rate_hz,
        time_unit=time_unit,
        columns=tuple(re.split(r"[\s,;]+", columns.strip())) if columns else None,
    )
    told, raw = predict_file(file, source, hop_s=hop, one_clip=clip)
    stem = (out or Path()) / f"{recording.stem}@{file.stem}"
    told = replace(told, csv=f"{stem}.csv", picture=f"{stem}.png")
    write_decisions(told, Path(f"{stem}.csv"))
    _draw(told, raw, Path(f"{stem}.png"))
    show(told, as_json, _view)


def _check_there(recording: Path) -> None:
    from edgehar.errors import InputError

    if not recording.is_file():
        what = "is a folder" if recording.is_dir() else "does not exist"
        raise InputError(f"{recording} {what}: name a recording, a .csv, .npy or .mat file.")
    if not recording.stat().st_size:
        raise InputError(f"{recording} is empty: the recording holds nothing.")


def _draw(told: Predicted, raw: object, path: Path) -> None:
    import numpy as np

    from edgehar.data.streams import Raw
    from edgehar.decisions_picture import draw_decisions

    assert isinstance(raw, Raw)
    seconds = (
        np.arange(len(raw.values)) / raw.rate_hz if raw.seconds is None else raw.seconds - raw.seconds[0]
    )
    ends, labels, chances = zip(*((d.time, d.label, d.probability) for d in told.decisions), strict=True)
    title = f"{told.recording}: {told.student}, {len(told.decisions)} decisions"
    span = told.hop_s if told.fed_hz else told.duration_s
    draw_decisions(seconds, raw.values, ends, labels, chances, span, title, path)


def _view(told: Predicted) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from edgehar.cli.output import table_of

    fed = "one whole clip" if told.fed_hz is None else f"fed at {told.fed_hz:g} Hz"
    head = f"{told.recording}: {told.duration_s:.1f} s at {told.rate_hz:.4g} Hz, {fed}, {told.student}"
    parts: list[RenderableType] = [Text(head, style="bold", overflow="fold")]
    if told.times:
        parts.append(Text(f"times: {told.times}"))
    if told.repairs:
        parts.append(
            Text("repaired: " + ", ".join(f"{count} {name}" for name, count in told.repairs.items()))
        )
    rows = [{"class": name, "seconds": round(value, 2)} for name, value in told.seconds_by_label.items()]
    parts.append(table_of(rows))
    parts += [Text(f"! {warning}", style="yellow", overflow="fold") for warning in told.warnings]
    parts.append(Text(f"{told.csv}\n{told.picture}", overflow="fold"))
    return Group(*parts)
