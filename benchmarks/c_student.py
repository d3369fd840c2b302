"""Instructions of the C student on emulated Cortex-M cores, by layer and by MAC, beside CMSIS-NN's.

Counts are exact and repeat to the unit. CMSIS-NN's are what its snapshot of 2026, compiled with -O3, was
counted at in the same way on the same models (whole networks without their softmax, on an M4). The bar is
the M4's: at most 2.1 instructions per MAC in convolutions and 9 in depthwise ones, over each network.

    python benchmarks/c_student.py data/mlperf_tiny/models/{pretrainedResnet_quant,kws_ref_model}.tflite
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.c.package import load_student, write_c
from firmware_sim.emulator.cortex_m import run_cortex_m

BARS = {"CONV_2D": 2.1, "DEPTHWISE_CONV_2D": 9.0}
CORES = ("cortex-m3", "cortex-m4", "cortex-m7")
# Instructions of one inference by CMSIS-NN on an M4, by model file.
CMSIS_NN = {
    "pretrainedResnet_quant": 29_870_000,
    "kws_ref_model": 7_840_000,
    "vww_96_int8": 24_720_000,
    "ad01_int8": 580_000,
}
# Its instructions per MAC on an M4: of a 3 x 3 convolution of 16 channels, of those models' depthwise ones.
CMSIS_NN_PER_MAC = {"CONV_2D": "2.33", "DEPTHWISE_CONV_2D": "8.3 to 8.9"}


def measure(path: Path, core: str) -> dict[str, Any]:
    """Counts of one inference of `path` on `core`: by layer, by kind of operator, and in all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "c"
        write_c(path, folder)
        ran = run_cortex_m(folder, core)
    if ran.exit_code:
        raise SystemExit(f"{path} on {core}: {ran.output}")
    working = [layer.operator for layer in load_student(path).layers if not layer.moves_nothing]
    counts = [layer.total for layer in ran.inferences[-1].layers]
    kinds: dict[str, list[int]] = {}
    for operator, count in zip(working, counts, strict=True):
        sums = kinds.setdefault(operator.name, [0, 0])
        sums[0], sums[1] = sums[0] + count, sums[1] + (operator.macs or 0)
    return {
        "model": path.stem,
        "core": core,
        "instructions": sum(counts),
        "cmsis_nn_instructions": CMSIS_NN.get(path.stem) if core == "cortex-m4" else None,
        "per_mac": {kind: count / macs for kind, (count, macs) in kinds.items() if macs},
        "layers": [
            {"index": o.index, "name": o.name, "macs": o.macs, "instructions": c}
            for o, c in zip(working, counts, strict=True)
        ],
        "text_bytes": ran.text_bytes,
        "ram_bytes": ran.ram_bytes,
    }


def missed(found: Mapping[str, Any]) -> list[str]:
    """What is above its bar, which is the M4's."""
    if found["core"] != "cortex-m4":
        return []
    over = [kind for kind, bar in BARS.items() if found["per_mac"].get(kind, 0) > bar]
    return [f"{found['model']}: {kind} {found['per_mac'][kind]:.2f}" for kind in over]


def _beside(kind: str, value: float, core: str) -> str:
    theirs = CMSIS_NN_PER_MAC.get(kind) if core == "cortex-m4" else None
    return f"{kind} {value:.2f}" + (f" (CMSIS-NN {theirs})" if theirs else "")


def show(found: Mapping[str, Any]) -> None:
    """One row of the table, and below it the layers."""
    theirs = found["cmsis_nn_instructions"]
    beside = f", CMSIS-NN {theirs:,} ({found['instructions'] / theirs:.2f} of it)" if theirs else ""
    per_mac = ", ".join(_beside(kind, value, found["core"]) for kind, value in found["per_mac"].items())
    print(f"{found['model']} {found['core']}: {found['instructions']:,}{beside}; per MAC: {per_mac}")
    for layer in found["layers"]:
        ratio = f"{layer['instructions'] / layer['macs']:8.2f}" if layer["macs"] else "       -"
        print(f"  {layer['index']:3} {layer['name']:18} {layer['instructions']:12,} {ratio}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="int8 .tflite files")
    parser.add_argument("--core", action="append", choices=CORES, help="repeatable; default all three")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = [measure(path, core) for path in words.models for core in words.core or CORES]
    if words.json:
        print(json.dumps({"bars": BARS, "found": found}))
    else:
        for one in found:
            show(one)
    faults = [fault for one in found for fault in missed(one)]
    for fault in faults:
        print(f"above its bar: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
