"""From a clip of joints to an Output: adaptive graph blocks, and two ways to read the action off them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.agcn import Block, Norm
from edgehar.models.graphs import Graph
from edgehar.models.output import Output

KERNEL = 9  # of all convolutions over time


class Graphed(nn.Module):
    """Clips (N, V, T, channels) of one graph, each joint's each channel normalised over the batch, through
    adaptive graph blocks: to (N, V, T', C) and the maps `block1`, ..., each (N, C, T', V).

    Raises ValueError unless there are as many strides as widths.
    """

    def __init__(
        self, channels: int, graph: Graph, widths: Sequence[int], strides: Sequence[int], kernel: int
    ) -> None:
        super().__init__()
        if len(strides) != len(widths):
            raise ValueError(f"{len(widths)} widths need as many strides, not {len(strides)}.")
        adjacency = torch.from_numpy(graph.adjacency())
        self.norm = Norm(len(graph.joints) * channels)
        plan = zip((channels, *widths), widths, strides, strict=False)
        self.blocks = nn.ModuleList(
            Block(before, after, stride, kernel, adjacency, first=not number)
            for number, (before, after, stride) in enumerate(plan)
        )

    def normalised(self, x: Tensor) -> Tensor:
        """What the first block is shown, (N, V, T, channels)."""
        each = self.norm(x.transpose(1, 2).flatten(2))  # (N, T, V C)
        return each.view(len(x), x.shape[2], x.shape[1], -1).transpose(1, 2).contiguous()

    def graphed(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Of what is normalised the last block's map, (N, V, T', C), and all of them by name."""
        maps = {}
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            maps[f"block{number}"] = x.permute(0, 3, 2, 1)
        return x, maps


class Pooled(Graphed):
    """Reads off the mean over `parts` equal parts of the clip, and over the joints unless they are kept
    `apart`; then fc0 with ReLU, which is the embedding, and fc1. (N, V, T, channels) to Output."""

    def __init__(
        self,
        classes: int,
        channels: int,
        graph: Graph,
        *,
        widths: Sequence[int] = (16, 16, 32, 32, 64, 64),
        strides: Sequence[int] = (1, 1, 2, 1, 2, 1),
        kernel: int = KERNEL,
        parts: int = 2,
        apart: bool = True,
        fc0: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(channels, graph, widths, strides, kernel)
        joints = len(graph.joints) if apart else 1
        self.pool = nn.AdaptiveAvgPool2d((joints, parts))
        self.fc0 = nn.Linear(widths[-1] * parts * joints, fc0)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(fc0, classes)

    def forward(self, x: Tensor) -> Output:
        x, maps = self.graphed(self.normalised(x))
        pooled = self.pool(x.permute(0, 3, 1, 2)).flatten(1)  # (N, C, V, T) -> (N, C V' parts)
        embedding = F.relu(self.fc0(self.dropout(pooled)))
        return Output(self.fc1(embedding), embedding, maps)


class Met(Graphed):
    """Reads off convolutions over time in which all joints' channels meet, those that the blocks are shown
    and those that they make; the mean over time of the last is the embedding. (N, V, T, channels) to Output,
    with the maps `meet1`, ... (N, C, T') behind the blocks'.

    meet, meet_strides: widths and strides of these convolutions; there must be as many. The blocks keep T.
    """

    def __init__(
        self,
        classes: int,
        channels: int,
        graph: Graph,
        *,
        widths: Sequence[int] = (16,),
        meet: Sequence[int] = (128, 192, 256),
        meet_strides: Sequence[int] = (2, 2, 1),
        kernel: int = KERNEL,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(channels, graph, widths, (1,) * len(widths), kernel)
        every = ((channels + widths[-1]) * len(graph.joints), *meet)
        self.meetings = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(before, after, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm1d(after),
                nn.ReLU(),
            )
            for before, after, stride in zip(every[:-1], meet, meet_strides, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(meet[-1], classes)

    def forward(self, x: Tensor) -> Output:
        shown = self.normalised(x)
        x, maps = self.graphed(shown)
        x = torch.cat([shown, x], 3).permute(0, 1, 3, 2).flatten(1, 2)  # (N, V, T, C) -> (N, V C, T)
        for number, meeting in enumerate(self.meetings, 1):
            x = meeting(x)
            maps[f"meet{number}"] = x
        embedding = x.mean(2)
        return Output(self.fc(self.dropout(embedding)), embedding, maps)


TRUNKS: dict[str, type[Pooled] | type[Met]] = {"pooled": Pooled, "met": Met}
