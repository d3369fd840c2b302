"""Teachers that see a skeleton: adaptive graph convolutions over joints, plain ones over time.

Shi et al., "Two-stream adaptive graph convolutional networks for skeleton-based action recognition", CVPR
2019 (2s-AGCN), as PSKD (Ni et al., ACM MM 2022) uses it: alone on the skeleton, and on the skeleton
with the accelerometer repeated on every joint. Inside, a clip is (N, V, T, C), channels last: joints
then meet in one matrix product a clip, and channels in one for all clips, without a copy between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.errors import InputError
from edgehar.models.graphs import GRAPHS, Graph
from edgehar.models.network import Network
from edgehar.models.output import Output
from edgehar.signals.skeleton import look, resampled

# The ten blocks of 2s-AGCN, on what it looks at, for a GPU. PSKD states neither T nor fc0's width: these
# are the prepared clip's T, and the width of `acc-resnet18-gaf`, so that the two can be compared.
PAPER: dict[str, Any] = {
    "steps": 128,
    "looks": ("position",),
    "widths": (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
    "strides": (1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
    "parts": 1,
    "apart": False,
    "fc0": 512,
    "dropout": 0.0,
}


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


class Trunk(nn.Module):
    """Clips (N, V, T, channels) of one graph to Output.

    Each joint's each channel is normalised over the batch; then the blocks; then the mean over `parts`
    equal parts of the clip, and over the joints unless they are kept `apart`; fc0 with ReLU, which is the
    embedding; fc1. Maps: `block1`, ..., each (N, C, T', V). Raises ValueError unless there are as many
    strides as widths.
    """

    def __init__(
        self,
        classes: int,
        channels: int,
        graph: Graph,
        *,
        widths: tuple[int, ...] = (16, 16, 32, 32, 64, 64),
        strides: tuple[int, ...] = (1, 1, 2, 1, 2, 1),
        kernel: int = 9,
        parts: int = 2,
        apart: bool = True,
        fc0: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if len(strides) != len(widths):
            raise ValueError(f"{len(widths)} widths need as many strides, not {len(strides)}.")
        joints = len(graph.joints)
        adjacency = torch.from_numpy(graph.adjacency())
        self.norm = Norm(joints * channels)
        plan = zip((channels, *widths), widths, strides, strict=False)
        self.blocks = nn.ModuleList(
            Block(before, after, stride, kernel, adjacency, first=not number)
            for number, (before, after, stride) in enumerate(plan)
        )
        self.pool = nn.AdaptiveAvgPool2d((joints if apart else 1, parts))
        self.fc0 = nn.Linear(widths[-1] * parts * (joints if apart else 1), fc0)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(fc0, classes)

    def forward(self, x: Tensor) -> Output:
        each = self.norm(x.transpose(1, 2).flatten(2))  # (N, T, V C)
        x = each.view(len(x), x.shape[2], x.shape[1], -1).transpose(1, 2).contiguous()
        maps = {}
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            maps[f"block{number}"] = x.permute(0, 3, 2, 1)
        pooled = self.pool(x.permute(0, 3, 1, 2)).flatten(1)  # (N, C, V, T) -> (N, C V' parts)
        embedding = F.relu(self.fc0(self.dropout(pooled)))
        return Output(self.fc1(embedding), embedding, maps)


class _Teacher(Network):
    """What the two teachers share: the graph, what is made of the skeleton, the network behind it.

    graph: of `graphs.GRAPHS`. steps: what a clip is resampled to. looks: of `signals.skeleton.LOOKS`.
    felt: channels beside those seen. options: of `Trunk`.
    """

    def __init__(
        self,
        classes: int,
        felt: int,
        *,
        graph: str = "kinect",
        steps: int = 32,
        looks: Sequence[str],
        **options: Any,
    ) -> None:
        super().__init__()
        self.graph, self.steps, self.looks = graph, steps, looks
        self.net = Trunk(classes, 3 * len(looks) + felt, GRAPHS[graph], **options)

    def seen(self, skeleton: Tensor) -> Tensor:
        """What a teacher makes of skeletons (N, T, V, 3): (N, V, steps, 3 per look).

        Raises InputError for another number of joints than the graph's.
        """
        graph, joints = GRAPHS[self.graph], skeleton.shape[2]
        if joints != len(graph.joints):
            raise InputError(
                f"The skeletons have {joints} joints, but this teacher's graph, {self.graph}, has "
                f"{len(graph.joints)}: give it recordings of that skeleton, or train a teacher on these."
            )
        origin = [graph.joints.index(joint) for joint in graph.origin]
        x = look(resampled(skeleton, self.steps), graph.parents(), origin, self.looks)
        return x.transpose(1, 2)


class SkeletonTeacher(_Teacher):
    """Teacher `skeleton`: skeletons (N, T, V, 3) in m to Output; `options` are those of `_Teacher`.

    Where people stand and how large they are does not matter. Raises InputError for skeletons of
    another number of joints than the graph's.
    """

    streams = ("skeleton",)

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(classes, felt=0, **options)

    def forward(self, skeleton: Tensor) -> Output:
        return self.net(self.seen(skeleton))


class FusionTeacher(_Teacher):
    """Teacher `fusion`: the same of skeletons (N, T, V, 3) in m and acceleration (N, T', 3) in m/s^2.

    Both are resampled to one T, and every joint gets the accelerometer's three channels beside its own
    (PSKD section 3.1).
    """

    streams = ("skeleton", "acc")

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(classes, felt=3, **options)

    def forward(self, skeleton: Tensor, acc: Tensor) -> Output:
        seen = self.seen(skeleton)
        felt = resampled(acc, self.steps).unsqueeze(1).expand(-1, seen.shape[1], -1, -1)
        return self.net(torch.cat([seen, felt], 3))
