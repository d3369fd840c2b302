"""How long an emulated run of the real arm64 LiteRT takes, beside the same file run by this machine's LiteRT.

Both are processes that start, load the file and run it a dozen times, timed in turn by the processor time of
all that they start; the emulated one counts every instruction besides and plays the caches. Counts of all
turns are compared: they repeat to the unit. Once before: edgehar setup emulator.

    python benchmarks/emulation.py student.int8.tflite
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import interleaved

from firmware_sim.emulator.litert import run_litert
from firmware_sim.emulator.places import find_emulator
from firmware_sim.emulator.processor import Processor
from firmware_sim.model import read_model

BAR = 6.0  # times this machine's LiteRT
DEFAULT_FILE = Path("data/mlperf_tiny/models/kws_ref_model.tflite")
HERE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
one = interpreter.get_input_details()[0]
for _ in range(12):
    interpreter.set_tensor(one["index"], np.zeros(one["shape"], one["dtype"]))
    interpreter.invoke()
"""


def children_s() -> float:
    """Processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(file: Path, core: str, repeats: int) -> dict[str, Any]:
    """Median processor milliseconds of both, their ratio, wall time, and whether all counts were equal."""
    places, model, counts, walls = find_emulator(), read_model(file), [], []
    one = model.tensors[model.inputs[0]]
    x = [np.zeros([max(n, 1) for n in one.shape], one.dtype)]

    def emulate() -> None:
        began = time.perf_counter()
        counts.append(run_litert(file, x, Processor(core, 1700), places).counts)
        walls.append(time.perf_counter() - began)

    def here() -> None:
        subprocess.run([sys.executable, "-c", HERE, str(file)], check=True, capture_output=True)

    emulate()  # what the first run makes and keeps: the plugin, the runner
    emulated_ms, here_ms = interleaved(repeats, emulate, here, clock=children_s)
    return {
        "model": file.name,
        "core": core,
        "emulated_ms": emulated_ms,
        "wall_ms": 1000 * sorted(walls[1:])[repeats // 2],
        "here_ms": here_ms,
        "ratio": emulated_ms / here_ms,
        "instructions": counts[0].total,
        "repeats": all(count == counts[0] for count in counts),
    }


def main() -> int:
    """Prints it; exit code 1 above the bar, or if counts differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", default=DEFAULT_FILE, help="a .tflite file")
    parser.add_argument("--core", default="cortex-a53", choices=("cortex-a53", "cortex-a55"))
    parser.add_argument("--repeats", type=int, default=5, help="timed turns of each (default 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure(options.file, options.core, options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            "{model} on {core}: {emulated_ms:.0f} ms of processor time ({wall_ms:.0f} ms of wall time), "
            "by this machine's LiteRT {here_ms:.0f} ms: {ratio:.2f}".format(**found)
            + f" (at most {BAR:g})"
        )
        told = "in every turn" if found["repeats"] else "not the same in all turns"
        print(f"{found['instructions']:,} instructions an inference, {told}")
    return 0 if found["repeats"] and found["ratio"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
