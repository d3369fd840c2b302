"""Measured rows: a CSV table of how long which model took on which core with which engine.

Columns `core`, `clock_mhz`, `runtime_family`, `model`, `latency_ms`; further `dtype` (int8, where it is not
there), `system`, `runtime`, `energy_uj`, `macs_executed`. `model` is one of MLPerf Tiny's, or the path of a
`.tflite` file, from the table's folder. Our own rows and their sources lie in `firmware_sim/calibration/`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.profile import CORES, ENGINES, SHORT_ENGINES
from firmware_sim.work import Work, read_works, work_of

TABLES = Path(__file__).parent / "calibration"
LATENCIES = TABLES / "latency.csv"
NEEDED = ("core", "clock_mhz", "runtime_family", "model", "latency_ms")
NUMBERS = {"int8": "int8", "fp32": "float32", "float32": "float32"}


@dataclass(frozen=True)
class Row:
    """One measurement. numbers: `int8` or `float32`. macs_executed: what the runtime did; None: unknown.

    system: the board; runtime: with its version. power_mw: energy over latency; None without energy.
    """

    system: str
    core: str
    clock_mhz: float
    engine: str
    runtime: str
    model: str
    numbers: str
    latency_ms: float
    power_mw: float | None
    macs_executed: float | None
    works: tuple[Work, ...]

    @property
    def cycles(self) -> float:
        """Clock cycles of one inference."""
        return 1000 * self.clock_mhz * self.latency_ms


def read_rows(path: Path) -> tuple[Row, ...]:
    """The rows of a table. Raises SimError that names line and column if one cannot be used."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            columns = table.fieldnames or []
            lacking = [name for name in NEEDED if name not in columns]
            if lacking:
                raise SimError(f"{path}: lacks the columns {', '.join(lacking)}; add them.")
            rows = tuple(_row(path, table.line_num, row) for row in table)
    except OSError as error:
        raise SimError(f"{path}: cannot be read ({error.strerror}); give a .csv file of rows.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SimError(f"{path}: is no CSV table ({error}); write it as UTF-8 text.") from None
    if not rows:
        raise SimError(f"{path}: holds no row; measure at least one model.")
    return rows


def _row(path: Path, line: int, row: Mapping[str, str | None]) -> Row:
    where = f"{path} line {line}"
    latency_ms = _number(where, row, "latency_ms")
    energy_uj = _number(where, row, "energy_uj") if row.get("energy_uj") else None
    engine = _one_of(where, row, "runtime_family", (*ENGINES, *SHORT_ENGINES))
    dtype = row.get("dtype") or "int8"
    if dtype not in NUMBERS:
        raise SimError(f"{where}: dtype is {dtype!r} and must be one of {', '.join(NUMBERS)}.")
    executed = row.get("macs_executed")
    return Row(
        system=row.get("system") or "",
        core=_one_of(where, row, "core", CORES),
        clock_mhz=_number(where, row, "clock_mhz"),
        engine=SHORT_ENGINES.get(engine, engine),
        runtime=row.get("runtime") or "",
        model=row["model"] or "",
        numbers=NUMBERS[dtype],
        latency_ms=latency_ms,
        power_mw=energy_uj / latency_ms if energy_uj else None,
        macs_executed=_number(where, row, "macs_executed") if executed else None,
        works=_works(where, path.parent, row["model"] or "", NUMBERS[dtype]),
    )


def _number(where: str, row: Mapping[str, str | None], column: str) -> float:
    text = row.get(column) or ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SimError(f"{where}: {column} is {text!r} and must be a number above 0.")
    return value


def _one_of(where: str, row: Mapping[str, str | None], column: str, allowed: tuple[str, ...]) -> str:
    value = (row[column] or "").strip().lower()
    if value not in allowed:
        raise SimError(f"{where}: {column} is {value!r} and must be one of {', '.join(allowed)}.")
    return value


def _works(where: str, folder: Path, model: str, numbers: str) -> tuple[Work, ...]:
    known = known_works()
    if (model, numbers) in known:
        return known[model, numbers]
    if model.endswith(".tflite"):
        return work_of(read_model(folder / model))
    names = sorted({name for name, _ in known})
    near = get_close_matches(model, names, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise SimError(f"{where}: model is {model!r}: no .tflite file and none of {', '.join(names)}.{guess}")


@cache
def known_works() -> Mapping[tuple[str, str], tuple[Work, ...]]:
    """The work of the published models, by name and numbers, from `calibration/operators.csv`."""
    works = read_works(TABLES / "operators.csv")
    pairs = (name.rsplit(" ", 1) for name in works)
    return {(name, numbers): works[f"{name} {numbers}"] for name, numbers in pairs}
