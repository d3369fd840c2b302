"""Quantisation-aware training: a few epochs in which the student feels int8, taught by itself in float.

What an operator gives is rounded to 256 steps of its own range, weights to 255 steps a channel, and the
gradient passes straight through (Jacob et al., CVPR 2018). The rounding sits in a mode around the
forward pass, so that any network takes part as it is written, and what is exported afterwards is the
plain network with better weights. The loss is the divergence of its scores from the float student's on
the training windows; labels take no part, nor does any test window.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from export.convert import without_norms
from export.quantize import float_parts

EPOCHS, BATCH, RATE = 12, 32, 3e-4
REFRESH = 3  # epochs after which ranges are measured again
_WEIGHTED = {"conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "linear"}
_MADE = _WEIGHTED | {
    "relu", "relu_", "hardtanh", "relu6", "sigmoid", "tanh", "hardswish", "gelu", "silu", "leaky_relu",
    "add", "__add__", "__radd__", "__iadd__", "sub", "__sub__", "__rsub__", "mul", "__mul__", "__rmul__",
    "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean", "cat", "matmul",
    "__matmul__", "bmm", "softmax", "layer_norm",
}  # fmt: skip
_FUSED = {"relu", "relu_", "relu6", "hardtanh"}  # takes the place of what it is applied to

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """How the student is fine-tuned; seeded."""

    epochs: int = EPOCHS
    batch: int = BATCH
    rate: float = RATE
    seed: int = 0


def fine_tune(
    student: nn.Module, windows: np.ndarray, recipe: Recipe = Recipe(), progress: Progress | None = None
) -> nn.Module:
    """A copy of the student, batch norms folded, whose scores survive int8; windows (N, T, C) float32.

    `float_parts`, and what lies before them, are not rounded. Equal weights for equal input on one machine.
    `progress(done, total)` after each epoch.
    """
    tuned = without_norms(student, *windows.shape[1:])
    values = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32))
    with torch.no_grad():
        wanted = torch.cat([student(part).logits for part in values.split(64)]).log_softmax(1)
    optimiser = torch.optim.Adam((p for p in tuned.parameters() if p.requires_grad), recipe.rate)
    random = torch.Generator().manual_seed(recipe.seed)
    rounding = Rounding(tuned)
    with rounding.attached():
        for epoch in range(recipe.epochs):
            if epoch % REFRESH == 0:
                rounding.measure(values)
            for rows in torch.randperm(len(values), generator=random).split(recipe.batch):
                optimiser.zero_grad()
                with rounding:
                    said = tuned(values[rows]).logits
                F.kl_div(said.log_softmax(1), wanted[rows], log_target=True, reduction="batchmean").backward()
                optimiser.step()
            if progress:
                progress(epoch + 1, recipe.epochs)
    return copy.deepcopy(tuned).eval()


class Rounding(TorchFunctionMode):
    """Inside `with rounding:`, a network computes as if it were int8, on ranges measured before.

    Calls are told apart by their order, which is the same for every batch.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.parts = float_parts(network)
        self.ranges: list[tuple[float, float]] = []
        self.fused: set[int] = set()
        self.measuring = False
        self._restart()

    def _restart(self) -> None:
        self.call = 0
        self.waiting = bool(self.parts)  # until the last float part has spoken
        self.inside = 0
        self.made: dict[int, tuple[int, Tensor]] = {}  # id of what a call gave -> call, and it, kept alive

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While this holds, the network tells the mode when a forward pass and a float part begin and end."""
        hooks = [self.network.register_forward_pre_hook(self._begin, with_kwargs=False)]
        for part in self.parts:
            module = self.network.get_submodule(part)
            hooks.append(module.register_forward_pre_hook(self._enter))
            hooks.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def measure(self, windows: Tensor) -> None:
        """Takes the extremes of everything that is made, over windows (N, T, C), without rounding any."""
        self.ranges, self.fused, self.measuring = [], set(), True
        with torch.no_grad(), self:
            for part in windows.split(64):
                self.network(part)
        self.measuring = False
        self._restart()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if self.waiting or self.inside or name not in _MADE:
            return func(*args, **(kwargs or {}))
        if name in _WEIGHTED and not self.measuring:
            args = (args[0], _round_weights(args[1]), *args[2:])
        given = func(*args, **(kwargs or {}))
        return self._give(name, args, given) if isinstance(given, Tensor) else given

    def _give(self, name: str, args: tuple[Any, ...], given: Tensor) -> Tensor:
        call, self.call = self.call, self.call + 1
        if self.measuring:
            if name in _FUSED and id(args[0]) in self.made:
                self.fused.add(self.made[id(args[0])][0])
            self.made[id(given)] = (call, given)
            self._note(call, given)
            return given
        return given if call in self.fused else _round(given, *self.ranges[call])

    def _note(self, call: int, given: Tensor) -> None:
        found = given.min().item(), given.max().item()
        if call == len(self.ranges):
            self.ranges.append(found)
        low, high = self.ranges[call]
        self.ranges[call] = min(low, found[0]), max(high, found[1])

    def _begin(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        self._restart()
        if self.parts:
            return None
        return (self._give("input", args, args[0]), *args[1:]) if self._active() else None

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.inside += 1

    def _leave(self, module: nn.Module, args: tuple[Any, ...], given: Any) -> Any:
        self.inside -= 1
        self.waiting = False
        return self._give("part", (), given) if self._active() and isinstance(given, Tensor) else None

    def _active(self) -> bool:
        """Whether the mode is entered: hooks also run on calls outside of it."""
        return any(mode is self for mode in torch.overrides._get_current_function_mode_stack())


def _round(values: Tensor, low: float, high: float) -> Tensor:
    """Values on 256 steps that span [low, high] and hold 0 exactly, as the quantiser lays them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / 255, 1e-12)
    zero = int(np.clip(round(-128 - low / scale), -128, 127))
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, -128, 127)


def _round_weights(weights: Tensor) -> Tensor:
    """Weights on 255 symmetric steps, each first index (output channel) with its own largest."""
    largest = weights.detach().abs().flatten(1).amax(1).clamp(min=1e-12)
    zeros = torch.zeros(len(weights), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weights, largest / 127, zeros, 0, -127, 127)
