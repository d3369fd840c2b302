"""`edgehar eval`: how right a run or an exported file is, and where it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgehar.cli.options import (
    AsJson,
    DataDirOption,
    Debug,
    OneSeed,
    OutOption,
    RunOrFileArg,
    SplitOption,
    new_app,
)
from edgehar.cli.output import bars, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from edgehar.judge import Evaluation

MODELS = (".tflite", ".onnx")

app = new_app()


@app.command(
    name="eval", epilog="Example: edgehar eval. A file: edgehar eval student.int8.tflite --data utd-mhad"
)
def evaluate(
    model: RunOrFileArg = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME",
            help="Data set; default the run's own, for a FILE of no run synthetic. All names: edgehar ls.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDirOption = None,
    split: SplitOption = None,
    student_stream: Annotated[
        str | None,
        typer.Option("--student-stream", metavar="STREAM", help="Of several accelerometers: acc.left_wrist."),
    ] = None,
    seed: OneSeed = None,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Accuracy of a run or of any exported file, by subject and by class, and what it confuses.

    Of a RUN its student is shown beside its baseline, of a FILE what its own runtime says, on the test
    clips of the split. The picture of the confusions is written into the run's eval folder; for a FILE
    only with --out (a folder, or a .png file).
    """
    with bars() as bar:
        told = evaluate_model(model, data, data_dir, split, seed, out, bar, student_stream)
    show(told, as_json, view)


def evaluate_model(
    model: Path | None,
    data: str | None,
    data_dir: Path | None,
    split: str | None,
    seed: int | None,
    out: Path | None,
    progress: Any,
    student_stream: str | None = None,
) -> Evaluation:
    """Judges a run or a file, and draws the picture where `eval` says. progress: a maker of bars."""
    where: dict[str, Any] = {"data": data, "data_dir": data_dir, "split": split, "progress": progress}
    where["student_stream"] = student_stream
    if model is not None and (model.is_file() or model.suffix in MODELS):
        if seed is not None:
            raise InputError(f"{model} holds one network: leave --seed out, or name a run instead.")
        from export.judge import evaluate_file

        told, folder, name = evaluate_file(model, **where), out, model.stem
    else:
        from edgehar.judge import evaluate_run
        from edgehar.runs import find_run, open_run

        run = open_run(find_run(model))
        told = evaluate_run(run, seed=seed, **where)
        folder = out or run.folder / "eval"
        name = "student" if told.seed == run.seeds[0] else f"student-seed-{told.seed}"
        if told.dataset != run.plan.data:
            name += f"-on-{told.dataset}"
    if folder is None:
        return told
    from edgehar.judge import drawn

    return drawn(told, folder if folder.suffix == ".png" else folder / picture_name(name, told.split))


def picture_name(stem: str, split: str) -> str:
    """A file's name from a network's and a split's, which may hold spaces.

    >>> picture_name("student", "cross-subject, subject 3 held out")
    'student@cross-subject-subject-3-held-out.png'
    """
    where = re.sub(r"[^\w.-]+", "-", split)
    return f"{stem}@{where}.png"


def view(told: Evaluation) -> RenderableType:
    """What was judged, then a table of all, by subject, by class, and of the confusions; then the picture."""
    from rich.console import Group
    from rich.text import Text

    names = list(told.networks)
    head = f"{told.file or told.run}: {told.student} on {told.dataset}, {told.split}, {told.clips} test clips"
    parts: list[RenderableType] = [Text(head, style="bold", overflow="fold"), _overall(told)]
    parts.append(_by("subject", told.clips_per_subject, {n: told.networks[n].per_subject for n in names}))
    first = told.networks[names[0]]
    per_class = {label: sum(row) for label, row in zip(told.labels, first.confusion, strict=True)}
    parts.append(_by("class", per_class, {n: told.networks[n].recall for n in names}))
    if first.confusions:
        parts.append(_confusions(names[0], told))
    parts += [Text(f"! {warning}", style="yellow") for warning in told.warnings]
    if told.picture:
        parts.append(Text(told.picture, overflow="fold"))
    return Group(*parts)


def _overall(told: Evaluation) -> Table:
    table = _table("network", "accuracy", "macro-F1")
    for name, judged in told.networks.items():
        table.add_row(name, f"{judged.accuracy:.2%}", f"{judged.macro_f1:.2%}")
    return table


def _by(kind: str, clips: Mapping[str, int], shares: Mapping[str, Mapping[str, float | None]]) -> Table:
    """One row a subject or class with clips: how many, and the share that each network named rightly."""
    table = _table(kind, "clips", *shares)
    for name, count in clips.items():
        if count:
            table.add_row(name, str(count), *(_percent(share[name]) for share in shares.values()))
    return table


def _confusions(name: str, told: Evaluation) -> Table:
    table = _table(f"worst confusions of {name}", "clips", "of its class")
    for pair in told.networks[name].confusions:
        table.add_row(f"{pair.true} taken for {pair.said}", str(pair.clips), _percent(pair.share))
    return table


def _table(first: str, *others: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
