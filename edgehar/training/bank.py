"""The bank of views: what frozen teachers say of a fixed number of warped views of each training clip."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Generator

from edgehar.cache import cache_dir, write_atomic
from edgehar.data.prepare import Progress, silent
from edgehar.models.network import Network
from edgehar.networks import ask
from edgehar.signals.augment import draw_warps
from edgehar.training.batches import Clips
from edgehar.training.recipe import Recipe


def view_warps(clips: int, views: int, recipe: Recipe, seed: int) -> torch.Tensor:
    """The time maps (V, N, KNOTS) of the bank, drawn from the seed alone."""
    generator = Generator().manual_seed(seed)
    drawn = draw_warps(views * clips, recipe.warp, recipe.trim, generator)
    return drawn.reshape(views, clips, -1)


def ask_views(
    teacher: Network,
    clips: Clips,
    warps: torch.Tensor,
    kept_as: str,
    title: str,
    progress: Progress = silent,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A teacher's logits (V, N, classes) and embedding (V, N, D) on each view of each clip.

    Kept in the cache as `kept_as`, which must name all that made them.
    """
    path = cache_dir() / "banks" / f"{kept_as}.safetensors"
    if (kept := _load(path)) is not None:
        return kept
    said = [ask(teacher, clips, view) for view in progress(warps, title, len(warps))]
    logits = torch.stack([output.logits for output in said])
    embedding = torch.stack([output.embedding for output in said])
    from safetensors.torch import save

    write_atomic(path, lambda part: part.write_bytes(save({"logits": logits, "embedding": embedding})))
    return logits, embedding


def _load(path: Path) -> tuple[torch.Tensor, torch.Tensor] | None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        kept = load_file(path)
        return kept["logits"], kept["embedding"]
    except (FileNotFoundError, SafetensorError, KeyError):
        return None
