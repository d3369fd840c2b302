"""One seed of a run, stage by stage: teachers, baseline and student, trained, kept, reused and scored."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from edgehar.cache import cache_dir, fingerprint, write_atomic, write_text
from edgehar.data.clip import Recordings
from edgehar.data.prepare import PREPARED_BY, Progress
from edgehar.errors import InputError
from edgehar.evaluation import Scores, by_clip, score
from edgehar.losses import loss
from edgehar.models import STUDENTS
from edgehar.models.network import Network
from edgehar.models.output import Output
from edgehar.models.posed import PosedVideo
from edgehar.networks import (
    ask,
    build_student,
    build_teacher,
    glimpse,
    load_weights,
    save_weights,
    teacher_line,
)
from edgehar.plan import Plan
from edgehar.presets import network_options
from edgehar.training.adapters import build_adapters
from edgehar.training.bank import ask_views, view_warps
from edgehar.training.batches import Bank, Batches, Clips
from edgehar.training.modules import Distil, Fit
from edgehar.training.pose import FitPosed
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine, precision, train
from edgehar.training.together import Together, Turns

Say = Callable[[str], None]
TRAINED_BY = 2  # version of the training code: a change that makes other weights makes other cache keys


@dataclasses.dataclass(frozen=True)
class Judged:
    """A network's scores on the test clips, and on what it was asked: their windows, or the clips again."""

    clips: Scores
    rows: Scores


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What stays the same from stage to stage and seed to seed."""

    plan: Plan
    recordings: Recordings
    folder: Path
    machine: Machine
    parts: dict[str, Clips]
    fresh: bool
    say: Say
    progress: Progress
    trained: set[Path] = dataclasses.field(default_factory=set)  # in the cache, by this very run

    def run_seed(self, seed: int) -> dict[str, Judged]:
        """Every network of one seed, by the name of its weights file, scored on the test clips."""
        plan = self.plan
        networks: dict[str, Network] = {}
        if plan.schedule == "pretrained":
            networks = {f"teacher-{name}": self._teacher(name, seed) for name in plan.teachers}
        student = partial(build_student, plan.student, window=plan.shape.window)
        networks["baseline"] = self._alone(
            "baseline", seed, seed, plan.student_recipe, STUDENTS[plan.student], student
        )
        if plan.schedule == "pretrained":
            networks["student"] = self._student(seed, networks)
        else:
            networks |= self._together(seed)
        return {stage: self._score(network) for stage, network in networks.items()}

    def _teachers_seed(self, seed: int) -> int:
        """Which seed's teachers teach the student of `seed`."""
        return seed if self.plan.teacher_seed is None else self.plan.teacher_seed

    def _teacher(self, name: str, seed: int) -> Network:
        drawn, preset = self._teachers_seed(seed), self.plan.preset
        build = partial(self._build, name)
        made_of = list(teacher_line(name, self.plan.graph, self.plan.teacher_streams))
        made_of += filter(None, [network_options(preset, name)])
        return self._alone(f"teacher-{name}", seed, drawn, self.plan.teacher_recipe, made_of, build)

    def _build(self, name: str, classes: int) -> Network:
        """A teacher of this plan, not yet trained."""
        plan = self.plan
        return build_teacher(name, classes, plan.preset, plan.graph, plan.teacher_streams)

    def _alone(
        self, stage: str, seed: int, drawn: int, recipe: Recipe, made_of: Any, build: Callable[..., Network]
    ) -> Network:
        """A network trained by cross-entropy: from this run, from the cache, or now.

        seed: in whose folder it is kept; drawn: what its weights and batches are drawn from.
        """

        def untrained() -> Network:
            torch.manual_seed(drawn)
            return build(classes=len(self.recordings.labels))

        kept = self._path(stage, seed)
        if kept.exists():
            return load_weights(untrained(), kept)
        shared = cache_dir() / "trained" / f"{self._key(stage, drawn, recipe, made_of)}.safetensors"
        if shared.exists() and not (self.fresh and shared not in self.trained):
            try:
                network = load_weights(untrained(), shared)
            except InputError:
                self.say(f"{stage}, seed {drawn}: damaged in the cache, so it is trained again")
            else:
                self.say(f"{stage}, seed {drawn}: trained before in the same way; --fresh trains again")
                save_weights(network, kept)
                return network
        network = untrained()
        self._train(*self._fit(network, recipe, drawn), stage, seed)
        write_atomic(shared, lambda part: shutil.copyfile(kept, part) and None)
        self.trained.add(shared)
        return network

    def _fit(self, network: Network, recipe: Recipe, seed: int) -> tuple[Fit, Batches]:
        """What trains a network alone, and on what."""
        clips = self.parts["train"]
        ranks = self.machine.ranks
        if not isinstance(network, PosedVideo):
            batches = Batches(clips.streams(network.streams), recipe, seed, ranks=ranks)
            return Fit(network, recipe, len(batches)), batches
        seen = clips.streams([*network.streams, "skeleton"])
        batches = Batches(seen, recipe.as_seen(), seed, ranks=ranks)
        return FitPosed(network, recipe, len(batches), glimpse(network, clips)), batches

    def _student(self, seed: int, networks: dict[str, Network]) -> Network:
        """The student, taught by what its teachers said."""
        plan = self.plan
        torch.manual_seed(seed)
        network = build_student(plan.student, len(self.recordings.labels), plan.shape.window)
        kept = self._path("student", seed)
        if kept.exists():
            return load_weights(network, kept)
        bank = self._bank(seed, networks)
        clips = self.parts["train"].streams(network.streams)
        batches = Batches(clips, plan.student_recipe, seed, bank, self.machine.ranks)
        self._train(self._lesson(network, bank.glimpse(), len(batches)), batches, "student", seed)
        return network

    def _lesson(self, student: Network, teachers: Sequence[Output], steps: int) -> Distil:
        """The student's training by the plan's loss; of what teachers said only the shapes are looked at."""
        lesson = loss(self.plan.loss)
        adapters = build_adapters(lesson, glimpse(student, self.parts["train"]), teachers)
        weighted = partial(lesson, **dict[str, Any](self.plan.loss_weights))
        return Distil(student, self.plan.student_recipe, steps, weighted, adapters)

    def _together(self, seed: int) -> dict[str, Network]:
        """Teachers and student, trained in turns."""
        plan, clips = self.plan, self.parts["train"]
        torch.manual_seed(seed)
        classes = len(self.recordings.labels)
        made = {f"teacher-{name}": self._build(name, classes=classes) for name in plan.teachers}
        teachers, student = list(made.values()), build_student(plan.student, classes, plan.shape.window)
        made["student"] = student
        if self._path("student", seed).exists():
            return {stage: load_weights(network, self._path(stage, seed)) for stage, network in made.items()}
        streams = dict.fromkeys(s for network in teachers for s in network.streams)
        seen = Batches(clips.streams(list(streams)), plan.teacher_recipe, seed)
        shared = Batches(clips.streams(list({**streams, "acc": None})), plan.student_recipe, seed)
        turns = Turns(seen, shared, plan.every)
        fits = [Fit(network, plan.teacher_recipe, len(seen)) for network in teachers]
        lesson = self._lesson(student, [glimpse(network, clips) for network in teachers], len(shared))
        self._train(Together(fits, lesson, plan.every), turns, "together", seed, made)
        return made

    def _bank(self, seed: int, networks: dict[str, Network]) -> Bank:
        plan, clips = self.plan, self.parts["train"]
        drawn = self._teachers_seed(seed)
        warps = view_warps(len(clips), plan.views, plan.student_recipe, drawn)
        said = []
        for name in plan.teachers:
            weights = self._path(f"teacher-{name}", seed).read_bytes()
            views = [plan.views, drawn, plan.student_recipe.warp, plan.student_recipe.trim, str(plan.shape)]
            key = fingerprint([*self._data(), hashlib.sha256(weights).hexdigest(), views])
            title = f"Asking the {name} teacher, seed {drawn}"
            teacher = networks[f"teacher-{name}"].to(self.machine.device)
            said.append(ask_views(teacher, clips, warps, key, title, self.progress))
            teacher.cpu()
        return Bank(warps, tuple(said), plan.pooled)

    def _train(
        self,
        module: Fit,
        batches: Batches | Turns,
        stage: str,
        seed: int,
        made: Mapping[str, Network] | None = None,
    ) -> None:
        """Train, keep the weights, then drop the checkpoint, in this order: a kill loses no work.

        made: the networks by name, the student last, where the stage trains more than module.network.
        """
        checkpoint = self.folder / f"seed-{seed}" / "checkpoints" / f"{stage}.ckpt"
        losses = train(module, batches, checkpoint, self.machine, f"{stage}, seed {seed}")
        self._log(stage, seed, losses)
        for name, network in (made or {stage: module.network}).items():
            save_weights(network, self._path(name, seed))
        checkpoint.unlink(missing_ok=True)

    def _score(self, network: Network) -> Judged:
        test = self.parts["test"]
        said = ask(network.to(self.machine.device), test).logits.argmax(1).numpy()
        network.cpu()
        rows = score(said, test.labels, [str(name) for name in test.subjects], test.classes)
        return Judged(score(*by_clip(said, test), test.classes), rows)

    def _log(self, stage: str, seed: int, losses: list[float]) -> None:
        """Write a stage's losses, in place of what a run that was broken off had written of them."""
        path = self.folder / "log.csv"
        rows = [["seed", "stage", "epoch", "loss"]]
        if path.exists():
            rows = [row for row in csv.reader(path.open(newline="")) if row[:2] != [str(seed), stage]]
        rows += [[str(seed), stage, str(epoch), f"{value:.6f}"] for epoch, value in enumerate(losses, 1)]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        write_text(path, text.getvalue())

    def _path(self, stage: str, seed: int) -> Path:
        return self.folder / f"seed-{seed}" / f"{stage}.safetensors"

    def _data(self) -> list[Any]:
        return [
            self.recordings.name,
            self.recordings.version,
            PREPARED_BY,
            [clip.id for clip in self.recordings.clips],
            self.plan.split,
            self.plan.hold_out,
            *([] if self.plan.hop is None else ["window", self.plan.hop, self.plan.rate_hz]),
        ]

    def _key(self, stage: str, seed: int, recipe: Recipe, made_of: Any) -> str:
        arithmetic = precision(recipe.precision, self.machine.accelerator)
        if self.machine.ranks > 1:
            arithmetic += f", {self.machine.ranks} processes"
        made = [stage, seed, recipe.told(), made_of, dataclasses.asdict(self.plan.shape)]
        return f"{stage}-{fingerprint([TRAINED_BY, self._data(), made, arithmetic])}"
