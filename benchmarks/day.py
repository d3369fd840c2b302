"""Simulated hours of a watch's day per second of processor time: `edgehar bench --stream` without its model.

24 hours at 50 Hz, windows of 128 samples, half of them new, a FIFO of half a second, an inference of 0.5 ms
(0.3 to 1). Processor time, so that a busy machine counts the same. Days of equal seeds are compared, too.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time

from timing import interleaved

from firmware_sim.report import Latency
from firmware_sim.stream.day import simulate_day
from firmware_sim.stream.settings import settings_for

BAR_S = 5.0  # for 24 hours
LATENCY = Latency(0.5, 0.3, 1.0, None, "stated")


def measure(hours: float, repeats: int) -> dict[str, float]:
    """Median seconds of such a day, simulated hours a second, and what happened in it."""
    settings = settings_for(128, 50.0, hours=hours)
    (milliseconds,) = interleaved(repeats, lambda: simulate_day(settings, LATENCY), clock=time.process_time)
    first, again = (dataclasses.asdict(simulate_day(settings, LATENCY)) for _ in range(2))
    return {
        "hours": hours,
        "seconds": milliseconds / 1000,
        "hours_per_second": hours / (milliseconds / 1000),
        "batches": first["batches"],
        "inferences": len(first["ends"]),
        "repeats": float(first == again),
    }


def main() -> int:
    """Prints it; exit code 1 if a day takes longer than its bar or is not the same twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--repeats", type=int, default=3, help="timed days (default 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure(options.hours, options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['hours']:g} hours ({found['batches']:,} batches, {found['inferences']:,} inferences) in "
            f"{found['seconds']:.2f} s: {found['hours_per_second']:.0f} simulated hours a second "
            f"(24 hours: at most {BAR_S:g} s)"
        )
    quick = found["hours_per_second"] >= 24 / BAR_S
    return 0 if quick and found["repeats"] else 1


if __name__ == "__main__":
    sys.exit(main())
