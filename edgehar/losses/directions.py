"""Directions: rows brought to length 1, with no gradient where there is no direction."""

from __future__ import annotations

import torch
from torch import Tensor

SHORTEST = (
    1e-12  # torch.nn.functional.normalize divides by this instead, so a row of zeros gets a gradient of 1e12
)


def unit(rows: Tensor) -> Tensor:
    """Rows (N, D) divided by their Euclidean lengths; a row no longer than `SHORTEST` becomes 0 and has
    no gradient."""
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    long = lengths > SHORTEST
    return (rows / lengths.where(long, 1)).where(long, 0)
