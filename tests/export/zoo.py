"""Small networks as other people write them: recurrent, dilated, depthwise, with attention, transposed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 4
SPREAD = 6.0  # of the last layer's weights, so that untrained scores differ by more than int8 rounds


def head(width: int) -> nn.Linear:
    """A last layer whose logits differ clearly from one another."""
    layer = nn.Linear(width, CLASSES)
    with torch.no_grad():
        layer.weight.mul_(SPREAD)
    return layer


class Recurrent(nn.Module):
    """Takes (N, T, C); the last state decides."""

    def __init__(self, kind: type[nn.RNNBase], channels: int) -> None:
        super().__init__()
        self.recurrent = kind(channels, 8, batch_first=True)
        self.fc = head(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.recurrent(x)[0][:, -1])


class Convolutions(nn.Module):
    """Takes (N, C, T)."""

    def __init__(self, *layers: nn.Module, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.fc = head(width)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.fc(self.layers(x).mean(2))}


class Attention(nn.Module):
    """Takes (N, C, T); samples are weighed by a softmax over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, 12, 9, padding=4)
        self.weigh = nn.Linear(12, 1)
        self.fc = head(12)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = F.relu(self.conv(x)).transpose(1, 2)  # (N, T, 12)
        weights = self.weigh(seen).softmax(1)
        return self.fc((seen * weights).sum(1)), weights


def lstm(channels: int) -> nn.Module:
    return Recurrent(nn.LSTM, channels)


def gru(channels: int) -> nn.Module:
    return Recurrent(nn.GRU, channels)


def dilated(channels: int) -> nn.Module:
    layers: list[nn.Module] = []
    for dilation, taken in ((1, channels), (2, 12), (4, 12)):
        layers += [nn.Conv1d(taken, 12, 3, padding=dilation, dilation=dilation), nn.BatchNorm1d(12)]
        layers += [nn.ReLU()]
    return Convolutions(*layers, width=12)


def depthwise(channels: int) -> nn.Module:
    return Convolutions(
        nn.Conv1d(channels, 12, 5, padding=2),
        nn.ReLU(),
        nn.Conv1d(12, 12, 5, groups=12, padding=2),
        nn.Conv1d(12, 16, 1),
        nn.ReLU(),
        width=16,
    )


def attention(channels: int) -> nn.Module:
    return Attention(channels)


def transposed(channels: int) -> nn.Module:
    return Convolutions(
        nn.Conv1d(channels, 12, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose1d(12, 8, 4, stride=2, padding=1),
        width=8,
    )


def strided(channels: int) -> nn.Module:
    return Convolutions(
        nn.Conv1d(channels, 12, 5, stride=2, padding=2), nn.BatchNorm1d(12), nn.ReLU(), width=12
    )
