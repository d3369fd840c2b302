"""The papers' ablations, each by one command that can be stopped at any time and given again.

    python benchmarks/ablations.py pskd-losses --data utd-mhad --seed 0 1 2

NAME is one of

    pskd-losses   PSKD, table 4: the losses, and ACS without each of its two own terms
    schedule      PSKD, figure 5: teachers and student in turns, against teachers that were trained first
    every         PSKD, figure 5: 1, 2 or 3 epochs of the teachers for each of the student's
    vskd-losses   VSKD, table 4: the losses, and DASK without each of its terms

Each row is a run, OUT/<row>: a finished one is skipped, an unfinished one taken up where it stopped. In the
tables of losses the teachers are those of the first seed in all rows, trained once and asked once about a
fixed bank of views of each clip; edgehar's cache keeps them and the baselines, so that a row costs the
students alone. With --own-teachers each seed has its own, for a machine with a GPU. `schedule` and `every`
have the row `progressive` in common: with one OUT for both it is trained once. At the end the runs stand
side by side as `edgehar compare` shows them, each against the first row too, with their picture in
OUT/comparison.png, and below beside the paper's figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from papers import ABLATIONS, DATA, Ablation, Row
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.compare import compare_and_draw, view
from edgehar.cli.distill import distill_run, percent
from edgehar.cli.errors import tell
from edgehar.cli.output import console, only_results_on_stdout, show
from edgehar.errors import InputError
from edgehar.runs import RUNS, Run

if TYPE_CHECKING:
    from edgehar.compare import Comparison
    from edgehar.plan import Plan

SCHEMA = 1


@dataclass(frozen=True)
class BesidePaper:
    """A row's student beside the paper's: fractions 0 to 1, None for what the paper does not print.

    accuracy, macro_f1: as metrics.json has them.
    """

    row: str
    accuracy: Mapping[str, Any]
    macro_f1: Mapping[str, Any]
    paper_accuracy: float | None
    paper_f1: float | None


@dataclass(frozen=True)
class Found:
    """An ablation that has been carried out. note: what must be known of the paper's figures."""

    schema: int
    ablation: str
    rows: tuple[BesidePaper, ...]
    note: str
    comparison: Comparison


def carry_out(name: str, asked: argparse.Namespace) -> Found:
    """Every row of an ablation, those that are not finished now, and their comparison.

    Raises InputError before anything is trained if a row's folder holds a run of other options.
    """
    ablation, out = ABLATIONS[name], asked.out or RUNS / name
    rows = {row: row_options(ablation, row, asked) for row in ablation.rows}
    say(f"{name}: {len(rows)} rows in {out} (torch takes some seconds to load)")
    from edgehar.plan import make_plan

    for row, options in rows.items():
        check_folder(out / row, make_plan(**options)[0])
    for number, (row, options) in enumerate(rows.items(), 1):
        run_row(f"Row {number} of {len(rows)}, {row}", out / row, options)
    comparison = compare_and_draw([out / row for row in rows], out=out / "comparison.png")
    theirs = asked.data == DATA
    lines = tuple(beside_paper(row, Run(out / row), ablation.rows[row], theirs) for row in rows)
    return Found(SCHEMA, name, lines, note(ablation, theirs), comparison)


def row_options(ablation: Ablation, row: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What `edgehar.plan.make_plan` makes a row's run of."""
    given = ("student", "data", "data_dir", "split", "hold_out", "preset", "epochs", "teacher_epochs")
    options = {option: getattr(asked, option) for option in given} | {"seeds": tuple(asked.seed)}
    if ablation.shared and not asked.own_teachers:
        options["teacher_seed"] = asked.seed[0]
    if ablation.rows[row].options.get("schedule") == "progressive":
        options["teacher_epochs"] = None  # as many as the student's: those asked for are the other row's
    return {**options, **ablation.options, **ablation.rows[row].options}


def check_folder(folder: Path, plan: Plan) -> None:
    """Raises InputError if a row's folder holds a run of another plan."""
    if not (folder / "config.json").exists():
        return
    begun, wanted = (dict(flat(p.to_json())) for p in (Run(folder).plan, plan))
    other = [
        f"{option} {begun.get(option)} (now {wanted.get(option)})"
        for option in dict.fromkeys([*begun, *wanted])
        if begun.get(option) != wanted.get(option)
    ]
    if other:
        raise InputError(
            f"{folder} was begun with {', '.join(other)}: give the options that it was begun with, or "
            "another --out."
        )


def flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as pairs of a dotted name and a value."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def run_row(title: str, folder: Path, options: dict[str, Any]) -> None:
    """A row's run: skipped if finished, taken up if begun, else begun."""
    if Run(folder).finished:
        say(f"{title}: finished before, skipped")
    elif (folder / "config.json").exists():
        say(f"{title}: begun before, taken up")
        distill_run({}, resume=folder)
    else:
        say(title)
        distill_run(options, out=folder)


def beside_paper(name: str, run: Run, row: Row, theirs: bool) -> BesidePaper:
    """theirs: whether the run is on the paper's data."""
    printed = [None if value is None or not theirs else value / 100 for value in (row.accuracy, row.f1)]
    student = run.metrics["student"]
    return BesidePaper(name, student["accuracy"], student["macro_f1"], *printed)


def note(ablation: Ablation, theirs: bool) -> str:
    """What must be known of the paper's figures."""
    if not theirs:
        return f"{ablation.table}, is on UTD-MHAD: no figure of it stands beside these."
    known = f"{ablation.table}: on a split that the paper does not state, by its own networks."
    return f"{known} {ablation.told}".rstrip()


def shown(found: Found) -> RenderableType:
    """As `edgehar compare` shows it; then a line a row beside the paper's."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("row")
    for head in ("accuracy", "macro-F1", "paper's\naccuracy", "paper's\nF1"):
        table.add_column(head, justify="right")
    for row in found.rows:
        papers = ("-" if value is None else f"{value:.2%}" for value in (row.paper_accuracy, row.paper_f1))
        table.add_row(row.row, percent(dict(row.accuracy)), percent(dict(row.macro_f1)), *papers)
    return Group(view(found.comparison), "", table, Text(f"! {found.note}", style="yellow"))


def say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line. The options that `edgehar distill` has too mean the same."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=ABLATIONS, metavar="NAME", help=f"one of {', '.join(ABLATIONS)}")
    parser.add_argument("--data", default=DATA, help="data set (default utd-mhad)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where its recordings lie")
    parser.add_argument("--split", help="who trains and who tests (default the one published first)")
    parser.add_argument("--hold-out", metavar="SUBJECT", help="test on this training subject instead")
    parser.add_argument("--student", default="acc-watch", help="who learns (default acc-watch)")
    parser.add_argument(
        "--seed", type=int, nargs="+", action="extend", metavar="N", help="one or more (default 0 1 2)"
    )
    parser.add_argument("--own-teachers", action="store_true", help="teachers of its own for each seed")
    parser.add_argument("--preset", help="as of edgehar distill")
    parser.add_argument("--epochs", type=int, help="of baseline and student")
    parser.add_argument("--teacher-epochs", type=int, help="of teachers that are trained first")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="of the rows' runs (default runs/NAME)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    asked = parser.parse_args(arguments)
    asked.seed = asked.seed or [0, 1, 2]
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 unusable input, said in a sentence, 130 interrupted."""
    asked = read_arguments(arguments)
    try:
        with only_results_on_stdout():
            show(carry_out(asked.name, asked), asked.json, shown)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if (code := tell(error)) is None:
            raise
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
