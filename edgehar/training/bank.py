"""The bank of views: what frozen teachers say of a fixed number of warped views of each training clip."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Generator

from edgehar.cache import cache_dir, write_atomic
from edgehar.data.prepare import Progress, silent
from edgehar.models.network import Network
from edgehar.models.output import Output
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
) -> Output:
    """What a teacher says of each view of each clip: logits (V, N, classes), embedding (V, N, D) and, of the
    maps `middle` and `last`, time courses (V, N, C, T).

    Kept in the cache as `kept_as`, which must name all that made them.
    """
    path = cache_dir() / "banks" / f"{kept_as}.safetensors"
    if (kept := _load(path)) is not None:
        return kept
    said = [ask(teacher, clips, view, courses=True) for view in progress(warps, title, len(warps))]
    views = [output.parts() for output in said]
    parts = {name: torch.stack([view[name] for view in views]) for name in views[0]}
    from safetensors.torch import save

    write_atomic(path, lambda part: part.write_bytes(save(parts)))
    return _output(parts)


def _output(parts: dict[str, torch.Tensor]) -> Output:
    maps = {name: parts[name] for name in ("middle", "last")}
    return Output(parts["logits"], parts["embedding"], maps)


def _load(path: Path) -> Output | None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return _output(load_file(path))
    except (FileNotFoundError, SafetensorError, KeyError):
        return None
