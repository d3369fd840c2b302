"""Losses are computed in float32 at least, whatever the networks ran in."""

from __future__ import annotations

import torch
from torch import Tensor


def widen(values: Tensor) -> Tensor:
    """The same values in float32 if they came in half precision; float32 and float64 stay as they are.

    A softmax in bfloat16 has three digits, and a sum over all triples of a batch has none.
    """
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
