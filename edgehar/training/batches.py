"""Paired batches: row i of every modality, of the label and of every teacher's Output is one clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from edgehar.data.clip import modality_of
from edgehar.models.output import Output
from edgehar.signals import augment
from edgehar.training.recipe import Recipe
from edgehar.training.rows import LARGE, select

VIDEO = ("depth", "rgb")


@dataclass(frozen=True)
class Clips:
    """Prepared clips of one part of a split: arrays (N, ...) by stream, labels and subjects (N,).

    of (N,): where a row is a window, the number of its clip, in order; None where a row is a whole clip.
    """

    arrays: Mapping[str, np.ndarray]
    labels: np.ndarray
    subjects: np.ndarray
    classes: int
    of: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def clips(self) -> int:
        """How many clips the rows are of."""
        return len(self) if self.of is None else len(np.unique(self.of))

    def only(self, keep: np.ndarray | slice) -> Clips:
        """The rows where `keep` (N,) is true, or those of a slice."""
        arrays = {name: select(values, keep) for name, values in self.arrays.items()}
        of = None if self.of is None else self.of[keep]
        return Clips(arrays, self.labels[keep], self.subjects[keep], self.classes, of)

    def streams(self, names: Sequence[str]) -> Clips:
        """The same clips with the named streams alone."""
        return replace(self, arrays={name: self.arrays[name] for name in names})


@dataclass(frozen=True)
class Bank:
    """What frozen teachers said of a fixed bank of views of each training clip.

    warps: (V, N, KNOTS), the time maps of the views. outputs: for each teacher logits (V, N, classes),
    embedding (V, N, D) and maps as time courses (V, N, C, T). A student that looks at view v is warped in
    time by warps[v] too, so both see the same clip; the teacher has run V times per clip, not once per
    epoch. pooled: the mean over the views answers for the clip instead, and the student's time is bent
    afresh in every epoch, as the baseline's is.
    """

    warps: Tensor
    outputs: tuple[Output, ...]
    pooled: bool = False

    def heard(self, views: Tensor, rows: Tensor) -> tuple[dict[str, Tensor], ...]:
        """What each teacher said of clips `rows` (B,), by part: of the views (B,), or pooled their mean."""
        if not self.pooled:
            return tuple({n: p[views, rows] for n, p in o.parts().items()} for o in self.outputs)
        return tuple(
            {n: p[:, rows].mean(0) for n, p in o.parts().items()} if mean is None else _rows_of(mean, rows)
            for o, mean in zip(self.outputs, self._means, strict=True)
        )

    @cached_property
    def _means(self) -> tuple[dict[str, Tensor] | None, ...]:
        """Of each teacher the mean over the views; None where that is too much for memory."""
        said = [output.parts() for output in self.outputs]
        sizes = [sum(part[0].numel() * part.element_size() for part in parts.values()) for parts in said]
        return tuple(
            {name: part.mean(0) for name, part in parts.items()} if size <= LARGE else None
            for parts, size in zip(said, sizes, strict=True)
        )

    def glimpse(self) -> list[Output]:
        """What each teacher said of the first view's first two clips: enough to see its shapes."""
        return [Output.of({n: part[0, :2] for n, part in o.parts().items()}) for o in self.outputs]


def _rows_of(parts: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    return {name: part[rows] for name, part in parts.items()}


class Batches:
    """Iterate over an epoch's batches; what is drawn depends on seed and epoch alone, so that training
    resumed after any whole epoch goes on exactly as if it had never stopped.

    Each batch is a dict: `labels` (B, classes) probabilities, one tensor a modality, and with a bank
    `teachers`, a tuple of dicts: what each teacher said, by part (see `teachers_said`).
    """

    def __init__(
        self, clips: Clips, recipe: Recipe, seed: int, bank: Bank | None = None, ranks: int = 1
    ) -> None:
        self.clips, self.recipe, self.seed, self.bank = clips, recipe, seed, bank
        self.labels = F.one_hot(torch.from_numpy(clips.labels).long(), clips.classes).float()
        self.epoch = 0
        self.rank, self.ranks = 0, ranks

    def __len__(self) -> int:
        return max(1, len(self.clips) // self.recipe.batch // self.ranks)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        generator = Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.clips), generator=generator)
        rows = order.tensor_split(len(self) * self.ranks)
        for number, chosen in enumerate(rows):
            batch = self._draw(chosen, generator)
            if number % self.ranks == self.rank:
                yield batch

    def _draw(self, rows: Tensor, generator: Generator) -> dict[str, Any]:
        recipe, count = self.recipe, len(rows)
        warps = augment.draw_warps(count, recipe.warp, recipe.trim, generator)
        batch: dict[str, Any] = {"labels": self.labels[rows]}
        if self.bank is not None:
            views = torch.randint(len(self.bank.warps), (count,), generator=generator)
            warps = warps if self.bank.pooled else self.bank.warps[views, rows]
            batch["teachers"] = self.bank.heard(views, rows)
        for name, values in self.clips.arrays.items():
            drawn = torch.from_numpy(values[rows.numpy()])
            batch[name] = augmented(name, drawn, warps, recipe, generator)
        return mixed(batch, recipe.mixup, generator) if recipe.mixup else batch


def augmented(name: str, values: Tensor, warps: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    """One stream of a batch, warped in time, and disturbed as its own sensor may be."""
    modality = modality_of(name)
    if modality in VIDEO:
        return augment.warp_video(values, warps, shift=recipe.shift, zoom=recipe.zoom, generator=generator)
    values = augment.warp_motion(values, warps)
    if modality == "acc":
        values = augment.rotate(values, recipe.rotation, generator)
        values = augment.scale_and_jitter(values, recipe.scale, recipe.noise, generator)
    if modality == "skeleton":
        values = augment.turn_body(values, recipe.turn, generator)
        values = augment.stretch_body(values, recipe.stretch, recipe.joint_noise, generator)
    return values


def mixed(batch: dict[str, Any], alpha: float, generator: Generator) -> dict[str, Any]:
    """Mixup of a whole batch: modalities, labels and what the teachers said, with the same weights."""
    count = len(batch["labels"])
    partners = torch.randperm(count, generator=generator)
    weights = torch.from_numpy(
        np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator))).beta(alpha, alpha, count)
    ).float()
    result: dict[str, Any] = {
        n: augment.mix(v, partners, weights) for n, v in batch.items() if n != "teachers"
    }
    if "teachers" in batch:
        result["teachers"] = tuple(
            {name: augment.mix(part, partners, weights) for name, part in said.items()}
            for said in batch["teachers"]
        )
    return result


def teachers_said(batch: Mapping[str, Any]) -> tuple[Output, ...]:
    """The teachers' Outputs of a batch."""
    return tuple(map(Output.of, batch["teachers"]))
