"""What learning together costs: a pair of PSKD's turns, beside the sum of its parts alone, in one run.

A pair is an epoch of both teachers and one of `acc-watch`, by the recipes of the preset `best` and the loss
ACS, on 430 clips of noise, trained as a run trains them (`edgehar.training.stage.train` on `Together`),
checkpoints included. The parts are loops without Lightning: the drawing of each epoch's batches, an epoch of
each teacher, one after the other, and one of the student, with both teachers asked about every batch.
Teachers that learn alone would draw their batches once each; they are drawn once here, so the parts come out
a little too cheap, and the overhead a little too large.

Both do the same work: all networks must end with the same weights, bit for bit. For that the teachers have
no dropout, since what it draws depends on which of two networks steps first. The parts have their epoch
before each turn, so that a busy machine slows both alike; a pair is compared with itself, and the median of
the ratios, in the process's CPU time, is the result.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from edgehar.losses import loss
from edgehar.methods import METHODS
from edgehar.models.network import Network
from edgehar.networks import build_student, build_teacher, glimpse
from edgehar.presets import PRESETS
from edgehar.training.adapters import build_adapters
from edgehar.training.batches import Batches, Clips
from edgehar.training.modules import CLIP_NORM, Distil, Fit
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine, train
from edgehar.training.together import Together, Turns

BAR = 0.10
CLIPS, WINDOW, JOINTS, CLASSES = 430, 128, 20, 27
TEACHERS = ("skeleton", "fusion")
Batch = dict[str, Any]


@dataclass(frozen=True)
class Learner:
    """A Fit with its optimiser and schedule, and one step of a training without Lightning."""

    fit: Fit
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @classmethod
    def of(cls, fit: Fit) -> Learner:
        made = fit.configure_optimizers()
        return cls(fit, made["optimizer"], made["lr_scheduler"]["scheduler"])

    def step(self, batch: Batch) -> None:
        self.optimiser.zero_grad()
        self.fit.loss(batch).backward()
        torch.nn.utils.clip_grad_norm_(self.fit.parameters(), CLIP_NORM)
        self.optimiser.step()
        self.schedule.step()


class Parts:
    """The same training as a Together's in Turns, part by part; `spent`, CPU seconds by part and turn."""

    def __init__(self, module: Together, turns: Turns) -> None:
        self.turns = turns
        self.teachers = [Learner.of(cast(Fit, teacher)) for teacher in module.teachers]
        self.student = Learner.of(module.student)
        self.spent: list[dict[str, float]] = []

    def turn(self) -> None:
        """The next epoch of the teachers, or of the student."""
        self.turns.epoch = epoch = len(self.spent)
        torch.default_generator.manual_seed(self.turns.seed * 1_000_003 + epoch)
        self.spent.append({})
        batches = self.clocked("drawing", lambda: list(self.turns))
        if self.turns.students_turn():
            self.students_epoch(batches)
        else:
            for name, teacher in zip(TEACHERS, self.teachers, strict=True):
                teacher.fit.train()
                self.clocked(name, partial(self.each, teacher.step, batches))

    def students_epoch(self, batches: list[Batch]) -> None:
        """The teachers are asked for each batch just before the student learns from it."""
        for teacher in self.teachers:
            teacher.fit.eval()
        self.student.fit.train()
        for batch in batches:
            said = self.clocked("asking", partial(self.answers, batch))
            self.clocked("student", partial(self.student.step, batch | {"teachers": said}))

    @torch.no_grad()
    def answers(self, batch: Batch) -> tuple[dict[str, torch.Tensor], ...]:
        """What the teachers, as they are now, say of a batch."""
        outputs = [teacher.fit(batch) for teacher in self.teachers]
        return tuple(output.parts() for output in outputs)

    @staticmethod
    def each(step: Callable[[Batch], None], batches: list[Batch]) -> None:
        for batch in batches:
            step(batch)

    def clocked(self, part: str, work: Callable[[], Any]) -> Any:
        """What `work` returns; its CPU time is added to the part's, in this turn."""
        start = time.process_time()
        done = work()
        spent = self.spent[-1]
        spent[part] = spent.get(part, 0.0) + time.process_time() - start
        return done


class Paired(Together):
    """A Together that lets the parts have their epoch before each of its turns, and times its own."""

    def beside(self, parts: Parts) -> None:
        self.parts = parts
        self.spent: list[float] = []
        self.running: float | None = None

    def on_train_epoch_start(self) -> None:
        self.close()
        self.parts.turn()
        self.running = time.process_time()
        super().on_train_epoch_start()

    def close(self) -> None:
        """A turn lasts until the next begins, or until the Trainer hands the networks back."""
        if self.running is not None:
            self.spent.append(time.process_time() - self.running)
        self.running = None

    def on_train_end(self) -> None:
        self.close()


def clips(count: int) -> Clips:
    """Noise in the shapes of UTD-MHAD's skeletons and accelerations."""
    draw = np.random.default_rng(0)
    arrays = {
        "skeleton": draw.normal(0, 0.5, (count, WINDOW, JOINTS, 3)).astype(np.float32),
        "acc": draw.normal(0, 5, (count, WINDOW, 3)).astype(np.float32),
    }
    return Clips(arrays, draw.integers(0, CLASSES, count), np.full(count, "1"), CLASSES)


def without_dropout(network: Network) -> Network:
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return network


def made(kind: type[Together], seen: Clips, pairs: int) -> tuple[Together, Turns]:
    """The same networks and batches each time, as a run of PSKD makes them."""
    preset, method = PRESETS["best"], METHODS["pskd"]
    teaching, learning = (replace(r, epochs=pairs) for r in (preset.joints, preset.student))
    torch.manual_seed(0)
    teachers = [without_dropout(build_teacher(name, CLASSES)) for name in TEACHERS]
    student = build_student("acc-watch", CLASSES, WINDOW)
    turns = Turns(Batches(seen, teaching, 0), Batches(seen, learning, 0), every=1)
    fits = [Fit(network, teaching, len(turns)) for network in teachers]
    return kind(fits, lesson(student, teachers, seen, learning, len(turns), method.weights), 1), turns


def lesson(
    student: Network, teachers: list[Network], seen: Clips, recipe: Recipe, steps: int, weights: Any
) -> Distil:
    """The student's training by ACS, as `edgehar.experiment` builds it."""
    acs = loss("acs")
    said = [glimpse(teacher, seen) for teacher in teachers]
    adapters = build_adapters(acs, glimpse(student, seen), said)
    weighted = partial(acs, label_smoothing=recipe.label_smoothing, **weights)
    return Distil(student, recipe, steps, weighted, adapters)


def measure(pairs: int, count: int = CLIPS) -> dict[str, Any]:
    """Median overhead of the pairs of turns, after one that warms up; medians of their parts beside it."""
    seen = clips(count)
    (alone, their_turns), (ours, turns) = (made(kind, seen, pairs + 1) for kind in (Together, Paired))
    parts = Parts(alone, their_turns)
    cast(Paired, ours).beside(parts)
    with tempfile.TemporaryDirectory() as folder:
        train(ours, turns, Path(folder) / "together.ckpt", Machine("cpu", progress=False), "together")
    for name, weight in alone.state_dict().items():
        if not torch.equal(weight, ours.state_dict()[name]):
            raise SystemExit(f"The two ended with different {name}: they did not do the same work.")
    together = list(pairwise_sums(cast(Paired, ours).spent))[1:]
    apart = list(pairwise_sums([sum(turn.values()) for turn in parts.spent]))[1:]
    ratios = [ours / theirs for ours, theirs in zip(together, apart, strict=True)]
    return {
        "pairs": pairs,
        "steps_per_epoch": len(turns),
        "together_cpu_ms": 1e3 * statistics.median(together),
        "parts_cpu_ms": 1e3 * statistics.median(apart),
        **{f"{part}_ms": milliseconds for part, milliseconds in medians(parts.spent[2:]).items()},
        "overhead": statistics.median(ratios) - 1,
        "bar": BAR,
    }


def pairwise_sums(turns: list[float]) -> Iterator[float]:
    """Teachers' and student's turn together, pair by pair."""
    return (a + b for a, b in zip(turns[::2], turns[1::2], strict=True))


def medians(turns: list[dict[str, float]]) -> dict[str, float]:
    """Median milliseconds of each part in the turns that have it; of the drawing the sum of both turns'."""
    of = {part: [turn[part] for turn in turns if part in turn] for part in (*TEACHERS, "asking", "student")}
    drawing = list(pairwise_sums([turn["drawing"] for turn in turns]))
    return {part: 1e3 * statistics.median(times) for part, times in {**of, "drawing": drawing}.items()}


def main() -> int:
    """Prints the overhead; exit code 1 if it is above the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of turns (default 7)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.pairs)
    if options.json:
        print(json.dumps(found))
    else:
        shares = ", ".join(f"{part} {found[part + '_ms']:.0f}" for part in ("drawing", *TEACHERS))
        print(
            f"PSKD, an epoch of the teachers and one of the student, one thread, CPU time: parts alone"
            f" {found['parts_cpu_ms']:.0f} ms ({shares}, asking them {found['asking_ms']:.0f}, student"
            f" {found['student_ms']:.0f}), together {found['together_cpu_ms']:.0f} ms: overhead"
            f" {found['overhead']:.1%} (bar {BAR:.0%})"
        )
    return 0 if found["overhead"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
