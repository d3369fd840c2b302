"""One stage of a run: a network trained to its last epoch, checkpointed after each, resumable."""

from __future__ import annotations

import json
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from edgehar.errors import InputError
from edgehar.registry import check
from edgehar.training.batches import Batches
from edgehar.training.modules import Fit

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from edgehar.training.together import Turns


@dataclass(frozen=True)
class Machine:
    """Where to train: Lightning's accelerator; devices (on a CPU: processes) of each machine, and machines,
    that train one network together; whether to show a bar; and how many seconds of work a kill may lose
    beside the epoch that it breaks off."""

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    progress: bool = True
    save_every_s: float = 1.0

    @property
    def ranks(self) -> int:
        """How many processes train one network together."""
        return self.devices * self.nodes

    @property
    def device(self) -> str:
        """Where a trained network is asked."""
        return "cuda" if self.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def train(
    module: Fit, batches: Batches | Turns, checkpoint: Path, machine: Machine, title: str
) -> list[float]:
    """Train to the recipe's last epoch and return the mean loss of each epoch since the first.

    `checkpoint` is written after epochs (see Machine); if it is there, training goes on from it, with
    optimiser, schedule, random state and data order as they were. The caller deletes it when the stage is
    kept.
    Raises InputError if the checkpoint is damaged.
    """
    import lightning.pytorch as pl

    from edgehar.training.callbacks import EpochBar, Follow, SaveEpochs
    from edgehar.training.checkpoint import PackedCheckpoint
    from edgehar.training.profiler import Untimed

    if machine.ranks != batches.ranks:
        raise ValueError(f"batches for {batches.ranks} processes, and {machine.ranks} train.")
    told = checkpoint.with_suffix(".losses")
    follow = Follow(batches, told if machine.ranks > 1 else None)
    callbacks: list[pl.Callback] = [follow]
    if machine.nodes == 1:  # only the first of several machines could write one, and all would need it
        callbacks.append(SaveEpochs(checkpoint, machine.save_every_s))
    if machine.progress:
        callbacks.append(EpochBar(title))
    quiet()
    trainer = pl.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=_strategy(machine),
        precision=precision(module.recipe.precision, machine.accelerator),
        max_epochs=module.recipe.epochs,
        callbacks=callbacks,
        plugins=[PackedCheckpoint()],
        profiler=Untimed(),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        limit_val_batches=0,
    )
    module.train()  # whoever asked the network before left it in eval mode, and Lightning keeps what it finds
    with _interruptible(trainer):
        trainer.fit(module, batches, ckpt_path=_whole(checkpoint), weights_only=True)
    module.eval()
    if machine.ranks == 1:
        return follow.losses
    losses = json.loads(told.read_text("utf-8"))  # of processes that have ended
    told.unlink()
    return losses


def _strategy(machine: Machine) -> Any:
    """One process as it is; several by torch's distributed data parallel (gloo on CPUs, nccl on GPUs), begun
    for this stage alone, so that all else of a run stays in one process."""
    if machine.ranks == 1:
        return "auto"
    from lightning.pytorch.strategies import DDPStrategy

    # A loss whose weight is 0 leaves its adapters without a gradient.
    return DDPStrategy(start_method="spawn", find_unused_parameters=True)


def _whole(checkpoint: Path) -> Path | None:
    """The checkpoint if there is one. Raises InputError if it is damaged, or of another version's making."""
    from edgehar.training.checkpoint import PackedCheckpoint

    if not checkpoint.exists():
        return None
    try:
        PackedCheckpoint().load_checkpoint(checkpoint)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise InputError(
            f"{checkpoint} is damaged: remove it and resume again; this stage then starts anew."
        ) from error
    return checkpoint


@contextmanager
def _interruptible(trainer: pl.Trainer) -> Iterator[None]:
    """Ctrl-C stays KeyboardInterrupt: Lightning turns it into an exit, and SIGINT off for good."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


def precision(wanted: str, accelerator: str) -> Any:
    """Lightning's precision for a recipe's: `auto` is bf16-mixed where the hardware multiplies bf16."""
    if wanted != "auto":
        return wanted
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def check_accelerator(name: str) -> str:
    """`name` if training can run there. Raises InputError for an unknown name or a missing GPU."""
    check("accelerator", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("No CUDA device is here (or torch is a CPU build): use --accelerator auto.")
    return name


def quiet() -> None:
    """Lightning's advice on loaders and loggers does not concern a user of ours."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*weights_only.*")
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides.*")
