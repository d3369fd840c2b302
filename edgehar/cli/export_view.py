"""What `edgehar export` shows people of an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgehar.cli.output import kib

if TYPE_CHECKING:
    from export.audit import OperatorReport
    from export.report import ExportReport, FileReport

SHIPPED = ("int8", "int8-float-io", "int16x8", "dynamic", "fp16", "float")  # the smallest first
WORST = 5


def view(report: ExportReport, all_operators: bool = False) -> RenderableType:
    """A table of the files, the failures in red with their reason, where int8 loses the signal, what was
    done about it, and the path of the file to ship."""
    parts: list[RenderableType] = [_files(report), *_faults(report), *_remarks(report)]
    parts += _operators(report, all_operators)
    return Group(*parts, Text(str(file_to_ship(report)), overflow="fold"))


def _files(report: ExportReport) -> Table:
    table = Table(title=f"Exported on {report.clips} test clips", title_justify="left", title_style="bold")
    table.add_column("file", no_wrap=True)
    for column in ("size", "operators", "arena", "accuracy", "agreement", "max diff"):
        table.add_column(column, justify="right")
    table.add_column("check")
    table.add_row("student (torch)", "", "", "", f"{report.student_accuracy:.2%}", "", "", "")
    for name, entry in report.to_json()["files"].items():
        written = name in report.files
        style = "dim" if not written else None if entry["passed"] else "red"
        table.add_row(*_cells(name, entry, written), style=style)
    return table


def _cells(name: str, entry: dict[str, Any], written: bool) -> tuple[str | Text, ...]:
    difference = entry["max_difference"]
    if not written:
        check = Text("from an earlier export")
    else:
        check = Text("ok", style="green") if entry["passed"] else Text("failed", style="bold red")
    return (
        name,
        kib(entry["bytes"]),
        str(sum(entry["operators"].values())),
        kib(entry.get("arena_bytes")),
        f"{entry['accuracy']:.2%}",
        f"{entry['agreement']:.2%}",
        "-" if difference is None else f"{difference:.1e}",
        check,
    )


def _faults(report: ExportReport) -> Iterator[Text]:
    for name, file in report.files.items():
        if not file.passed:
            yield Text(f"{name}: {file.why}.", style="red")
    for pair in report.pairs:
        if not pair.passed:
            yield Text(f"{pair.files[0]} beside {pair.files[1]}: {pair.why}.", style="red")


def _remarks(report: ExportReport) -> Iterator[Text]:
    """What was decided on held-back training clips, and what runs where."""
    parts = {part for file in report.files.values() for part in file.float_parts}
    if parts:
        yield Text(
            f"{', '.join(sorted(parts))} and what lies before stays in float, because int8 would ruin it; "
            "what comes after is quantised."
        )
    if (held := report.held_back) is not None:
        told = (
            f"On {held.plain.windows} held-back training clips int8 loses {held.plain.lost_points:.2f} points"
        )
        if held.tuned is not None:
            told += f", after --qat {held.tuned.lost_points:.2f}"
        yield Text(f"{told}.")
    if report.auto is not None:
        yield _auto(report)
    if report.advice is not None:
        yield Text(report.advice, style="yellow")
    yield from _refusals(report)


def _auto(report: ExportReport) -> Text:
    assert report.auto is not None
    steps = report.auto.steps
    taken = [step.taken_out for step in steps if step.taken_out is not None]
    lost = f"{steps[-1].lost_points:.2f} points lost"
    if not taken and report.auto.reached:
        return Text(f"--auto had nothing to do: {lost}.")
    what = f"--auto took out of int8, worst first: {', '.join(taken) or 'nothing'}; then {lost}."
    return Text(what, style=None if report.auto.reached else "red")  # type: ignore[arg-type]


def _refusals(report: ExportReport) -> Iterator[Text]:
    for name, file in report.files.items():
        for runtime, found in file.runtimes.items():
            if found.refused is not None:
                yield Text(f"{name} is not for {runtime}: {found.refused}", style="dim")


def _operators(report: ExportReport, everything: bool) -> Iterator[RenderableType]:
    """The worst operators of the first quantised file, or all of all."""
    from export.audit import left_float, rank

    for number, (name, found) in enumerate(report.operators.items()):
        left = left_float(found)
        if everything:
            yield _table(f"Operators of {name}", found)
        elif number == 0:
            worst = [operator for operator in rank(found) if operator.added_noise][:WORST]
            yield _table(f"Operators of {name} that add the most noise", worst)
        if left and not everything:
            yield Text(f"{name}: {len(left)} of {len(found)} operators are not quantised; " + _reasons(left))


def _reasons(left: Sequence[OperatorReport]) -> str:
    reasons: dict[str, list[str]] = {}
    for operator in left:
        reasons.setdefault(operator.reason or "", []).append(operator.name)
    return "; ".join(
        f"{', '.join(names[:WORST])}{' and others' if len(names) > WORST else ''}: {reason}"
        for reason, names in reasons.items()
    )


def _table(title: str, operators: Sequence[OperatorReport]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("operator", "type", "dtype"):
        table.add_column(column)
    for column in ("SNR, dB", "noise added", "scale", "range"):
        table.add_column(column, justify="right")
    table.add_column("why not quantised")
    for operator in operators:
        table.add_row(
            operator.name,
            operator.type,
            operator.dtype,
            "-" if operator.snr_db is None else f"{operator.snr_db:.1f}",
            "-" if operator.added_noise is None else f"{operator.added_noise:.2%}",
            "-" if operator.scale is None else f"{operator.scale:.3g}",
            "-" if operator.low is None else f"{operator.low:.3g} to {operator.high:.3g}",
            operator.reason or "",
        )
    return table


def file_to_ship(report: ExportReport) -> Path:
    """Of the files just written that passed, else of all: .tflite before .onnx, int8 before float."""

    def order(item: tuple[str, FileReport]) -> tuple[bool, bool, int]:
        name, file = item
        return not file.passed, not name.endswith(".tflite"), SHIPPED.index(file.kind)

    return report.folder / min(report.files.items(), key=order)[0]
