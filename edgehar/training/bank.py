"""The bank of views: what frozen teachers say of a fixed number of warped views of each training clip.

A record a view and clip, in one `.npy` file of the cache. A large bank stays there: 36,000 clips in eight
views are gigabytes of inner maps, of which a batch needs some rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
from edgehar.training.rows import LARGE

PIECE = 256  # clips that are asked about at once; whole batches of `ask`


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
    large: int = LARGE,
) -> Output:
    """What a teacher says of each view of each clip: logits (V, N, classes), embedding (V, N, D) and, of the
    maps `middle` and `last`, time courses (V, N, C, T).

    Kept in the cache as `kept_as`, which must name all that made them. Where they are more than `large` bytes
    the tensors are mapped from there: an index reads what it names.
    """
    path = cache_dir() / "banks" / f"{kept_as}.npy"
    if (kept := _load(path, warps, large)) is None:
        write_atomic(path, lambda part: _fill(part, teacher, clips, warps, title, progress))
        kept = _load(path, warps, large)
        assert kept is not None, f"{path} was written and cannot be read"
    return kept


def _fill(
    part: Path, teacher: Network, clips: Clips, warps: torch.Tensor, title: str, progress: Progress
) -> None:
    """Write the records of all views; in memory is what was said of one piece of one view."""
    table: np.memmap | None = None
    for number, view in enumerate(progress(warps, title, len(warps))):
        for start in range(0, len(clips), PIECE):
            rows = slice(start, start + PIECE)
            said = ask(teacher, clips.only(rows), view[rows], courses=True).parts()
            if table is None:
                record = np.dtype([(name, "<f4", tuple(values.shape[1:])) for name, values in said.items()])
                table = np.lib.format.open_memmap(part, "w+", record, tuple(warps.shape[:2]))
            for name, values in said.items():
                table[name][number, rows] = values.numpy()
    assert table is not None, "a bank of no views"
    table.flush()


def _load(path: Path, warps: torch.Tensor, large: int) -> Output | None:
    """The bank that `path` holds; None if there is none, or a damaged one."""
    try:
        table = np.lib.format.open_memmap(path, mode="c")
        if table.shape != tuple(warps.shape[:2]):
            return None
        names = ("logits", "embedding", "middle", "last")
        views = {name: table[name] for name in names}
    except Exception:  # numpy raises half a dozen kinds for a damaged header
        return None
    if table.nbytes <= large:
        views = {name: np.ascontiguousarray(view) for name, view in views.items()}
    return Output.of({name: torch.from_numpy(view) for name, view in views.items()})
