"""What happens around an epoch: the data follows it, the checkpoint is written, the bar moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgehar.cache import write_atomic
from edgehar.training.batches import Batches


class Follow(pl.Callback):
    """Tell the batches which epoch and which process they serve; collect the epochs' losses."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches
        self.losses: list[float] = []

    def setup(self, trainer: pl.Trainer, module: Any, stage: str) -> None:
        self.batches.rank, self.batches.ranks = trainer.global_rank, trainer.world_size

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.batches.epoch = trainer.current_epoch

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        self.losses.append(module.epoch_loss())

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self.losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.losses = list(state["losses"])


class SaveEachEpoch(pl.Callback):
    """Write the checkpoint after every epoch, whole or not at all.

    Lightning's own ModelCheckpoint would do, but it writes in place: a kill while writing would leave
    half a file where a whole one was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        if trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            if trainer.world_size == 1:
                write_atomic(self.path, lambda part: trainer.save_checkpoint(part))
            else:
                trainer.save_checkpoint(self.path)


class EpochBar(pl.Callback):
    """One line a stage on stderr: title, epochs, loss, time left."""

    def __init__(self, title: str) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.title = title

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.task = self.bar.add_task(
            self.title, total=trainer.max_epochs, completed=trainer.current_epoch, loss=float("nan")
        )
        self.bar.start()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        self.bar.update(self.task, advance=1, loss=module.epoch_loss())

    def on_train_end(self, trainer: pl.Trainer, module: Any) -> None:
        self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, module: Any, error: BaseException) -> None:
        self.bar.stop()
