"""Adaptive graph convolutions over joints, plain ones over time: the blocks of 2s-AGCN.

Shi et al., "Two-stream adaptive graph convolutional networks for skeleton-based action recognition", CVPR
2019. A clip is (N, V, T, C), channels last: joints then meet in one matrix product a clip, and channels in
one for all clips, without a copy between.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AdaptiveGraphConvolution(nn.Module):
    """f_out = sum_k (A_k + B_k + C_k) f W_k over the three ways k of `graphs.WAYS` (2s-AGCN eq. 3).

    x (N, V, T, C) to (N, V, T, width_out). A is the skeleton's, (3, V, V); B is learned, 0 at first; C is
    the clip's own, eq. 4 and 5: how alike two joints' embeddings over time are, a softmax over the joints
    heard. Likeness is divided by the count of what was added up, as the authors' code does and the paper
    does not, so that it does not grow with T. A column w of A + B + C weighs what joint w hears.
    """

    skeletal: Tensor

    def __init__(self, width_in: int, width_out: int, adjacency: Tensor) -> None:
        super().__init__()
        ways, embedding = len(adjacency), max(1, width_out // 4)
        self.register_buffer("skeletal", adjacency, persistent=False)
        self.learned = nn.Parameter(torch.zeros_like(adjacency))
        self.hearing = nn.Linear(width_in, ways * embedding)
        # A bias here would add the same to every joint heard, and the softmax would take it away again.
        self.heard = nn.Linear(width_in, ways * embedding, bias=False)
        self.weight = nn.Parameter(torch.randn(ways, width_in, width_out) * (2 / (ways * width_out)) ** 0.5)

    def graph(self, x: Tensor) -> Tensor:
        """A + B + C of each clip, (N, 3, V, V), of x (N, V, T, C)."""
        ways = len(self.learned)

        def by_way(said: Tensor) -> Tensor:  # (N, V, T, 3 E) -> (N, 3, V, T E)
            return said.unflatten(3, (ways, -1)).permute(0, 3, 1, 2, 4).flatten(3)

        heard, hearing = by_way(self.heard(x)), by_way(self.hearing(x))
        alike = heard @ hearing.transpose(2, 3) / heard.shape[3]
        return self.skeletal + self.learned + alike.softmax(2)

    def forward(self, x: Tensor) -> Tensor:
        shares = self.graph(x).transpose(2, 3)
        rows = x.flatten(2)  # (N, V, T C)
        out = None
        for share, weight in zip(shares.unbind(1), self.weight, strict=True):
            heard = (share @ rows).view(-1, x.shape[3]) @ weight  # (N V T, C) -> (N V T, width_out)
            out = heard if out is None else out + heard
        assert out is not None
        return out.view(*x.shape[:3], -1)


class Norm(nn.BatchNorm1d):
    """Batch norm of the last axis of (..., C)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, -2)).view(x.shape)


class Temporal(nn.Module):
    """A convolution over time alone and batch norm: (N, V, T, C) to (N, V, ceil(T / stride), width_out)."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int) -> None:
        super().__init__()
        padding = (0, (kernel - 1) // 2)
        self.conv = nn.Conv2d(width_in, width_out, (1, kernel), (1, stride), padding, bias=False)
        self.norm = Norm(width_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.permute(0, 3, 1, 2))  # (N, C, V, T), in memory still channels last
        return self.norm(x.permute(0, 2, 3, 1).contiguous())


class Block(nn.Module):
    """Adaptive graph convolution, then one over time, each with batch norm, a way past it, and ReLU.

    x (N, V, T, width_in) to (N, V, ceil(T / stride), width_out). The first block of a network has no way
    past the whole, as 2s-AGCN has it.
    """

    def __init__(
        self, width_in: int, width_out: int, stride: int, kernel: int, adjacency: Tensor, *, first: bool
    ) -> None:
        super().__init__()
        self.space = AdaptiveGraphConvolution(width_in, width_out, adjacency)
        self.norm = Norm(width_out)
        nn.init.constant_(self.norm.weight, 1e-6)  # as the authors do: joints mix as far as that helps
        self.past_space = nn.Sequential()
        if width_in != width_out:
            self.past_space = nn.Sequential(nn.Linear(width_in, width_out, bias=False), Norm(width_out))
        self.time = Temporal(width_out, width_out, kernel, stride)
        self.past: nn.Module | None = None if first else nn.Sequential()
        if not first and (width_in != width_out or stride > 1):
            self.past = Temporal(width_in, width_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.space(x)) + self.past_space(x))
        y = self.time(y)
        return F.relu(y if self.past is None else y + self.past(x))
