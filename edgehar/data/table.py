"""A table of numbers from a text file, whatever wrote it: delimiters, decimal commas, headers, gaps.

Plain tables are read by NumPy's own parser; what it refuses is read again row by row, so that missing
values are found and every refusal names its line.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.errors import InputError

MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "?")
CHUNK = 1 << 16  # rows that are text at a time
SNIFFED = 50  # lines that show how a file is written
_DATE = re.compile(r"\d{4}[-/.]?\d\d[-/.]?\d\d[ T_].*|\d\d\.\d\d\.\d{4}.*|\d\d?:\d\d:\d\d.*")


@dataclass(frozen=True)
class Written:
    """How a table is written. first: the line, from 0, of its first row of numbers. dated: columns of
    date-times."""

    encoding: str
    delimiter: str | None
    decimal_comma: bool
    header: tuple[str, ...] | None
    columns: int
    first: int
    dated: frozenset[int]


@dataclass(frozen=True)
class Columns:
    """Columns of a table: numbers (T, C) float64, NaN where a value is missing; texts: the time column where
    it holds date-times, else None (then it is one of the numbers)."""

    values: np.ndarray
    texts: list[str] | None


def sniff(path: Path) -> Written:
    """How a table is written, by its first lines. Raises InputError for what is no table."""
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline=None) as file:
            lines = list(itertools.islice(file, SNIFFED))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text ({error}): export it as CSV in UTF-8.") from None
    if any("\0" in line for line in lines):
        raise InputError(f"{path} is no text: export it as CSV in UTF-8.")
    told = [(number, line) for number, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    if not told:
        raise InputError(f"{path} is empty: the recording holds nothing.")
    delimiter = _delimiter([line for _, line in told])
    rows = [_cells(line, delimiter) for _, line in told]
    comma = delimiter != "," and any(re.fullmatch(r"[-+]?\d*,\d+", cell) for row in rows for cell in row)
    header = None if _is_data(rows[0], comma) else tuple(cell.strip().strip("\"'") for cell in rows[0])
    body = rows[1:] if header else rows
    if not body:
        raise InputError(f"{path} holds a header and no row: the recording holds nothing.")
    dated = frozenset(i for i, cell in enumerate(body[0]) if _is_date(cell))
    first = told[1 if header else 0][0]
    return Written(encoding, delimiter, comma, header, len(body[0]), first, dated)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def _delimiter(lines: list[str]) -> str | None:
    """The delimiter that every line has; None for any white space."""
    for delimiter in (";", "\t", ",", "|"):
        if all(delimiter in line for line in lines):
            return delimiter
    return "," if "," in lines[-1] else None


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    line = line.strip("\r\n")
    return next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)


def _is_data(cells: list[str], comma: bool) -> bool:
    """Whether a first line holds values: any number or date, or nothing but missing values."""
    if any(_is_date(cell) or _as_number(cell, comma) is not None for cell in cells):
        return True
    return all(cell.strip().lower() in MISSING for cell in cells)


def _is_date(cell: str) -> bool:
    return bool(_DATE.fullmatch(cell.strip().strip("\"'")))


def _as_number(cell: str, comma: bool) -> float | None:
    try:
        return float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return None


def read_columns(path: Path, written: Written, wanted: list[int]) -> Columns:
    """The wanted columns, in that order; of these the first may hold date-times.

    Raises InputError that names the line for text where a number should be and for rows of another length.
    """
    if not written.dated & set(wanted) and not written.decimal_comma and written.encoding != "utf-16":
        values = _at_once(path, written, wanted)
        if values is not None:
            return Columns(values, None)
    return _row_by_row(path, written, wanted)


def _at_once(path: Path, written: Written, wanted: list[int]) -> np.ndarray | None:
    """The table by NumPy's parser; None where it refuses, or would overlook that rows differ in length."""
    every = len(wanted) == written.columns
    try:
        values = np.loadtxt(
            path,
            delimiter=written.delimiter,
            skiprows=written.first,
            usecols=None if every else wanted,
            ndmin=2,
            encoding=written.encoding,
            comments="#",
        )
    except (ValueError, IndexError, UnicodeDecodeError):
        return None
    if every:
        return values if wanted == sorted(wanted) else values[:, wanted]
    if written.delimiter is None or _delimiters(path, written) != (written.columns - 1) * len(values):
        return None  # usecols looks at no other column, so a row cut short or run together would pass
    return values


def _delimiters(path: Path, written: Written) -> int:
    """How many delimiters stand in the rows of numbers."""
    assert written.delimiter is not None
    count, delimiter = 0, written.delimiter.encode()
    with path.open("rb") as file:
        for _ in range(written.first):
            file.readline()
        while part := file.read(1 << 22):
            count += part.count(delimiter)
    return count


def _row_by_row(path: Path, written: Written, wanted: list[int]) -> Columns:
    dated = [column for column in wanted if column in written.dated]
    numbers = [column for column in wanted if column not in written.dated]
    texts: list[str] | None = [] if dated else None
    parts = []
    for rows in _chunks(path, written):
        for cells, line in rows:
            if len(cells) != written.columns:
                raise InputError(
                    f"{path} line {line} has {len(cells)} columns, and the first row {written.columns}: "
                    "correct or remove it."
                )
        if texts is not None:
            texts += [cells[dated[0]] for cells, _ in rows]
        parts.append(np.array([_row(cells, line, numbers, written, path) for cells, line in rows]))
    values = np.concatenate(parts) if parts else np.empty((0, len(numbers)))
    return Columns(values, texts)


def _chunks(path: Path, written: Written) -> Iterator[list[tuple[list[str], int]]]:
    """Rows as cells with their line from 1, CHUNK at a time; empty lines and comments left out."""
    with path.open(encoding=written.encoding, newline=None) as file:
        for _ in range(written.first):
            next(file)
        numbered = ((_cells(line, written.delimiter), number) for number, line in _told(file, written.first))
        try:
            while chunk := list(itertools.islice(numbered, CHUNK)):
                yield chunk
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path} is no text ({error}): export it as CSV in UTF-8.") from None


def _told(file: io.TextIOBase, skipped: int) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, skipped + 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _row(cells: list[str], line: int, numbers: list[int], written: Written, path: Path) -> list[float]:
    row = []
    for column in numbers:
        cell = cells[column].strip()
        value = _as_number(cell, written.decimal_comma)
        if value is None:
            if cell.lower() not in MISSING:
                name = written.header[column] if written.header else f"column {column + 1}"
                raise InputError(
                    f"{path} line {line}: {name} holds {cell!r}, which is no number: correct it."
                )
            value = np.nan
        row.append(value)
    return row
