"""The papers' student: ResNet18 on the Gramian angular field of an accelerometer window.

He et al., Deep Residual Learning, CVPR 2016; VSKD section 4.2. As in PSKD (figure 2) a layer fc0 stands
before the last layer fc1, so that teacher and student can meet in embeddings of one width. The papers
are silent on that width; it is the trunk's own 512 here, and there is no activation between the two.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from edgehar.models.network import Network
from edgehar.models.output import Output
from edgehar.signals.gaf import GramianAngularField

WIDTHS = (64, 128, 256, 512)


class ResNet18Gaf(Network):
    """Student `acc-resnet18-gaf`: windows (N, window, 3) of raw acceleration in m/s^2 -> Output.

    The embedding is fc0's output (N, embedding); maps `layer1` to `layer4` are (N, 64 to 512, H, W) with
    H = W = size / 4, / 8, / 16, / 32. Nothing needs normalising: the picture uses each window's own
    extremes. `gaf` stays in float when the file is quantised, `net` does not.
    Raises ValueError if the window cannot be averaged into `size` equal pieces.
    """

    streams = ("acc",)
    float_parts = ("gaf",)

    def __init__(self, classes: int, window: int = 128, size: int = 64, embedding: int = 512) -> None:
        super().__init__()
        self.gaf = GramianAngularField(window, size)
        self.net = ResNet18(classes, embedding)

    def forward(self, acc: Tensor) -> Output:
        """Output for windows (N, window, 3)."""
        return self.net(self.gaf(acc))


class ResNet18(nn.Module):
    """The 18-layer residual network, pictures (N, channels, H, W) -> Output, ended by fc0 and fc1."""

    def __init__(self, classes: int, embedding: int = 512, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = _layer(WIDTHS[0], WIDTHS[0], stride=1)
        self.layer2 = _layer(WIDTHS[0], WIDTHS[1], stride=2)
        self.layer3 = _layer(WIDTHS[1], WIDTHS[2], stride=2)
        self.layer4 = _layer(WIDTHS[2], WIDTHS[3], stride=2)
        self.fc0 = nn.Linear(WIDTHS[3], embedding)
        self.fc1 = nn.Linear(embedding, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Output:
        """Output for pictures x (N, channels, H, W)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        # Nothing is below 0 here: zeros pad as well as max_pool2d's own -inf, which int8 does not hold.
        x = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, stride=2)
        maps = {}
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = maps[name] = getattr(self, name)(x)
        embedding = self.fc0(functional.avg_pool2d(x, x.shape[2:]).flatten(1))
        return Output(self.fc1(embedding), embedding, maps)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut: (N, before, H, W) -> (N, after, H / stride, W / stride)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, after, H / stride, W / stride) of maps x (N, before, H, W)."""
        residual = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(residual + self.shortcut(x))


def _layer(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(before, after, stride), BasicBlock(after, after, stride=1))
