"""How a checkpoint is filed: fast enough to be written after every epoch.

A network and its optimiser are hundreds of tensors, most of them small, and torch.save takes longer to
file them one by one than to write what they hold. Here they lie end to end, one tensor a dtype, and where
each of them stood, its place is noted; the bits are the same. An epoch of a small student takes a quarter
of a second, and filing each tensor on its own was a fiftieth of it.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor

PLACE = "edgehar:tensor "  # what a place begins with; then follow dtype, first element and shape


class PackedCheckpoint(CheckpointIO):
    """Lightning's way to a checkpoint file, for a Trainer's `plugins`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes the file in place; whoever needs it whole or not at all writes a neighbour first.

        Python writes it, because torch's writer hides from its RuntimeError that a disk is full.
        """
        whole = io.BytesIO()
        torch.save(pack(checkpoint), whole)
        Path(path).write_bytes(whole.getbuffer())

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """The checkpoint of a file; nothing in it is run where `weights_only` holds."""
        return unpack(torch.load(path, map_location=map_location, weights_only=weights_only))

    def remove_checkpoint(self, path: Any) -> None:
        """Removes the file, if it is there."""
        Path(path).unlink(missing_ok=True)


def pack(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """{"tree", "flat"}: the checkpoint with a place for each tensor, and by dtype the tensors end to end."""
    found: dict[str, list[Tensor]] = defaultdict(list)
    filled: dict[str, int] = defaultdict(int)

    def put(node: Any) -> Any:
        if not isinstance(node, Tensor):
            return _with_items(node, put)
        dtype = str(node.dtype).removeprefix("torch.")
        place = f"{PLACE}{dtype} {filled[dtype]} {' '.join(map(str, node.shape))}"
        found[dtype].append(node.detach().cpu().reshape(-1))
        filled[dtype] += node.numel()
        return place

    tree = put(checkpoint)
    return {"tree": tree, "flat": {dtype: torch.cat(parts) for dtype, parts in found.items()}}


def unpack(packed: Mapping[str, Any]) -> dict[str, Any]:
    """The checkpoint that `pack` was given, bit for bit, each tensor with memory of its own."""

    def take(node: Any) -> Any:
        if not (isinstance(node, str) and node.startswith(PLACE)):
            return _with_items(node, take)
        dtype, *numbers = node.removeprefix(PLACE).split()
        start, *shape = map(int, numbers)
        return packed["flat"][dtype][start : start + prod(shape)].clone().reshape(shape)

    return take(packed["tree"])


def _with_items(node: Any, change: Callable[[Any], Any]) -> Any:
    """A container with its items changed; anything else as it is."""
    if isinstance(node, dict):
        made: Any = type(node)((key, change(value)) for key, value in node.items())
        if hasattr(node, "_metadata"):  # the versions in a state_dict, which torch asks for when it loads
            made._metadata = node._metadata
        return made
    return type(node)(change(item) for item in node) if type(node) in (list, tuple) else node
