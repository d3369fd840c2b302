"""The two Lightning modules: one network alone, and a student that listens to teachers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.network import Network
from edgehar.models.output import Output
from edgehar.training.adapters import adapt
from edgehar.training.batches import teachers_said
from edgehar.training.recipe import Recipe

CLIP_NORM = 5.0  # of the gradient
Lesson = Callable[..., Tensor]  # a loss of edgehar.losses with its weights


class Fit(pl.LightningModule):
    """Train one network with cross-entropy: a teacher, or the baseline."""

    def __init__(self, network: Network, recipe: Recipe, steps_per_epoch: int) -> None:
        super().__init__()
        self.network, self.recipe, self.steps_per_epoch = network, recipe, steps_per_epoch
        self.losses: list[Tensor] = []

    def __setattr__(self, name: str, value: Any) -> None:
        """Lightning notes which hook runs, some fifty times a step, and torch would ask each time whether
        that is a parameter."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, batch: dict[str, Any]) -> Output:
        return self.network(*(batch[name] for name in self.network.streams))

    def loss(self, batch: dict[str, Any]) -> Tensor:
        """The training loss of one batch, shape ()."""
        opinions = self.network.opinions(*(batch[name] for name in self.network.streams))
        wrong = [
            F.cross_entropy(logits.float(), batch["labels"], label_smoothing=self.recipe.label_smoothing)
            for logits in opinions
        ]
        return torch.stack(wrong).sum()

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor | None:
        self.zero_grad()
        loss = self.loss(batch)
        self.losses.append(loss.detach())
        return loss

    # Lightning asks at every step what training_step takes; so it is not worked out each time.
    training_step.__signature__ = inspect.signature(training_step)  # type: ignore[attr-defined]

    def on_train_epoch_start(self) -> None:
        """Dropout's random state is a function of seed and epoch too: see Batches."""
        batches: Any = self.trainer.train_dataloader
        seed = batches.seed * 1_000_003 + self.current_epoch
        # torch.manual_seed would also note, with a stack trace, what a GPU that is not in use should draw.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        self.losses.clear()

    def optimizer_zero_grad(self, *_: Any) -> None:
        """Done by training_step: Lightning's place, after the forward pass, keeps the last step's gradients
        in memory (and out of the cache the activations) for as long."""

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Here, and not by the Trainer's setting, whose way to the same call is longer than the call."""
        torch.nn.utils.clip_grad_norm_(self.parameters(), CLIP_NORM)

    def epoch_loss(self) -> float:
        """The mean training loss of the epoch so far."""
        return float(torch.stack(self.losses).mean())

    def configure_optimizers(self) -> Any:
        decay = [p for p in self.parameters() if p.dim() > 1]
        plain = [p for p in self.parameters() if p.dim() <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decay, "weight_decay": self.recipe.weight_decay},
            {"params": plain},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.recipe.lr, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.recipe.lr, epochs=self.recipe.epochs, steps_per_epoch=self.steps_per_epoch
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Distil(Fit):
    """Train a student with a distillation loss on what frozen teachers said of the same views.

    adapters: what the loss asks for (see training.adapters); optimised and checkpointed with the student,
    never exported.
    """

    def __init__(
        self, network: Network, recipe: Recipe, steps_per_epoch: int, lesson: Lesson, adapters: nn.ModuleDict
    ) -> None:
        super().__init__(network, recipe, steps_per_epoch)
        self.lesson, self.adapters = lesson, adapters

    def loss(self, batch: dict[str, Any]) -> Tensor:
        said = self(batch)
        return self.lesson(said, teachers_said(batch), batch["labels"], **adapt(self.adapters, said))
