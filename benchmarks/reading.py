"""What reading recordings costs: UTD-MHAD's accelerometer against a plain scipy loop, and the cache.

Three ratios in one run, in CPU time and turn by turn, so that a busy machine slows all alike:

    loop / edgehar    all 861 accelerometer clips read and brought to 128 samples: a loop of scipy's loadmat
                      and numpy's interp that checks nothing, against the reader and `prepare` without a cache
    first / hit       the same with edgehar's cache, first filled, then hit; both list and stat the files
    parser            a table of t, x, y, z by edgehar against numpy's loadtxt: seconds and memory beside it
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import interleaved

from edgehar.data.prepare import Shape, prepare
from edgehar.data.streams import Source, read_raw
from edgehar.data.utd_mhad import GRAVITY, read

WINDOW = 128
BARS = {"against_scipy": 0.6, "cache": 4.0, "against_loadtxt": 0.4}


def scipy_loop(folder: Path) -> np.ndarray:
    """What somebody writes in ten minutes: (N, 128, 3) float32 in m/s^2."""
    from scipy.io import loadmat

    clips = []
    paths = folder.glob("Inertial/*.mat")
    for path in sorted(paths, key=lambda p: [int(part[1:]) for part in p.stem.split("_")[:3]]):
        values = loadmat(path)["d_iner"][:, :3]
        at, rows = np.linspace(0, len(values) - 1, WINDOW), np.arange(len(values))
        clips.append(np.stack([np.interp(at, rows, axis) for axis in values.T], axis=1))
    return (np.stack(clips) * GRAVITY).astype(np.float32)


def measure_utd(folder: Path, repeats: int) -> dict[str, float]:
    """Milliseconds of the loop, of the first read and of a hit; both make the same array."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EDGEHAR_CACHE"] = cache

        def first() -> np.ndarray:
            for kept in Path(cache).rglob("*.npy"):
                kept.unlink()
            return prepare(read(folder), "acc", Shape(window=WINDOW))

        def hit() -> np.ndarray:
            return np.array(prepare(read(folder), "acc", Shape(window=WINDOW)))

        difference = float(np.abs(scipy_loop(folder) - first()).max())
        loop_ms, first_ms, hit_ms = interleaved(
            repeats, lambda: scipy_loop(folder), first, hit, clock=time.process_time
        )
    return {
        "scipy_loop_ms": loop_ms,
        "first_read_ms": first_ms,
        "cache_hit_ms": hit_ms,
        "against_scipy": loop_ms / first_ms,
        "cache": first_ms / hit_ms,
        "max_difference": difference,
    }


def measure_table(samples: int, repeats: int) -> dict[str, float]:
    """CPU milliseconds of a table of `samples` rows by numpy alone and by edgehar, times and units too."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "long.csv"
        with path.open("w") as file:
            file.write("t,x,y,z\n")
            for start in range(0, samples, 100_000):
                rows = np.arange(start, min(start + 100_000, samples))
                values = np.sin(rows[:, None] * [0.01, 0.02, 0.03])
                np.savetxt(file, np.c_[rows * 20, values], ["%d", "%.5f", "%.5f", "%.5f"], ",")
        source = Source("benchmark", path, "acc", "g")
        plain, ours = interleaved(
            repeats,
            lambda: np.loadtxt(path, delimiter=",", skiprows=1),
            lambda: read_raw(source),
            clock=time.process_time,
        )
        size = path.stat().st_size
    return {
        "rows": samples,
        "file_mib": size / 2**20,
        "loadtxt_ms": plain,
        "edgehar_ms": ours,
        "against_loadtxt": plain / ours,
        "most_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    """Prints the ratios; exit code 1 if one is below its bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=Path("data/UTD-MHAD"), help="UTD-MHAD's folder")
    parser.add_argument("--repeats", type=int, default=5, help="timed turns of each (default 5)")
    parser.add_argument("--rows", type=int, default=300_000, help="of the table (10000000 for a long one)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure_utd(options.data_dir, options.repeats) | measure_table(
        options.rows, max(1, options.repeats // 2)
    )
    missed = [name for name, bar in BARS.items() if found[name] < bar]
    if options.json:
        print(json.dumps(found | {"bars": BARS}))
    else:
        print(
            f"UTD-MHAD's acceleration: scipy loop {found['scipy_loop_ms']:.0f} ms, edgehar's first read "
            f"{found['first_read_ms']:.0f} ms ({found['against_scipy']:.2f} of its speed, bar "
            f"{BARS['against_scipy']}), cache hit {found['cache_hit_ms']:.1f} ms ({found['cache']:.0f} x, "
            f"bar {BARS['cache']:.0f})\n"
            f"{found['rows']} rows ({found['file_mib']:.0f} MiB): loadtxt {found['loadtxt_ms']:.0f} ms, "
            f"edgehar {found['edgehar_ms']:.0f} ms ({found['against_loadtxt']:.2f} of its speed, bar "
            f"{BARS['against_loadtxt']}); at most {found['most_memory_mib']:.0f} MiB in memory"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
