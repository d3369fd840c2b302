"""Where the door prints: results on stdout, everything else on stderr.

Rooms return records and do not print; `show` turns a record into tables for people or into one JSON
object for programs.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 120  # columns where no terminal says how wide it is

console = Console(stderr=True)

_results: list[TextIO] = []  # the true stdout, while `only_results_on_stdout` holds


@contextmanager
def bars() -> Iterator[Callable[[Any, str, int], Any]]:
    """A maker of progress bars on stderr, `bar(items, title, total)`; none outlives the `with`, so that what
    is said of a failure comes below them."""
    from rich.progress import track

    with ExitStack() as shown:

        def bar(items: Any, title: str, total: int) -> Any:
            tracked: Any = track(items, title, total, console=console)
            shown.callback(tracked.close)
            return tracked

        yield bar


@contextmanager
def only_results_on_stdout() -> Iterator[None]:
    """While this holds, `show` alone reaches stdout; what libraries print, C++ too, goes to stderr."""
    true_stdout = sys.stdout
    kept = _set_aside(true_stdout)
    _results.append(kept or true_stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _results.pop()
        if kept is not None:
            true_stdout.flush()
            kept.flush()
            os.dup2(kept.fileno(), true_stdout.fileno())
            kept.close()


def _set_aside(stdout: TextIO) -> TextIO | None:
    """Points the process's stdout at its stderr and returns a new stream to where it pointed before.

    None where stdout is no file of the process's own (a test's buffer): there is nothing below Python then.
    """
    try:
        number = stdout.fileno()
        aside = os.dup(number)
        os.dup2(sys.stderr.fileno(), number)
    except (OSError, io.UnsupportedOperation):
        return None
    return os.fdopen(aside, "w", encoding=stdout.encoding, errors=stdout.errors)


def show(result: Any, as_json: bool, view: Callable[[Any], RenderableType] | None = None) -> None:
    """Prints a result: a frozen dataclass, or a mapping of plain values, lists and mappings.

    as_json: one JSON object, the fields its keys; unknown is null, and a NaN is a bug (ValueError).
    Else `view(result)` if given, or one table a part: plain fields together, each list of records and
    each mapping of records on its own.
    """
    stdout = _results[-1] if _results else sys.stdout
    if as_json:
        text = json.dumps(plain(result), indent=2, ensure_ascii=False, allow_nan=False)
        print(text, file=stdout, flush=True)
        return
    width = None if stdout.isatty() else PIPE_WIDTH
    Console(file=stdout, width=width).print(view(result) if view else tables(plain(result)))
    stdout.flush()


def plain(value: Any) -> Any:
    """`value` as JSON knows it: dataclasses and mappings as dicts, paths as text, arrays as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, torch's tensors, without importing either
        return plain(value.tolist())
    return value


def tables(result: Mapping[str, Any]) -> RenderableType:
    """A plain mapping as rich tables: first its single values, then a table for each part that holds more.

    `schema` is for programs and left out.
    """
    singles = {key: value for key, value in result.items() if not _records(value) and key != "schema"}
    parts: list[RenderableType] = []
    if singles:
        table = Table(show_header=False, box=None)
        for key, value in singles.items():
            table.add_row(words(key), cell(value))
        parts.append(table)
    for key, value in result.items():
        if records := _records(value):
            parts += [Text(), table_of(records, title=words(key))]
    return Group(*parts)


def table_of(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Rows as one table, their keys its columns; a key that a row lacks is an empty cell."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        numbers = all(isinstance(row.get(column), int | float | None) for row in rows)
        table.add_column(words(column), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(cell(row.get(column, "")) for column in columns))
    return table


def _records(value: Any) -> list[dict[str, Any]]:
    """`value` as rows of a table; empty if it is not a list of mappings or a mapping of mappings."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return value
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return [{"name": name, **item} for name, item in value.items()]
    return []


def words(key: str) -> str:
    """A field's name as a heading: `latency_ms` -> `latency ms`."""
    return key.replace("_", " ")


def cell(value: Any) -> Text:
    """One value for people: unknown as a dash, fractions with four digits that matter."""
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    if isinstance(value, dict):
        return Text(", ".join(f"{key} {cell(item)}" for key, item in value.items()))
    if isinstance(value, list):
        return Text(", ".join(str(cell(item)) for item in value))
    return Text(str(value))


def kib(size_bytes: int | None) -> str:
    """A size as DESIGN prints it, in KiB.

    >>> kib(102400)
    '100.0 KiB'
    """
    return "-" if size_bytes is None else f"{size_bytes / 1024:.1f} KiB"
