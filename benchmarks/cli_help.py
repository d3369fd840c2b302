"""How long `edgehar --help` takes beside `python -c pass`, in one run.

Both are processes of their own, started in turn so that a busy machine slows both alike; medians are
compared. The command is the one that is installed beside this Python.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

BAR = 12.0


def measure(repeats: int) -> dict[str, float]:
    """Median milliseconds of both and their ratio; one start of each beforehand warms the disk."""
    command = Path(sys.executable).with_name("edgehar")
    if not command.exists():
        raise SystemExit(f"{command} does not exist. Type: pip install -e .")
    bare, helped = [sys.executable, "-c", "pass"], [str(command), "--help"]
    times: dict[str, list[float]] = {"python": [], "edgehar": []}
    for turn in range(repeats + 1):
        for name, line in (("python", bare), ("edgehar", helped)):
            start = time.perf_counter()
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            if turn:
                times[name].append(1e3 * (time.perf_counter() - start))
    python_ms, edgehar_ms = (statistics.median(row) for row in times.values())
    return {
        "python_ms": python_ms,
        "edgehar_help_ms": edgehar_ms,
        "ratio": edgehar_ms / python_ms,
        "bar": BAR,
    }


def main() -> int:
    """Prints the ratio; exit code 1 if it is above the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15, help="timed turns of each (default 15)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure(options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"edgehar --help {found['edgehar_help_ms']:.0f} ms, python -c pass {found['python_ms']:.0f} ms:"
            f" {found['ratio']:.1f} x (at most {BAR:g} x)"
        )
    return 0 if found["ratio"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
