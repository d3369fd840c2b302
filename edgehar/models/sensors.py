"""The teacher that feels at several places at once: a small 1-D network with a stem for each sensor.

Late fusion as in DeepConvLSTM's multi-sensor descendants, without recurrence: each sensor is first looked at
alone, then all together, so that a wrist and an ankle meet when both are already features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgehar.models.network import Network
from edgehar.models.output import Output

AXES = 3


class SensorsTeacher(Network):
    """One tensor (N, T, 3) a stream, in the order of `streams`, to Output.

    Each stem normalises its own stream by a batch norm, so units may differ. Maps: `stems` (N, S stem, T / 4)
    and `block1`, `block2` (N, width, T / 8). The embedding is the last block's mean over time.
    """

    def __init__(
        self,
        classes: int,
        streams: tuple[str, ...] = ("acc",),
        *,
        stem: int = 40,
        width: int = 160,
        kernel: int = 9,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        if not streams:
            raise ValueError("a teacher of sensors needs at least one stream.")
        self.streams = tuple(streams)
        self.stems = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(AXES, affine=False),
                _Block(AXES, stem, kernel, stride=2),
                _Block(stem, stem, kernel, stride=2),
            )
            for _ in self.streams
        )
        self.block1 = _Block(stem * len(self.streams), width, 5, stride=2)
        self.block2 = _Block(width, width, 5, stride=1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(width, classes)

    def forward(self, *sensors: Tensor) -> Output:
        alone = [stem(values.transpose(1, 2)) for stem, values in zip(self.stems, sensors, strict=True)]
        stems = torch.cat(alone, 1)
        block1 = self.block1(stems)
        block2 = self.block2(block1)
        embedding = block2.mean(2)
        maps = {"stems": stems, "block1": block1, "block2": block2}
        return Output(self.fc(self.dropout(embedding)), embedding, maps)


class _Block(nn.Sequential):
    """Convolution over time (N, C, T) -> (N, width, T / stride), batch norm, ReLU."""

    def __init__(self, width_in: int, width: int, kernel: int, stride: int) -> None:
        super().__init__(
            nn.Conv1d(width_in, width, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
        )
