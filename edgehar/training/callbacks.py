"""What happens around an epoch: the data follows it, the checkpoint is written, the bar moves."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgehar.cache import write_atomic, write_text
from edgehar.training.batches import Batches
from edgehar.training.together import Turns


class Follow(pl.Callback):
    """Tell the batches which epoch and which process they serve; collect the epochs' losses.

    told: where the losses, the mean over all processes, are written as JSON for the process that began these.
    """

    def __init__(self, batches: Batches | Turns, told: Path | None = None) -> None:
        self.batches, self.told = batches, told
        self.losses: list[float] = []

    def setup(self, trainer: pl.Trainer, module: Any, stage: str) -> None:
        self.batches.rank, self.batches.ranks = trainer.global_rank, trainer.world_size
        if trainer.world_size > 1:  # a process of its own, which nobody has quieted yet
            from edgehar.training.stage import quiet

            quiet()

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.batches.epoch = trainer.current_epoch

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        loss = module.epoch_loss()
        if trainer.world_size > 1:
            loss = float(trainer.strategy.reduce(torch.tensor(loss, device=module.device), reduce_op="mean"))
        self.losses.append(loss)

    def on_train_end(self, trainer: pl.Trainer, module: Any) -> None:
        if trainer.world_size > 1:  # the last step showed each other clips: batch norms differ
            for running in module.buffers():
                torch.distributed.broadcast(running, src=0)
        if self.told is not None and trainer.local_rank == 0:
            write_text(self.told, json.dumps(self.losses))

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self.losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.losses = list(state["losses"])


class SaveEpochs(pl.Callback):
    """Write the checkpoint after an epoch, whole or not at all, if the last one is `every_s` seconds old.

    Epochs of a small student take a quarter of a second: writing each would cost more than what a kill
    could lose. Lightning's own ModelCheckpoint would do, but it writes in place: a kill while writing
    would leave half a file where a whole one was.
    """

    def __init__(self, path: Path, every_s: float = 0.0) -> None:
        self.path, self.every_s = path, every_s
        self.saved_at = -math.inf

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        if trainer.current_epoch + 1 >= (trainer.max_epochs or 0):
            return
        if trainer.world_size > 1:  # all processes must take part, and their clocks may disagree
            trainer.save_checkpoint(self.path)
        elif time.monotonic() - self.saved_at >= self.every_s:
            write_atomic(self.path, lambda part: trainer.save_checkpoint(part))
            self.saved_at = time.monotonic()


class EpochBar(pl.Callback):
    """One line a stage on stderr: title, epochs, loss, time left."""

    bar: Progress | None = None  # made in the process that shows it: a bar cannot be sent to another

    def __init__(self, title: str) -> None:
        self.title = title

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        if trainer.global_rank:
            return
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(
            self.title, total=trainer.max_epochs, completed=trainer.current_epoch, loss=float("nan")
        )
        self.bar.start()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        if self.bar:
            self.bar.update(self.task, advance=1, loss=module.epoch_loss())

    def on_train_end(self, trainer: pl.Trainer, module: Any) -> None:
        if self.bar:
            self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, module: Any, error: BaseException) -> None:
        if self.bar:
            self.bar.stop()
