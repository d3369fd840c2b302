"""Windows a second that are fed to training, against what the student's network can take, one thread.

Fed: batches drawn and augmented by the recipe of the preset `best` (time warp, rotation, scale, noise,
mixup), three ways: from memory, from a file that is mapped into it (as more than memory holds is), and with
what a teacher said of them. Taken: `acc-watch` forwards and backwards and a step of AdamW on one batch. In
CPU time and turn by turn, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from timing import interleaved

from edgehar.models.output import Output
from edgehar.networks import build_student
from edgehar.presets import PRESETS
from edgehar.training.bank import view_warps
from edgehar.training.batches import Bank, Batches, Clips
from edgehar.training.modules import CLIP_NORM, Fit
from edgehar.training.rows import Rows

BAR = 8.0  # from memory; each of the three is printed
COUNT, WINDOW, CLASSES, WIDTH = 2048, 128, 27, 160


def feeding(folder: Path) -> dict[str, Callable[[], object]]:
    """An epoch of batches, each way."""
    recipe = PRESETS["best"].student
    draw = np.random.default_rng(0)
    windows = draw.normal(0, 5, (COUNT, WINDOW, 3)).astype(np.float32)
    np.save(folder / "windows.npy", windows)
    mapped = np.lib.format.open_memmap(folder / "windows.npy", mode="c")
    labels, subjects = draw.integers(0, CLASSES, COUNT), np.full(COUNT, "1")
    views = PRESETS["best"].views
    said = Output(torch.randn(views, COUNT, CLASSES), torch.randn(views, COUNT, WIDTH))
    bank = Bank(view_warps(COUNT, views, recipe, 0), (said,), pooled=True)

    def epoch(values: object, bank: Bank | None = None) -> Callable[[], object]:
        clips = Clips({"acc": values}, labels, subjects, CLASSES)  # type: ignore[dict-item]
        batches = Batches(clips, recipe, seed=0, bank=bank)
        return lambda: sum(len(batch["labels"]) for batch in batches)

    return {
        "from_memory": epoch(windows),
        "from_disk": epoch(Rows(mapped, np.arange(COUNT))),
        "with_teacher": epoch(windows, bank),
    }


def taking() -> Callable[[], object]:
    """Steps of training on one batch, as many as an epoch has."""
    recipe = PRESETS["best"].student
    torch.manual_seed(0)
    module = Fit(build_student("acc-watch", CLASSES, WINDOW), recipe, COUNT // recipe.batch)
    labels = torch.eye(CLASSES)[torch.arange(recipe.batch) % CLASSES]
    batch = {"acc": torch.randn(recipe.batch, WINDOW, 3), "labels": labels}
    optimiser = torch.optim.AdamW(module.parameters(), recipe.lr)
    module.train()

    def epoch() -> None:
        for _ in range(COUNT // recipe.batch):
            optimiser.zero_grad()
            module.loss(batch).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), CLIP_NORM)
            optimiser.step()

    return epoch


def measure(repeats: int) -> dict[str, float]:
    """Windows a second fed each way and taken, and how many times more are fed."""
    with tempfile.TemporaryDirectory() as folder:
        ways = feeding(Path(folder))
        spent_ms = interleaved(repeats, *ways.values(), taking(), clock=time.process_time)
    rates = {name: 1e3 * COUNT / ms for name, ms in zip((*ways, "taken"), spent_ms, strict=True)}
    return {f"{name}_per_s": rate for name, rate in rates.items()} | {
        name: rates[name] / rates["taken"] for name in ways
    }


def main() -> int:
    """Prints the rates; exit code 1 if feeding from memory is below its bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed epochs of each (default 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.repeats)
    if options.json:
        print(json.dumps(found | {"bar": BAR}))
    else:
        ways = {
            "from_memory": f"from memory, bar {BAR:g}",
            "from_disk": "from disk",
            "with_teacher": "taught",
        }
        fed = ", ".join(f"{found[f'{n}_per_s']:.0f} ({found[n]:.1f} x, {what})" for n, what in ways.items())
        print(f"acc-watch takes {found['taken_per_s']:.0f} windows a second; fed are {fed}; bar {BAR:g} x")
    return 0 if found["from_memory"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
