"""How far estimates are from measured latencies that the fit did not see, and how often bounds hold.

Rows of MLPerf Tiny are left out by model, by pair of core and engine, by core, engine and board, and
estimated from the rest. `--nested` chooses the strength of the ridge again for each sixth of the rows, on
the others: what that choice itself is worth (some minutes). MobileNet V2 on two Raspberry Pis is the check of
the application cores, which were scaled by V1 alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from firmware_sim.calibrate import (
    MICROCONTROLLER,
    SCALED_BY,
    application_rows,
    dropped_shares,
    group_samples,
)
from firmware_sim.costs import STRANGE, default_calibration, engine_in
from firmware_sim.crossval import LEFT_OUT, Sample, Scheme, errors_of, how_far_off
from firmware_sim.fit import Prior, Spread
from firmware_sim.rows import LATENCIES, known_works, read_rows

# The bounds that ought to hold where that is left out; the goals: median and 90th percentile.
BOUNDS = {
    "a model of a measured pair": "model",
    "a model everywhere": "model",
    "a pair": "pair",
    "a pair, and the model everywhere": "pair",
    "a board": "core",
    "a core": "core",
    "an engine": "engine",
    "core and engine": "both",
}
GOALS = {"a model of a measured pair": (0.05, 0.15), "a pair": (0.06, 0.18)}
FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)  # of all spreads, tried in nested cross-validation
PARTS = 6  # of the rows, each without a say in its own spreads


def measured(samples: Sequence[Sample], prior: Prior) -> list[dict[str, Any]]:
    """A line a scheme: rows, median and 90th percentile of the error, share of rows within the bounds."""
    lines = []
    intervals = default_calibration().families["microcontroller"].intervals
    for name, scheme in LEFT_OUT.items():
        errors = errors_of(samples, prior, scheme)
        held = []
        for sample, error in errors:
            strange = BOUNDS[name] == "model" and sample.core in prior.apart
            interval = intervals[STRANGE if strange else BOUNDS[name]]
            held.append(interval.low <= math.exp(error) <= interval.high)
        within = {"within_bounds": sum(held) / len(held), "goal": GOALS.get(name)}
        lines.append({"left_out": name, **vars(how_far_off(errors)), **within})
    return lines


def nested(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The same for the goals' schemes, the spreads of all levels chosen again without each part's rows."""
    lines = []
    for name, goal in GOALS.items():
        scheme = LEFT_OUT[name]
        parts: dict[tuple[str, ...], int] = {}
        for key in sorted({scheme.key(sample) for sample in samples}):
            parts[key] = len(parts) % PARTS
        found: list[tuple[Sample, float]] = []
        for part in range(PARTS):
            prior = _choose([s for s in samples if parts[scheme.key(s)] != part], scheme)
            errors = errors_of(samples, prior, scheme)
            found += [(s, error) for s, error in errors if parts[scheme.key(s)] == part]
        lines.append({"left_out": name, **vars(how_far_off(found)), "goal": goal})
    return lines


def _choose(samples: Sequence[Sample], scheme: Scheme) -> Prior:
    return min((_scaled(factor) for factor in FACTORS), key=lambda prior: _loss(samples, prior, scheme))


def _scaled(factor: float) -> Prior:
    levels = {
        name: Spread(factor * spread.scale, factor * spread.kind, factor * spread.dot)
        for name, spread in MICROCONTROLLER.levels.items()
    }
    return dataclasses.replace(MICROCONTROLLER, levels=levels)


def _loss(samples: Sequence[Sample], prior: Prior, scheme: Scheme) -> float:
    return statistics.mean(abs(error) for _, error in errors_of(samples, prior, scheme))


def application() -> list[dict[str, Any]]:
    """Public latencies of MobileNets on application cores beside the estimates."""
    calibration, lines = default_calibration(), []
    for core, model, numbers, cycles in application_rows():
        name = engine_in("litert-xnnpack", numbers) or ""
        costs = calibration.family(core).costs(core, name, 0.0)
        ratio = math.fsum(map(costs.of, known_works()[model, numbers])) / cycles
        use = "scaled by" if model == SCALED_BY else "check"
        lines.append({"core": core, "model": model, "numbers": numbers, "use": use, "ratio": ratio})
    return lines


def main() -> int:
    """Prints the tables; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nested", action="store_true", help="choose the ridge again in every fold")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    rows = read_rows(LATENCIES)
    samples = group_samples(rows, dropped_shares(rows))["microcontroller"]
    found = {"measured": measured(samples, MICROCONTROLLER), "application": application()}
    if options.nested:
        found["nested"] = nested(samples)
    if options.json:
        print(json.dumps(found))
    else:
        _print(found)
    return 0 if all(_met(line) for line in found["measured"]) else 1


def _met(line: dict[str, Any]) -> bool:
    goal = line["goal"]
    return goal is None or (line["median"] <= goal[0] and line["p90"] <= goal[1])


def _print(found: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("measured", "nested"):
        for line in found.get(name, ()):
            goal = "" if line["goal"] is None else "  goal {:.0%}, {:.0%}".format(*line["goal"])
            held = f"  within bounds {line['within_bounds']:.0%}" if "within_bounds" in line else ""
            print(
                f"{name:9}{line['left_out']:34}{line['rows']:4} rows  median {line['median']:6.1%}"
                f"  90th {line['p90']:6.1%}{held}{goal}"
            )
    for line in found["application"]:
        print("{core:11} {model:21} {numbers:8} {use:10} estimated / measured {ratio:.2f}".format(**line))


if __name__ == "__main__":
    sys.exit(main())
