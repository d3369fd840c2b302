"""Teachers and student trained together: progressive learning.

PSKD, Ni et al., "Progressive Cross-modal Knowledge Distillation for Human Action Recognition", ACM
Multimedia 2022, section 3: no teacher is trained beforehand; after each `every` epochs in which the
teachers learn from the ground truth, the student learns for one from the teachers as they are now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from edgehar.models.output import Output
from edgehar.training.batches import Batches
from edgehar.training.modules import CLIP_NORM, Distil, Fit


class Turns:
    """The batches of both, in turns: `every` epochs of the teachers', then one of the student's.

    Both must have equally many batches, since Lightning counts them once. Draws depend on the seed and the
    epoch alone, as theirs do (see Batches).
    """

    def __init__(self, teachers: Batches, student: Batches, every: int) -> None:
        if len(teachers) != len(student):
            raise ValueError(
                f"{len(teachers)} batches of the teachers beside {len(student)} of the student's."
            )
        self.teachers, self.student, self.every = teachers, student, every
        self.seed = student.seed
        self.epoch = 0
        self.rank, self.ranks = 0, 1

    def students_turn(self) -> bool:
        """Whether this epoch is the student's."""
        return self.epoch % (self.every + 1) == self.every

    def __len__(self) -> int:
        return len(self.student) // self.ranks

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = self.student if self.students_turn() else self.teachers
        batches.epoch, batches.rank, batches.ranks = self.epoch, self.rank, self.ranks
        yield from batches


class Together(Fit):
    """Several Fits and the student's Distil, each with its own optimiser and schedule, in Turns.

    An epoch here is one turn. In the student's the teachers are asked, without gradients and in eval mode,
    for the batch that the student sees: both see the same clip, disturbed in the same way. Raises
    ValueError unless each teacher's recipe has `every` times the student's epochs.
    """

    def __init__(self, teachers: Sequence[Fit], student: Distil, every: int) -> None:
        if wrong := [t.recipe.epochs for t in teachers if t.recipe.epochs != every * student.recipe.epochs]:
            raise ValueError(f"{wrong[0]} epochs of a teacher, not {every} x {student.recipe.epochs}.")
        turns = replace(student.recipe, epochs=student.recipe.epochs * (every + 1))
        super().__init__(student.network, turns, student.steps_per_epoch)
        self.teachers = torch.nn.ModuleList(teachers)
        self.student = student
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        made = [cast(Fit, each).configure_optimizers() for each in (*self.teachers, self.student)]
        return [each["optimizer"] for each in made], [each["lr_scheduler"] for each in made]

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        turns: Turns = cast(Any, self.trainer).train_dataloader
        self.students_turn = turns.students_turn()
        self.teachers.train(not self.students_turn)
        self.student.train(self.students_turn)

    def training_step(self, batch: dict[str, Any], index: int) -> None:
        optimisers, schedules = self.optimizers(), self.lr_schedulers()
        learners = list(zip([*self.teachers, self.student], optimisers, schedules, strict=True))  # type: ignore[arg-type]
        if self.students_turn:
            losses = [self._learn(*learners[-1], batch | {"teachers": self._said(batch)})]
        else:
            losses = [self._learn(*learner, batch) for learner in learners[:-1]]
        self.losses.append(torch.stack(losses).mean())

    def _learn(self, learner: Any, optimiser: Any, schedule: Any, batch: dict[str, Any]) -> Tensor:
        learner.zero_grad()
        loss = learner.loss(batch)
        self.manual_backward(loss)
        torch.nn.utils.clip_grad_norm_(learner.parameters(), CLIP_NORM)
        optimiser.step()
        schedule.step()
        return loss.detach()

    @torch.no_grad()
    def _said(self, batch: dict[str, Any]) -> tuple[dict[str, Tensor], ...]:
        outputs: list[Output] = [teacher(batch) for teacher in self.teachers]
        return tuple(output.parts() for output in outputs)
