"""How much faster than pyts the pictures of a batch are made, on one thread, in one run.

The batch is (256, 3, 128): 256 windows of 128 samples on 3 axes. Both are timed from raw samples to
finished pictures, turn by turn so that a busy machine slows both alike; pyts in the float64 it works in,
ours in float32 into a buffer that is kept, as a training loop would. Medians are compared.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import torch
from timing import interleaved

from edgehar.signals.gaf import gaf

BAR = 9.0
WINDOWS, AXES, SAMPLES = 256, 3, 128


def measure(repeats: int) -> dict[str, float | str]:
    """Median milliseconds of both and their ratio, after a check that both make the same pictures."""
    from pyts.image import GramianAngularField  # compiles for half a minute

    x = torch.randn(WINDOWS, SAMPLES, AXES, generator=torch.Generator().manual_seed(0))
    rows = x.transpose(1, 2).reshape(-1, SAMPLES).double().numpy()  # (768, 128)
    out = torch.empty(WINDOWS, AXES, SAMPLES, SAMPLES)
    reference = GramianAngularField(method="summation")

    pictures = torch.from_numpy(np.asarray(reference.transform(rows))).reshape(out.shape)
    error = (gaf(x, out=out).double() - pictures).abs().max().item()
    theirs, ours = interleaved(repeats, lambda: reference.transform(rows), lambda: gaf(x, out=out))
    return {
        "batch": f"({WINDOWS}, {AXES}, {SAMPLES})",
        "pyts_ms": theirs,
        "edgehar_ms": ours,
        "ratio": theirs / ours,
        "bar": BAR,
        "max_difference": error,
    }


def main() -> int:
    """Prints the ratio; exit code 1 if it is below the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=50, help="timed turns of each (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.repeats)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"GAF of {found['batch']}, one thread: pyts {found['pyts_ms']:.1f} ms, edgehar"
            f" {found['edgehar_ms']:.1f} ms: {found['ratio']:.1f} x as fast (bar {BAR:g} x)"
        )
    return 0 if found["ratio"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
