"""`edgehar compare`: several runs in one table and one picture, or one run class by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.distill import percent
from edgehar.cli.eval import picture_name
from edgehar.cli.options import AsJson, DataDirOption, Debug, OutOption, new_app
from edgehar.cli.output import bars, console, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from edgehar.compare import ClassGain, ComparedRun, Comparison
    from edgehar.paired import Gain, PerSeed
    from edgehar.runs import Run

LONGEST = 60  # letters of --labels in a file's name

app = new_app()


@app.command(
    epilog="Example: edgehar compare runs/a runs/b. Class by class: edgehar compare runs/a --classes. "
    "On some classes alone: edgehar compare runs/a runs/b --labels 1-21"
)
def compare(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]",
            help="Run folders on one data set; without any, all finished ones in ./runs.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="One run class by class (without RUN, the latest finished).")
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="LIST",
            help="Judge on the test clips of these classes alone: names, numbers or ranges, such as 1-21.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDirOption = None,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """One table and one picture of several runs: teachers, baseline, student, and what the student gains.

    Gains are paired by seed, over the run's baseline and over the first run's student, with the 90 %
    interval of their mean. With --classes or --labels the networks are asked again on the test clips. The
    picture is written into the first run's compare folder, or to --out (a folder, or a .png file).
    """
    told = compare_and_draw(runs or [], classes, labels, data_dir, out)
    show(told, as_json, view)


def compare_and_draw(
    folders: Sequence[Path],
    classes: bool = False,
    labels: str | None = None,
    data_dir: Path | None = None,
    out: Path | None = None,
) -> Comparison:
    """Compares run folders, all finished ones for none, and draws the picture where `compare` says."""
    if classes and len(folders) > 1:
        raise InputError(f"--classes looks into one run: leave out all but one of the {len(folders)}.")
    if data_dir is not None and not classes and labels is None:
        raise InputError("--data-dir is read with --classes or --labels alone: leave it out.")
    from edgehar.compare import compare_runs
    from edgehar.runs import find_run, open_run

    runs = [open_run(folder) for folder in dict.fromkeys(find_run(folder) for folder in folders)]
    if not runs:
        runs = [open_run(find_run(None))] if classes else all_finished()
    with bars() as bar:
        told = compare_runs(runs, labels=labels, classes=classes, data_dir=data_dir, progress=bar)
    folder = out or runs[0].folder / "compare"
    what = "classes" if classes else "runs"
    name = f"{what}.png" if labels is None else picture_name(what, labels[:LONGEST])
    return drawn(told, folder if folder.suffix == ".png" else folder / name)


def all_finished() -> list[Run]:
    """The finished runs in ./runs, oldest first; one that cannot be read is left out, with a line on stderr.

    Raises InputError if none is left.
    """
    from edgehar.compare import read_accuracies
    from edgehar.runs import RUNS, find_run, list_runs, open_run

    find_run(None)
    runs = []
    for run in list_runs(RUNS):
        try:
            if run.finished and read_accuracies(open_run(run.folder)):
                runs.append(run)
        except InputError as error:
            console.print(f"Left out: {error}", markup=False, highlight=False, soft_wrap=True)
    if not runs:
        raise InputError(f"No finished run in {RUNS} can be read: train again with edgehar distill.")
    return runs


def drawn(told: Comparison, path: Path) -> Comparison:
    """Draws a comparison at `path` (.png), by class where it has classes, and notes it there."""
    from edgehar.comparison_picture import Gained, draw_gains

    first = told.runs[0]
    about = f"{told.dataset}, {first.split}" + _on(first)
    lines: dict[str, Gained]
    if first.classes is not None:
        lines = {f"{line.label} ({line.clips})": line for line in by_gain(first)}
        draw_gains(lines, f"{first.run}: {about}", "test clips of the class named rightly", path)
    else:
        lines = dict(zip(_names(told), told.runs, strict=True))
        draw_gains(lines, about, "accuracy", path)
    return replace(told, picture=str(path))


def by_gain(row: ComparedRun) -> list[ClassGain]:
    """A run's classes, the most gained first."""
    return sorted(row.classes or (), key=lambda line: -line.gain.mean)


def _names(told: Comparison, splits: bool = True) -> list[str]:
    """What each run is called: by its folder's name, or by the path where names repeat; with `splits` its
    split below where that is not the first run's."""
    names = [Path(row.run).name for row in told.runs]
    if len(set(names)) < len(names):
        names = [row.run for row in told.runs]
    others = [splits and row.split != told.runs[0].split for row in told.runs]
    pairs = zip(names, told.runs, others, strict=True)
    return [f"{name}\n({row.split})" if other else name for name, row, other in pairs]


def _on(row: ComparedRun) -> str:
    """The classes that a row was judged on, if not all."""
    if row.labels is None:
        return ""
    names = f" ({', '.join(row.labels)})" if len(row.labels) < 4 else ""
    return f", {len(row.labels)} classes alone{names}, {row.clips} test clips"


def view(told: Comparison) -> RenderableType:
    """A line a run, then a line a class if asked for, then what must be known, and the picture."""
    first = told.runs[0]
    head = f"{told.dataset}, {first.split}{_on(first)}: accuracy in %, gains in points"
    parts: list[RenderableType] = [Text(head, style="bold", overflow="fold"), _runs(told)]
    if first.classes is not None:
        parts.append(_classes(told))
    parts += [Text(f"! {note}", style="yellow", overflow="fold") for note in (*_notes(told), *told.warnings)]
    return Group(*parts, Text(told.picture or "", overflow="fold"))


def _runs(told: Comparison) -> Table:
    """A line a run; over the first run's student where there are several."""
    several = len(told.runs) > 1
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("run", "method\nloss", "teachers", "student", "seeds"):
        table.add_column(head, overflow="fold")
    interval = f"{told.level:.0%} interval"
    heads = ["baseline", "student", f"gain\n{interval}", f"over the first\n{interval}"]
    for head in heads if several else heads[:-1]:
        table.add_column(head, justify="right", overflow="fold")
    for name, row in zip(_names(told), told.runs, strict=True):
        teachers = "\n".join(f"{teacher}\n{_percent(figure)}" for teacher, figure in row.teachers.items())
        made = (name, f"{row.method}\n{row.loss}", teachers, row.student_name, _ranges(row.seeds))
        figures = [_percent(row.baseline), _percent(row.student), _gain(row.gain), _over_first(row)]
        table.add_row(*map(Text, (*made, *(figures if several else figures[:-1]))))
    return table


def _classes(told: Comparison) -> Table:
    """A line a class."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    for head in ("clips", "baseline", "student", "gain", f"{told.level:.0%} interval"):
        table.add_column(head, justify="right", no_wrap=True)
    for line in by_gain(told.runs[0]):
        both = (f"{share.mean:.1%}" for share in (line.baseline, line.student))
        cells = (line.label, str(line.clips), *both, *_gain(line.gain).splitlines())
        table.add_row(*map(Text, cells))
    return table


def _percent(share: PerSeed) -> str:
    return percent({"mean": share.mean, "std": share.std}).removesuffix(" %")


def _gain(gain: Gain) -> str:
    """Two lines in points: `+0.08` and `-0.52 to +0.68`."""
    bounds = [_points(bound) for bound in (gain.low, gain.high) if bound is not None]
    return f"{_points(gain.mean)}\n{' to '.join(bounds) or '-'}"


def _points(difference: float) -> str:
    """A difference of fractions in points, with its sign; what rounds to nothing has a plus.

    >>> _points(-0.0123), _points(-1e-17)
    ('-1.23', '+0.00')
    """
    return f"{round(100 * difference, 2) + 0.0:+.2f}"


def _over_first(row: ComparedRun) -> str:
    if row.not_comparable is not None:
        return f"not comparable:\n{row.not_comparable}"
    return "" if row.over_first is None else _gain(row.over_first)


def _ranges(seeds: Sequence[int]) -> str:
    """Seeds in short.

    >>> _ranges((2, 0, 1, 5))
    '0-2, 5'
    """
    ordered = sorted(seeds)
    starts = [seed for seed in ordered if seed - 1 not in seeds]
    ends = [seed for seed in ordered if seed + 1 not in seeds]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def _notes(told: Comparison) -> Iterator[str]:
    """Why intervals are missing, which pairs share but some seeds, and what many intervals mean."""
    about: dict[str, list[str]] = {}
    for name, row in zip(_names(told, splits=False), told.runs, strict=True):
        over = row.over_first
        if row.gain.note:
            about.setdefault(f"no interval: {row.gain.note}", []).append(name)
        if over is not None and over.note and over.note != row.gain.note:
            about.setdefault(f"no interval over the first: {over.note}", []).append(name)
        if over is not None and len(over.seeds) < max(len(row.seeds), len(told.runs[0].seeds)):
            shared = f"over the first with what both have, seeds {_ranges(over.seeds)}"
            about.setdefault(shared, []).append(name)
    yield from (f"{', '.join(names)}: {note}" for note, names in about.items())
    count = sum(line.gain.low is not None for line in told.runs[0].classes or ())
    if (chance := (1 - told.level) * count) > 0.5:
        yield f"of {count} such intervals about {chance:.0f} leave 0 out by chance alone"
