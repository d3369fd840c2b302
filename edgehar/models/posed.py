"""The teacher that sees, in two ways at once: the video itself, and the joints that it finds in it.

How a few people look does not tell how others will; how their joints move does. So one way watches the
video (Video21D), the other finds the joints in every frame and names the action by them alone, as a
skeleton's teacher would (SkeletonWay); their opinions are averaged. To know where joints are it must
be trained on recordings that hold a skeleton (training.pose); once trained it needs the video alone.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.graph_teachers import SkeletonWay
from edgehar.models.graphs import GRAPHS
from edgehar.models.network import Network
from edgehar.models.output import Output, mean_opinion
from edgehar.models.video import Block21D, Video21D, look

CHANNELS = {"depth": 3, "rgb": 6}
CELLS = (4, 3)  # of the picture, height and width: from which the joints are placed


class JointFinder(nn.Module):
    """Video (N, F, H, W, C) uint8 to joints (N, F, V, 3), in sizes of the body around its centre.

    (2+1)-D convolutions that keep every frame: a neighbour's view helps to find a joint, but none is
    skipped. What the numbers mean is training.pose's `body`.
    """

    def __init__(
        self,
        joints: int,
        stream: str,
        *,
        widths: tuple[int, ...] = (16, 32, 64, 96),
        mixed: int = 48,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.joints = joints
        self.stem = nn.Sequential(
            nn.Conv3d(CHANNELS[stream], widths[0], (1, 5, 5), (1, 2, 2), (0, 2, 2), bias=False),
            nn.BatchNorm3d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(Block21D(i, o, 2, 1) for i, o in itertools.pairwise(widths)))
        self.mix = nn.Sequential(
            nn.Conv3d(widths[-1], mixed, 1, bias=False), nn.BatchNorm3d(mixed), nn.ReLU(inplace=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.place = nn.Linear(mixed * CELLS[0] * CELLS[1], 3 * joints)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stubs lack it

    def forward(self, video: Tensor) -> Tensor:
        x = self.stem(look(video).contiguous(memory_format=torch.channels_last_3d))
        x = self.mix(self.blocks(x))
        x = F.adaptive_avg_pool3d(x, (x.shape[2], *CELLS))
        placed = self.place(self.dropout(x.transpose(1, 2).flatten(2)))
        return placed.unflatten(2, (self.joints, 3))


class PosedVideo(Network):
    """Video (N, F, H, W, C) uint8 to Output: the mean of what the video and the joints found in it say.

    The logits are the mean of both ways' log-probabilities; the embedding is both embeddings (N, 2 fc0);
    the maps are those of the video's way. graph: of `graphs.GRAPHS`, whose joints it finds.
    """

    def __init__(self, classes: int, stream: str = "depth", *, graph: str) -> None:
        super().__init__()
        self.streams = (stream,)
        self.watch = Video21D(classes, stream)
        self.find = JointFinder(len(GRAPHS[graph].joints), stream)
        self.name = SkeletonWay(classes, graph=graph, looks=("bone", "velocity"), trunk="pooled")

    def forward(self, video: Tensor) -> Output:
        return mean_opinion([self.watch(video), self.name(self.find(video).float())])


def video_teacher(classes: int, stream: str = "depth", *, graph: str | None = None) -> Network:
    """The network that watches a stream: by the joints of a graph too, where one is named."""
    return Video21D(classes, stream) if graph is None else PosedVideo(classes, stream, graph=graph)
