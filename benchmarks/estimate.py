"""How long an estimate takes; how soon `edgehar bench FILE --device cpu-arm` answers beside `import torch`.

The estimate is timed in this process after import, in CPU time, on a student as large as `acc-watch` (a FILE,
or MLPerf Tiny's keyword model, whose 2.7 M MACs in 13 operators are of its size); starts are processes of
their own, in turn, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from timing import interleaved

from firmware_sim.estimate import estimate
from firmware_sim.model import read_model
from firmware_sim.profile import read_profile

ESTIMATE_BAR_MS, START_BAR = 50.0, 0.6
DEFAULT_FILE = Path("data/mlperf_tiny/models/kws_ref_model.tflite")


def measure(file: Path, repeats: int) -> dict[str, float]:
    """Median milliseconds of an estimate, of both starts, and the ratio of the starts."""
    profile = read_profile("cpu-arm")
    (estimate_ms,) = interleaved(
        5 * repeats, lambda: estimate(read_model(file), profile), clock=time.process_time
    )
    command = [str(Path(sys.executable).with_name("edgehar")), "bench", str(file), "--device", "cpu-arm"]
    torch = [sys.executable, "-c", "import torch"]

    def start(line: list[str]) -> None:
        subprocess.run(line, check=True, capture_output=True)

    start(command)
    start(torch)  # both from a warm disk
    bench_ms, torch_ms = interleaved(repeats, lambda: start(command), lambda: start(torch))
    return {
        "estimate_ms": estimate_ms,
        "bench_ms": bench_ms,
        "import_torch_ms": torch_ms,
        "ratio": bench_ms / torch_ms,
    }


def main() -> int:
    """Prints both; exit code 1 if one is above its bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", default=DEFAULT_FILE, help="a .tflite file")
    parser.add_argument("--repeats", type=int, default=7, help="timed turns of each start (default 7)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure(options.file, options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(f"estimate {found['estimate_ms']:.1f} ms (at most {ESTIMATE_BAR_MS:g})")
        print(
            f"edgehar bench {found['bench_ms']:.0f} ms, import torch {found['import_torch_ms']:.0f} ms: "
            f"{found['ratio']:.2f} (at most {START_BAR:g})"
        )
    return 0 if found["estimate_ms"] <= ESTIMATE_BAR_MS and found["ratio"] <= START_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
