"""Gramian angular fields: a window of samples as a picture that keeps their order in time.

Wang and Oates, Encoding Time Series as Images, AAAI workshop 2015; VSKD section 3.1. Each axis of a
window is brought to [-1, 1] by its own minimum and maximum, read as a cosine cos(a_i), and pictured as
cos(a_i + a_j) ("summation") or sin(a_i - a_j) ("difference"). By the addition theorems that is a
product of two rank-2 matrices, with no arccos, so it exports. sin(a) is taken from the distances to both
extremes, 2 sqrt(u v), and not from 1 - cos(a)^2, which loses half the digits where the cosine is near 1.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

Kind = Literal["summation", "difference"]

# A smaller span between the extremes divides as if it were this: a constant axis gives 0 / FLAT = 0.
FLAT = 1e-6
# Pixels filled at a time: 1 MiB of float32 is still in a core's second-level cache at the second pass.
PIXELS = 1 << 18


def gaf(x: Tensor, kind: Kind = "summation", out: Tensor | None = None) -> Tensor:
    """Pictures (N, C, T, T) of windows x (N, T, C) in any unit, each axis by itself; values in [-1, 1].

    Equal to pyts.image.GramianAngularField but for rounding, except that a constant axis gives 0.
    A NaN stays in its own window and axis. A kept `out` of the pictures' shape and dtype is filled and
    returned: without one, most of the time goes into asking the system for memory. The pictures are
    data: no gradient flows to x. Raises ValueError for another kind, shape or dtype.
    """
    _check(x, kind)
    axes = x.detach().transpose(1, 2).flatten(0, 1)  # (N * C, T)
    shape = (x.shape[0], x.shape[2], x.shape[1], x.shape[1])
    if out is None:
        out = torch.empty(shape, dtype=x.dtype, device=x.device)
    elif out.shape != shape or out.dtype != x.dtype or not out.is_contiguous():
        raise ValueError(
            f"out is {out.dtype} {tuple(out.shape)}; for these windows give a contiguous {x.dtype} {shape}."
        )
    _fill(out.flatten(0, 1), *_polar(axes, dim=1), kind)
    return out


class GramianAngularField(nn.Module):
    """The same picture as a layer inside a student: windows (N, window, C) -> pictures (N, C, size, size).

    The window is first averaged into `size` equal pieces. It uses only operators that TFLite and ONNX
    have built in, and has no weights. Keep it in float when the rest is quantised: int8 ruins it.
    Raises ValueError for another kind, or a window that cannot be cut into `size` equal pieces.
    """

    def __init__(self, window: int, size: int, kind: Kind = "summation") -> None:
        super().__init__()
        _check_kind(kind)
        if size < 1 or window % size:
            raise ValueError(f"a window of {window} samples cannot be averaged into {size} equal pieces.")
        self.window, self.size, self.kind = window, size, kind

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, size, size) of windows x (N, window, C); no gradient flows to x."""
        x = x.detach()
        if self.size != self.window:
            x = x.unflatten(1, (self.size, self.window // self.size)).mean(2)
        cosine, sine = _polar(x, dim=1)  # (N, size, C)
        left, right = (cosine, sine) if self.kind == "summation" else (sine, cosine)
        picture = left.unsqueeze(2) * cosine.unsqueeze(1) - right.unsqueeze(2) * sine.unsqueeze(1)
        return picture.permute(0, 3, 1, 2)  # made channels-last, so that TFLite needs no transpose


def _polar(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each sample's angle, shaped as x, whose time is `dim`; 0 on a constant axis."""
    low, high = x.amin(dim, keepdim=True), x.amax(dim, keepdim=True)
    span = (high - low).clamp(min=FLAT)
    above, below = (x - low) / span, (high - x) / span  # their sum is 1
    return above - below, 2 * (above * below).sqrt()


def _fill(pictures: Tensor, cosine: Tensor, sine: Tensor, kind: Kind) -> None:
    """Write the (P, T, T) pictures of P axes with cosines and sines (P, T), some axes at a time on a CPU."""
    left, right = (cosine, sine) if kind == "summation" else (sine, cosine)
    factors = (left.unsqueeze(2), cosine.unsqueeze(1), right.unsqueeze(2), sine.unsqueeze(1))
    samples = cosine.shape[1]
    axes = max(1, PIXELS // samples**2 if pictures.is_cpu else len(pictures))
    parts = zip(*(each.split(axes) for each in (pictures, *factors)), strict=True)
    for picture, a, b, c, d in parts:
        torch.mul(a, b, out=picture)
        picture.addcmul_(c, d, value=-1)


def _check(x: Tensor, kind: Kind) -> None:
    _check_kind(kind)
    if x.ndim != 3 or not x.is_floating_point():
        raise ValueError(f"windows are {x.dtype} {tuple(x.shape)}; give floats of shape (N, T, C).")


def _check_kind(kind: Kind) -> None:
    if kind not in get_args(Kind):
        raise ValueError(f"no Gramian angular field called '{kind}'; give {' or '.join(get_args(Kind))}.")
