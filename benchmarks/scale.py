"""A data set larger than memory: how much memory preparing and training take as clips become many.

    python benchmarks/scale.py --clips 2250 36000

Every clip is made when it is read, as a file would be: acceleration (about 400 samples at 100 Hz) and a small
depth video. For each number of clips, in a process of its own, the clips are prepared into a fresh cache (all
cores), read back from it, a teacher is asked what it says of views of them, and an epoch of batches is drawn,
first without, then with what it said. Each `_mib` is the process's anonymous memory at its peak, in MiB over
what it held before: what the kernel cannot give back. Mapped pages of the cache are not counted; the kernel
drops them when memory is short. Time is shown as clips a second, and hits against misses.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = {"window": 128, "frames": 8, "height": 16}
CLASSES, SUBJECTS, BATCH = 37, 20, 32
HELD = ("preparing_mib", "training_mib", "asking_mib", "taught_mib")
BAR_MIB = 32.0  # that more clips may take
MIB = 2**20


def acc(number: int) -> Any:
    """Four seconds of a made-up wrist."""
    from edgehar.data.clip import Stream

    rng = np.random.default_rng(number)
    return Stream(rng.normal(0, 3, (380 + number % 40, 3)).astype(np.float32), 100.0, "m/s^2")


def depth(number: int) -> Any:
    """Eight small pictures of a box that moves."""
    from edgehar.data.clip import Stream

    video = np.zeros((8, 16, 12, 1), np.uint8)
    for frame in range(8):
        video[frame, 4:12, (number + frame) % 8 :][:, :4] = 100
    return Stream(video, 15.0, "5 m / 255")


def simulated(count: int) -> Any:
    """Recordings of `count` clips, as large a number as MMAct's 36,000."""
    from edgehar.data.clip import Clip, Recordings

    clips = tuple(
        Clip(
            f"c{n}", n % CLASSES, str(n % SUBJECTS), "1", {"acc": partial(acc, n), "depth": partial(depth, n)}
        )
        for n in range(count)
    )
    return Recordings("simulated", tuple(map(str, range(CLASSES))), clips, {})


class Peak:
    """The largest anonymous memory, in bytes, while it runs."""

    def __enter__(self) -> Peak:
        self.first = self.most = anonymous()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.done.wait(0.02):
            self.most = max(self.most, anonymous())

    def __exit__(self, *_: Any) -> None:
        self.done.set()
        self.thread.join()

    @property
    def held_mib(self) -> float:
        return (self.most - self.first) / MIB


def anonymous() -> int:
    """Memory of this process that no file stands behind, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("no RssAnon in /proc/self/status")


def measure(count: int, large: int, views: int) -> dict[str, float]:
    """One number of clips, in a fresh cache. large: bytes above which rows and what teachers say of `views`
    views stay on disk."""
    return measure_preparing(count) | measure_training(count, large, views)


def measure_preparing(count: int) -> dict[str, float]:
    """Both streams into a fresh cache, and back from it."""
    from edgehar.data.prepare import Shape, prepare

    recordings, shape, cache = simulated(count), Shape(**SHAPE), Path(os.environ["EDGEHAR_CACHE"])
    prepare(simulated(40), "acc", shape)  # whatever is imported is imported now
    told: dict[str, float] = {"clips": count}
    with Peak() as peak:
        began = time.perf_counter()
        for stream in ("acc", "depth"):
            prepare(recordings, stream, shape, jobs=os.cpu_count())
        first_s = time.perf_counter() - began
    told |= {"preparing_mib": peak.held_mib, "prepared_per_s": count / first_s}
    began = time.perf_counter()
    for stream in ("acc", "depth"):
        prepare(recordings, stream, shape)
    told["hit_over_miss"] = first_s / (time.perf_counter() - began)
    told["cache_mib"] = sum(path.stat().st_size for path in cache.rglob("*.npy")) / MIB
    return told


def measure_training(count: int, large: int, views: int) -> dict[str, float]:
    """An epoch of batches, a teacher's answers, and an epoch with them."""
    from edgehar.data.prepare import Shape
    from edgehar.networks import build_teacher
    from edgehar.training import batches, rows
    from edgehar.training.bank import ask_views, view_warps
    from edgehar.training.parts import divided_clips
    from edgehar.training.recipe import Recipe

    rows.select.__defaults__, batches.LARGE = (large,), large
    recipe = Recipe(epochs=1, batch=BATCH, rotation=0.2, warp=0.2)
    parts = divided_clips(simulated(count), "cross-subject", None, Shape(**SHAPE), ["acc", "depth"])
    train = parts["train"]
    with Peak() as peak:
        drawn_s = epoch_s(batches.Batches(train, recipe, seed=0))
    told = {"training_mib": peak.held_mib, "drawn_per_s": len(train) / drawn_s}
    teacher = build_teacher("sensors", CLASSES, streams=("acc",))
    warps = view_warps(len(train), views, recipe, 0)
    with Peak() as peak:
        said = ask_views(teacher, train, warps, "bank", "Asking", large=large)
    told["asking_mib"] = peak.held_mib
    bank = batches.Bank(warps, (said,), pooled=True)
    with Peak() as peak:
        taught_s = epoch_s(batches.Batches(train, recipe, seed=0, bank=bank))
    size = sum(path.stat().st_size for path in Path(os.environ["EDGEHAR_CACHE"]).rglob("bank.npy"))
    return told | {"bank_mib": size / MIB, "taught_mib": peak.held_mib, "taught_per_s": len(train) / taught_s}


def epoch_s(batches: Any) -> float:
    """Seconds that an epoch of batches takes to draw."""
    began = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - began


def _child(count: int, large: int, views: int, results: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EDGEHAR_CACHE"] = folder
        results.put(measure(count, large, views))


def main() -> int:
    """Prints a row a size; exit code 1 if memory grew by more than its bar from the first size on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[2250, 36000])
    parser.add_argument("--large", type=int, default=1, help="bytes above which rows stay on disk; default 1")
    parser.add_argument("--views", type=int, default=8, help="that a teacher is asked about; default 8")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    context, rows = multiprocessing.get_context("spawn"), []
    for count in given.clips:
        results = context.Queue()
        process = context.Process(target=_child, args=(count, given.large, given.views, results))
        process.start()
        rows.append(results.get())
        process.join()
    held = [name for name in HELD if max(row[name] for row in rows) - rows[0][name] > BAR_MIB]
    if given.json:
        print(json.dumps({"rows": rows, "bar_mib": BAR_MIB}))
    else:
        print(" ".join(f"{name:>14}" for name in rows[0]))
        for row in rows:
            print(" ".join(f"{value:14.1f}" for value in row.values()))
    return int(bool(held))


if __name__ == "__main__":
    sys.exit(main())
