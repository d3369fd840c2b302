"""The compact students: depthwise-separable 1-D convolutions, written so that they export well.

A 1-D convolution is written as a (1, K) 2-D one, its padding asymmetric before a stride, its mean an
average pooling: the exported file then holds a third of the operators and two thirds of the arena of
the same network written with Conv1d, with equal numbers.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.network import Network
from edgehar.models.output import Output


class Separable(nn.Sequential):
    """Depthwise convolution over time, then pointwise over channels, each with batch norm and ReLU."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int) -> None:
        total = kernel - stride
        super().__init__(
            nn.ZeroPad2d((total // 2, total - total // 2, 0, 0)),
            nn.Conv2d(width_in, width_in, (1, kernel), (1, stride), groups=width_in, bias=False),
            nn.BatchNorm2d(width_in),
            nn.ReLU(),
            nn.Conv2d(width_in, width_out, 1, bias=False),
            nn.BatchNorm2d(width_out),
            nn.ReLU(),
        )


class DepthwiseStudent(Network):
    """Raw acceleration (N, T, 3) in m/s^2 to Output; T as given at construction, a multiple of 8.

    The input's normalisation is a batch norm, so nobody repeats it on a phone. Maps: `block1`, ...,
    each (N, C, T'). The embedding is the last block's mean over time.
    """

    streams = ("acc",)

    def __init__(
        self,
        classes: int,
        window: int = 128,
        *,
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if len(strides) != len(widths):
            raise ValueError(f"{len(widths)} widths need as many strides, not {len(strides)}.")
        self.window = window
        self.normalise = nn.BatchNorm2d(3, affine=False)
        total = kernel - strides[0]
        self.stem = nn.Sequential(
            nn.ZeroPad2d((total // 2, total - total // 2, 0, 0)),
            nn.Conv2d(3, widths[0], (1, kernel), (1, strides[0]), bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        pairs = zip(widths[:-1], widths[1:], strides[1:], strict=True)
        self.blocks = nn.ModuleList(Separable(i, o, kernel, stride) for i, o, stride in pairs)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, acc: Tensor) -> Output:
        x = acc.unsqueeze(1).permute(0, 3, 1, 2)  # (N, T, 3) -> (N, 3, 1, T)
        x = self.stem(self.normalise(x))
        maps = {}
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            maps[f"block{number}"] = x.squeeze(2)
        embedding = F.avg_pool2d(x, (1, x.shape[3])).flatten(1)
        return Output(self.fc(self.dropout(embedding)), embedding, maps)
