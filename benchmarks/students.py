"""What the compact student saves: `acc-watch` beside `acc-resnet18-gaf`, the papers' student.

Both are exported untrained (weights do not change what a network costs) as float `.tflite` for 27
classes; multiply-accumulates and bytes are read from the files, host latency is measured with LiteRT.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgehar.networks import build_student
from export.convert import to_tflite
from firmware_sim.measure import measure
from firmware_sim.model import read_model

BAR = 100.0  # times fewer, both in MACs and in bytes
STUDENTS = ("acc-watch", "acc-resnet18-gaf")
CLASSES, WINDOW = 27, 128


def cost(name: str, folder: Path) -> dict[str, Any]:
    """MACs, bytes and median host latency of a student's float `.tflite`."""
    path = folder / f"{name}.tflite"
    path.write_bytes(to_tflite(build_student(name, CLASSES, WINDOW).eval(), WINDOW))
    return {
        "macs": read_model(path).macs,
        "bytes": path.stat().st_size,
        "host_ms": measure(path).latency_ms.value,
    }


def main() -> int:
    """Prints the ratios; exit code 1 if one of MACs and bytes is below the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = (cost(name, Path(folder)) for name in STUDENTS)
    ratios = {key: large[key] / small[key] for key in small}
    if options.json:
        print(json.dumps({"acc-watch": small, "acc-resnet18-gaf": large, "ratios": ratios, "bar": BAR}))
    else:
        for name, found in zip(STUDENTS, (small, large), strict=True):
            print(f"{name}: {found['macs']:,} MACs, {found['bytes']:,} bytes, {found['host_ms']:.3f} ms here")
        print(
            f"acc-watch is {ratios['macs']:.0f} x smaller in MACs, {ratios['bytes']:.0f} x in bytes"
            f" (bar {BAR:g} x), and {ratios['host_ms']:.0f} x as fast"
        )
    return 0 if min(ratios["macs"], ratios["bytes"]) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
