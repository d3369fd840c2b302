"""`edgehar data`: a manifest from a folder, and everything read once before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehar.cli.options import AsJson, DataDirOption, Debug, OutOption, new_app
from edgehar.cli.output import bars, show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgehar.data.check import Report
    from edgehar.data.scan import Scan

app = new_app()


@app.callback(
    epilog="Example: edgehar data scan recordings --pattern '{subject}/{label}/{trial}/{stream}.csv'"
)
def data() -> None:
    """Your own recordings: write their manifest, and read everything once."""


@app.command(
    epilog="Example: edgehar data scan recordings --pattern '{subject}/{label}/{trial}/{stream}.csv' --unit g"
)
def scan(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the recordings lie.")],
    pattern: Annotated[
        str,
        typer.Option(
            "--pattern",
            help="How paths are made of {subject} {label} {trial} {stream} {clip} {session} {scene}.",
        ),
    ],
    unit: Annotated[
        str, typer.Option("--unit", help="Of the motion sensors: g, or of each: acc=g,gyro=deg/s.")
    ] = "",
    rate_hz: Annotated[
        float | None, typer.Option("--rate", metavar="HZ", help="Of files that have no time column.")
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option("--time-unit", help="s, ms, us or ns, where times are taken for another.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", help="What every file is, where no name says it: acc.")
    ] = None,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a manifest from a folder's names: one row a stream.

    Into FOLDER/manifest.csv, or where --out says. * in the pattern stands for any part of a name.
    """
    from edgehar.data.scan import scan as scan_folder

    manifest = out or folder / "manifest.csv"
    told = scan_folder(
        folder, pattern, manifest, unit=unit, rate_hz=rate_hz, time_unit=time_unit, stream=stream
    )
    show(told, as_json, _scanned)


def _scanned(told: Scan) -> RenderableType:
    from rich.text import Text

    streams = ", ".join(f"{name} {count}" for name, count in told.streams.items())
    lines = [
        f"{told.manifest}: {told.clips} clips, {len(told.labels)} labels, {len(told.subjects)} subjects; "
        f"files of {streams}"
    ]
    if told.files_left_out:
        lines.append(f"! {told.files_left_out} files do not fit the pattern, such as {told.left_out[0]}")
    lines.append(f"Next: edgehar data check {told.manifest}")
    return Text("\n".join(lines), overflow="fold")


@app.command(
    epilog="Example: edgehar data check recordings/manifest.csv. A data set: edgehar data check utd-mhad"
)
def check(
    name: Annotated[str, typer.Argument(metavar="MANIFEST|NAME", help="A manifest, or a data set's name.")],
    data_dir: DataDirOption = None,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read everything once: counts, rates, gaps, units that look wrong, duplicates, splits that leak.

    Beside a manifest lies then its picture, MANIFEST.png; of a data set only with --out. Exit code 1 if
    something was found that stops training.
    """
    from dataclasses import replace

    from edgehar.data.check import check_recordings
    from edgehar.data.check_picture import draw_check
    from edgehar.data.manifest import is_manifest
    from edgehar.data.source import open_recordings

    recordings = open_recordings(name, data_dir)
    with bars() as bar:
        told = check_recordings(recordings, name, bar)
    picture = out or (Path(name).with_suffix(".png") if is_manifest(name) else None)
    if picture is not None:
        draw_check(told, recordings, picture)
        told = replace(told, picture=str(picture))
    show(told, as_json, _checked)
    if not told.passed:
        raise typer.Exit(1)


def _checked(told: Report) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from edgehar.cli.output import table_of

    head = f"{told.data}: {told.clips} clips, {told.samples} samples"
    parts: list[RenderableType] = [Text(head, style="bold", overflow="fold")]
    counts = [{"label": label, "clips": count} for label, count in told.labels.items()]
    people = [{"subject": subject, "clips": count} for subject, count in told.subjects.items()]
    shown = ("clips", "shortest_s", "median_s", "longest_s", "stated_hz", "real_hz", "jitter", "gaps")
    streams = [{"stream": n, **{k: v[k] for k in shown}} for n, v in told.streams.items()]
    more = ("longest_gap_s", "drift_s", "rests_at", "saturated_clips", "flat_clips", "times")
    clocks = [{"stream": n, **{k: v[k] for k in more}} for n, v in told.streams.items()]
    splits = [{"split": n, **v} for n, v in told.splits.items()]
    for rows in (counts, people, streams, clocks, splits):
        if rows:
            parts.append(table_of(rows))
    if told.clocks:
        worst = sorted(told.clocks, key=lambda row: -max(abs(row.offset_s), abs(row.drift_s)))[:10]
        rows = [{"clip": c.clip, "clocks": f"{c.first}, {c.second}", "offset_s": c.offset_s} for c in worst]
        for row, apart in zip(rows, worst, strict=True):
            row |= {"drift_s": apart.drift_s, "ppm": apart.ppm}
        parts.append(table_of(rows, title="clocks farthest apart, by when both move"))
    if told.repairs:
        counted = ", ".join(f"{count} {name}" for name, count in told.repairs.items())
        parts.append(Text(f"repaired: {counted}"))
    marks = {"error": "x", "warning": "!", "note": "-"}
    colours = {"error": "red", "warning": "yellow", "note": ""}
    for finding in told.findings:
        line = f"{marks[finding.grave]} {finding.what} ({finding.clips} clips, the first {finding.first})"
        parts.append(Text(line, style=colours[finding.grave], overflow="fold"))
    if told.picture:
        parts.append(Text(told.picture, overflow="fold"))
    return Group(*parts)
