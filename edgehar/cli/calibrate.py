"""`edgehar calibrate`: the simulator's coefficients from measured rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import show

if TYPE_CHECKING:
    from firmware_sim.costs import Calibration

app = new_app()


@app.command(epilog="Example: edgehar calibrate rows.csv --with-ours --out mine.json")
def calibrate(
    rows: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[ROWS]",
            help="CSV tables of measured latencies; without one, MLPerf Tiny's rows that come along.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write; bench --calibration reads it.")
    ] = Path("calibration.json"),
    with_ours: Annotated[
        bool, typer.Option("--with-ours", help="Fit the rows that come along besides yours.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fit what a MAC, an element, an operator cost on each core with each engine.

    A row names core, clock_mhz, runtime_family, model (one of MLPerf Tiny's, or a .tflite file beside the
    table) and latency_ms; dtype, system, runtime, energy_uj and macs_executed are used where they are there.
    Rows for application cores move those; our emulated counts are always among them. The same rows give the
    same file. Bounds are the errors of estimates for rows that were left out of the fit.
    """
    from firmware_sim.calibrate import calibrate as fit_rows
    from firmware_sim.calibrate import write_calibration
    from firmware_sim.rows import LATENCIES

    tables = list(rows or [])
    if with_ours or not tables:
        tables.append(LATENCIES)
    calibration = fit_rows(tables)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_calibration(out, calibration)
    show(_told(out, calibration), as_json)


def _told(out: Path, calibration: Calibration) -> dict[str, Any]:
    bounds = []
    for name, family in calibration.families.items():
        for novelty, interval in family.intervals.items():
            bounds.append({"cores": name, "new": novelty, "low": interval.low, "high": interval.high})
    return {"schema": 1, "file": out, "rows": calibration.source, "bounds": bounds}
