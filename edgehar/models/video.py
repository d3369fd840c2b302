"""The teacher that sees: a (2+1)-D convolution network small enough to train on a CPU.

Tran et al., "A closer look at spatiotemporal convolutions for action recognition", CVPR 2018: each
3-D convolution is one over the picture followed by one over time.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.network import Network
from edgehar.models.output import Output

POOLED = (2, 2, 2)  # what is kept of time, height and width: early or late, high or low, left or right


class Block21D(nn.Module):
    """Residual block: (1, 3, 3) over the picture, then (3, 1, 1) over time, with strides for each."""

    def __init__(self, width_in: int, width_out: int, stride: int, time_stride: int) -> None:
        super().__init__()
        self.picture = nn.Conv3d(width_in, width_out, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.norm1 = nn.BatchNorm3d(width_out)
        self.time = nn.Conv3d(width_out, width_out, (3, 1, 1), (time_stride, 1, 1), (1, 0, 0), bias=False)
        self.norm2 = nn.BatchNorm3d(width_out)
        self.short = nn.Sequential(
            nn.Conv3d(width_in, width_out, 1, (time_stride, stride, stride), bias=False),
            nn.BatchNorm3d(width_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.picture(x)), inplace=True)
        return F.relu(self.norm2(self.time(y)) + self.short(x), inplace=True)


class Video21D(Network):
    """Video (N, F, H, W, C) uint8 to Output; C = 1 is depth (0 to 5 m, 0 unseen), C = 3 colour.

    The network itself makes what it looks at: each picture relative to its clip's mean and spread,
    and the change from frame to frame. Maps: `block1`, ..., each (N, C, F', H', W').
    """

    def __init__(
        self,
        classes: int,
        stream: str = "depth",
        *,
        widths: tuple[int, ...] = (16, 32, 64, 96, 160),
        fc0: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.streams = (stream,)
        channels = {"depth": 3, "rgb": 6}[stream]
        self.stem = nn.Sequential(
            nn.Conv3d(channels, widths[0], (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False),
            nn.BatchNorm3d(widths[0]),
            nn.ReLU(inplace=True),
        )
        strides = [(1, 1), *[(2, 2)] * (len(widths) - 2)]
        pairs = zip(widths[:-1], widths[1:], strides, strict=True)
        self.blocks = nn.ModuleList(Block21D(i, o, s, t) for i, o, (s, t) in pairs)
        self.pool = nn.AdaptiveAvgPool3d(POOLED)
        self.fc0 = nn.Linear(widths[-1] * math.prod(POOLED), fc0)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(fc0, classes)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # torch's stubs lack it

    def forward(self, video: Tensor) -> Output:
        x = self.stem(look(video).contiguous(memory_format=torch.channels_last_3d))
        maps = {}
        for number, block in enumerate(self.blocks, 1):
            x = maps[f"block{number}"] = block(x)
        embedding = F.relu(self.fc0(self.dropout(self.pool(x).flatten(1))))
        return Output(self.fc1(embedding), embedding, maps)


def look(video: Tensor) -> Tensor:
    """Video (N, F, H, W, C) uint8 to float channels (N, C', F, H, W): 3 for depth, 6 for colour.

    Values are relative to the clip's mean and spread over what was seen (depth 0 means unseen), so
    neither the distance to the camera nor the room's light matters; then the change between frames.
    """
    x = video.float().permute(0, 4, 1, 2, 3)
    seen = (x > 0).float() if x.shape[1] == 1 else torch.ones_like(x)
    count = seen.sum((2, 3, 4), keepdim=True).clamp(min=1)
    mean = (x * seen).sum((2, 3, 4), keepdim=True) / count
    spread = (((x - mean) ** 2 * seen).sum((2, 3, 4), keepdim=True) / count).sqrt().clamp(min=1)
    relative = ((x - mean) / spread).clamp(-4, 4) * seen
    change = relative[:, :, 1:] - relative[:, :, :-1]
    change = torch.cat([change, change[:, :, -1:]], 2)
    return torch.cat([seen, relative, change] if x.shape[1] == 1 else [relative, change], 1)
