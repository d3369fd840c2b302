"""From measured rows to a calibration: `edgehar calibrate`.

Two fits of the same kind (`firmware_sim/fit.py`): microcontrollers on measured latencies, application cores
on instructions that were counted under emulation and then scaled by public latencies of MobileNet V1. Bounds
are the errors of cross-validation (`firmware_sim/crossval.py`).
"""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from firmware_sim.costs import (
    LEVELS,
    Calibration,
    Family,
    Power,
    engine_in,
    family_of,
    groups_of,
    log_interval,
    to_json,
)
from firmware_sim.crossval import HALF_AND_DOUBLE, Sample, intervals_of
from firmware_sim.fit import Observation, Prior, Spread, fit
from firmware_sim.rows import LATENCIES, TABLES, Row, known_works, read_rows
from firmware_sim.work import KINDS, total

# Chosen by leave-one-model-out and leave-one-pair-out on our rows; docs/simulator.md says what nested
# cross-validation, which chooses again in every fold, gives. Costs are those of a Cortex-M4F.
MICROCONTROLLER = Prior(
    costs=dict(zip(KINDS, (0.14, 0.22, 0.24, 0.63, 0.06, 3.5, 2.49, 8.9, -0.98), strict=True)),
    levels={
        "all": Spread(0.05, 0.09, 0.02),
        "core": Spread(1.0, 0.011, 0.023),
        "line": Spread(0.19, 0.35, 0.22),
        "engine": Spread(0.18, 0.56, 0.06),
        "pair": Spread(0.046, 0.016, 0.023),
    },
    apart={
        "cortex-m0+": (1.5,) * 9,  # no SIMD, one MAC in several cycles
        "cortex-m3": (0.5,) * 9,
        # Vectors (Helium) shorten dot products most, what is done element by element less, and flash not.
        "cortex-m85": (-1.6, -1.6, -1.6, -1.0, -1.6, -1.0, -1.0, -0.3, 0.0),
        # One product where int8 has two, and nothing to requantise.
        "hale fp32": (0.9, 0.7, 0.6, 0.0, 0.9, -1.5, -0.7, 0.0, 0.0),
    },
    strange=Spread(0.28, 0.48, 0.3),
    noise=0.038,
)
# Few rows and counts that repeat to the unit: wide beliefs, little noise.
APPLICATION = Prior(
    costs=dict(zip(KINDS, map(math.log, (0.4, 0.5, 0.4, 1.3, 0.5, 1.0, 1.5, 1500.0, 0.1)), strict=True)),
    levels={
        "all": Spread(0.3, 0.3, 0.2),
        "core": Spread(0.3, 0.15, 0.15),
        "line": Spread(0.4, 0.2, 0.2),
        "engine": Spread(0.3, 0.3, 0.3),
        "pair": Spread(0.15, 0.1, 0.1),
    },
    apart={},
    strange=Spread(0.0, 0.0, 0.0),
    noise=0.05,
)
PRIORS = {"microcontroller": MICROCONTROLLER, "application": APPLICATION}
# Kernels that an engine's family name does not tell apart, by the first words of `runtime`.
GENERATIONS = {
    "TFLM 2.3.1": "tflm-2020+cmsis-nn",
    "TFLM + CMSIS-NN (Helium)": "tflm-helium+cmsis-nn",
    "Bosch HALE 1.0": "hale int8 1.0",  # on the Cortex-M0+ up to 43 % slower than 1.0.175
}
# Cycles per instruction, per miss of L1 and of L2, in order and out of order; the A55 as the A53.
IN_ORDER, OUT_OF_ORDER = (1.0, 13.0, 150.0), (0.7, 9.0, 130.0)
CORE_MODELS = {
    "cortex-a53": (1.0, 13.0, 150.0),
    "cortex-a55": (1.0, 13.0, 150.0),
    "cortex-a72": (0.7, 9.0, 130.0),
}
SCALED_BY = "mobilenet_v1_1.0_224"
LIKE_MEASURED = {"cortex-a55": "cortex-a53"}  # no latency is published: the other in-order core's scale


def calibrate(paths: Sequence[Path] = (LATENCIES,)) -> Calibration:
    """A calibration from tables of measured rows (`firmware_sim/rows.py`). Deterministic.

    Application cores keep our emulated counts and public latencies besides. Raises SimError for bad rows.
    """
    rows = [row for path in paths for row in read_rows(path)]
    dropped = dropped_shares(rows)
    samples = group_samples(rows, dropped)
    measured, application = (samples.get(name, []) for name in PRIORS)
    counted = emulated_samples()
    # Engines that nobody counted are fitted and not judged: a few rows of one would set XNNPACK's bounds.
    alike = [s for s in application if s.engine in {sample.engine for sample in counted}]
    families = {
        "microcontroller": _family("microcontroller", measured, measured, "calibrated"),
        "application": _scaled(
            _family("application", [*counted, *application], [*counted, *alike], "stated")
        ),
    }
    source = ", ".join(path.name for path in paths) + f": {len(rows)} rows"
    return Calibration(source, families, dropped, find_power(rows))


def group_samples(rows: Iterable[Row], dropped: Mapping[str, float]) -> dict[str, list[Sample]]:
    """Rows as samples by family of cores; those of one board, engine and model are one: their median."""
    alike: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        ran = (row.core, row.engine, generation_of(row), row.model, row.numbers)
        alike.setdefault((*ran, row.system, row.clock_mhz, row.macs_executed), []).append(row)
    samples: dict[str, list[Sample]] = {}
    for key in sorted(alike, key=repr):
        sample = _sample(alike[key], dropped)
        samples.setdefault(family_of(alike[key][0].core), []).append(sample)
    return samples


def _sample(rows: Sequence[Row], dropped: Mapping[str, float]) -> Sample:
    row = rows[0]
    cycles = [r.cycles for r in rows]
    share = _dropped(row)
    share = dropped.get(row.engine, 0.0) if share is None else share
    engine = engine_in(row.engine, row.numbers) or f"{row.engine} {row.numbers}"
    observed = Observation(
        total(row.works, share), statistics.median(cycles), groups_of(row.core, engine, generation_of(row))
    )
    return Sample(
        observed, row.model, row.system, engine, tuple(cycles), frozenset(w.name for w in row.works)
    )


def generation_of(row: Row) -> str | None:
    """The kernels that a row ran, where its engine's name hides them."""
    words = f"{row.runtime} "
    return next((name for start, name in GENERATIONS.items() if words.startswith(f"{start} ")), None)


def dropped_shares(rows: Iterable[Row]) -> dict[str, float]:
    """Which share of dead channels' MACs each engine drops, from the rows that say what was executed."""
    shares: dict[str, list[float]] = {}
    for row in rows:
        if (share := _dropped(row)) is not None:
            shares.setdefault(row.engine, []).append(share)
    return {engine: statistics.mean(found) for engine, found in sorted(shares.items()) if any(found)}


def _dropped(row: Row) -> float | None:
    macs = sum(work.macs for work in row.works)
    dead = macs - sum(work.macs_executed for work in row.works)
    if row.macs_executed is None or not dead:
        return None
    return min(max((macs - row.macs_executed) / dead, 0.0), 1.0)


def _family(name: str, samples: Sequence[Sample], judged: Sequence[Sample], bounds: str) -> Family:
    """judged: the samples whose errors, left out, are the bounds."""
    prior = PRIORS[name]
    effects = fit([sample.observation for sample in samples], prior)
    newest = {sample.pair for sample in samples if sample.kernels == sample.engine}
    generations = {s.pair: s.kernels for s in samples if s.pair not in newest}
    stated = bounds == "stated"
    return Family(
        prior=tuple(prior.costs[kind] for kind in KINDS),
        apart={name: tuple(values) for name, values in prior.apart.items()},
        effects={
            level: {group: (e.scale, *map(float, e.costs)) for group, e in effects[level].items()}
            for level in LEVELS
        },
        generations=generations,
        intervals=intervals_of(judged, prior, HALF_AND_DOUBLE if stated else None),
        operators=frozenset().union(*(sample.operators for sample in samples)),
        bounds="stated" if stated else "calibrated",
    )


def emulated_samples() -> list[Sample]:
    """Our counts as cycles, by the core models above; misses that were not counted count as none."""
    samples = []
    with (TABLES / "emulated.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts = [float(row[name] or 0) for name in ("instructions", "l1d_misses", "l2_misses")]
            cycles = math.fsum(n * each for n, each in zip(counts, CORE_MODELS[row["core"]], strict=True))
            numbers = "float32" if row["dtype"] == "fp32" else "int8"
            engine = engine_in(row["runtime_family"], numbers) or ""
            works = known_works()[row["model"], numbers]
            observed = Observation(total(works), cycles, groups_of(row["core"], engine))
            names = frozenset(work.name for work in works)
            samples.append(Sample(observed, row["model"], "emulated", engine, (cycles,), names))
    return samples


def application_rows() -> list[tuple[str, str, str, float]]:
    """Public latencies as (core, model, numbers, cycles of all threads), threads taken to share evenly."""
    with (TABLES / "application_cores.csv").open(newline="", encoding="utf-8") as file:
        return [
            (
                row["core"],
                row["model"],
                "float32" if row["dtype"] == "fp32" else "int8",
                1000 * float(row["clock_mhz"]) * float(row["latency_ms"]) * int(row["threads"]),
            )
            for row in csv.DictReader(file)
        ]


def _scaled(family: Family) -> Family:
    """The family with each measured pair's scale moved so that it meets its latency of MobileNet V1."""
    pairs = dict(family.effects["pair"])
    moves = {}
    for core, model, numbers, cycles in application_rows():
        if model == SCALED_BY:
            engine = engine_in("litert-xnnpack", numbers) or ""
            costs = family.costs(core, engine, 0.0)
            moves[core, engine] = math.log(cycles / math.fsum(map(costs.of, known_works()[model, numbers])))
    moves |= {
        (core, e): move for core, like in LIKE_MEASURED.items() for (c, e), move in moves.items() if c == like
    }
    for (core, engine), move in moves.items():
        if (pair := f"{core} {engine}") in pairs:
            pairs[pair] = (pairs[pair][0] + move, *pairs[pair][1:])
    return Family(**{**vars(family), "effects": {**family.effects, "pair": pairs}})


def find_power(rows: Iterable[Row]) -> dict[str, Power]:
    """Power per MHz by core, and by board where its name is known, from the rows with energy."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.power_mw is not None:
            found.setdefault(row.core, []).append(row.power_mw / row.clock_mhz)
    power = {}
    for name, values in sorted(found.items()):
        middle = statistics.median(values)
        power[name] = Power(middle, log_interval([math.log(value / middle) for value in values]))
    return power


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write what `bench --calibration` reads; the same rows give the same bytes. Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(to_json(calibration), indent=1) + "\n", encoding="utf-8")
    part.replace(path)
