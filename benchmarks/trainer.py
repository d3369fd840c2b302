"""How fast Lightning's Trainer trains as edgehar uses it, beside a bare torch loop, in one run.

Both train `acc-watch` by the recipe of the preset `best` on 430 windows of noise (128, 3): the same batches
and augmentation, optimiser, schedule, gradient clipping and dropout, so that both end with the same weights,
bit for bit, which is checked. The Trainer is called as a run calls it (`edgehar.training.stage.train`),
its checkpoints included. An epoch of the bare loop runs before each of the Trainer's, so that a
busy machine slows both alike; a pair is compared with itself, and the median of the ratios is the result. The
bar is on the process's CPU time, which other processes disturb least; wall time, with the wait for the
disk, stands beside it. What happens once a stage (building the Trainer) is told apart, as `setup_ms`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from edgehar.networks import build_student
from edgehar.presets import PRESETS
from edgehar.training.batches import Batches, Clips
from edgehar.training.modules import CLIP_NORM, Fit
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine, train

BAR = 0.95
CLIPS, WINDOW, CLASSES = 430, 128, 27
Spent = tuple[float, float]  # seconds of wall time and of CPU time


def now() -> Spent:
    """Wall and CPU clock of this process."""
    return time.perf_counter(), time.process_time()


def since(start: Spent) -> Spent:
    """Wall and CPU seconds since `start`."""
    wall, cpu = now()
    return wall - start[0], cpu - start[1]


def bare_epochs(module: Fit, batches: Batches) -> Iterator[Spent]:
    """Train `module` without Lightning; after each epoch, what it took."""
    made = module.configure_optimizers()
    optimiser, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    module.train()
    for epoch in range(module.recipe.epochs):
        start = now()
        batches.epoch = epoch
        torch.default_generator.manual_seed(batches.seed * 1_000_003 + epoch)
        losses = []
        for batch in batches:
            optimiser.zero_grad()
            loss = module.loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), CLIP_NORM)
            optimiser.step()
            schedule.step()
            losses.append(loss.detach())
        float(torch.stack(losses).mean())
        yield since(start)


class Paired(Fit):
    """A Fit that lets the bare loop train an epoch before each of its own, and times both."""

    def beside(self, bare: Iterator[Spent]) -> None:
        self.bare, self.pairs, self.running = bare, [], None

    def on_train_epoch_start(self) -> None:
        self.close()
        self.theirs = next(self.bare)
        self.running = now()
        super().on_train_epoch_start()

    def close(self) -> None:
        """An epoch of the Trainer lasts until the next begins, or until it hands the network back."""
        if self.running is not None:
            self.pairs.append((self.theirs, since(self.running)))
        self.running = None

    def on_train_end(self) -> None:
        self.close()


def made(recipe: Recipe, kind: type[Fit]) -> tuple[Fit, Batches]:
    """The same network and batches each time."""
    draw = np.random.default_rng(0)
    windows = draw.normal(0, 5, (CLIPS, WINDOW, 3)).astype(np.float32)
    labels = draw.integers(0, CLASSES, CLIPS)
    batches = Batches(Clips({"acc": windows}, labels, np.full(CLIPS, "1"), CLASSES), recipe, seed=0)
    torch.manual_seed(0)
    return kind(build_student("acc-watch", CLASSES, WINDOW), recipe, len(batches)), batches


def measure(epochs: int) -> dict[str, float | int]:
    """Median of the epochs' ratios, bare by Trainer, in CPU and in wall time; the first pair warms up."""
    recipe = dataclasses.replace(PRESETS["best"].student, epochs=epochs + 1)
    (bare, bare_batches), (ours, batches) = made(recipe, Fit), made(recipe, Paired)
    ours.beside(bare_epochs(bare, bare_batches))
    start = now()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "student.ckpt"
        train(ours, batches, checkpoint, Machine("cpu", progress=False), "student")
        size = checkpoint.stat().st_size if checkpoint.exists() else 0
    total = since(start)
    for name, weight in bare.network.state_dict().items():
        if not torch.equal(weight, ours.network.state_dict()[name]):
            raise SystemExit(f"The two loops ended with different {name}: they did not do the same work.")
    wall, cpu = ([(theirs[clock], mine[clock]) for theirs, mine in ours.pairs[1:]] for clock in (0, 1))
    spent = sum(theirs[0] + mine[0] for theirs, mine in ours.pairs)
    return {
        "epochs": epochs,
        "steps_per_epoch": len(batches),
        "bare_cpu_ms": 1e3 * statistics.median(theirs for theirs, _ in cpu),
        "trainer_cpu_ms": 1e3 * statistics.median(mine for _, mine in cpu),
        "ratio": statistics.median(theirs / mine for theirs, mine in cpu),
        "wall_ratio": statistics.median(theirs / mine for theirs, mine in wall),
        "setup_ms": 1e3 * (total[0] - spent),
        "checkpoint_bytes": size,
        "bar": BAR,
    }


def main() -> int:
    """Prints the ratio; exit code 1 if it is below the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=60, help="timed epochs of each (default 60)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.epochs)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"An epoch of acc-watch, one thread, CPU time: bare loop {found['bare_cpu_ms']:.0f} ms, Trainer"
            f" {found['trainer_cpu_ms']:.0f} ms: {found['ratio']:.3f} of its speed (bar {BAR:g};"
            f" {found['wall_ratio']:.3f} in wall time)"
        )
    return 0 if found["ratio"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
