"""MobileNet V1 and V2 as work: the files are not here, but their architectures are public.

Howard et al., MobileNets, 2017, table 1; Sandler et al., MobileNetV2, CVPR 2018, table 2; both with width 1
and pictures of 224 x 224. Their MACs are 568,740,352 and 300,774,272, as everybody counts them.
"""

from __future__ import annotations

from firmware_sim.work import SIMD_CHANNELS, Work

BYTES = {"int8": 1, "float32": 4}
NAMES = ("mobilenet_v1_1.0_224", "mobilenet_v2_1.0_224")
CLASSES = 1000
V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
# Expansion, output channels, repeats, first stride.
V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class _Drawing:
    """A network layer by layer: the picture's side and channels as they stand, and the work so far."""

    def __init__(self, numbers: str) -> None:
        self.side, self.channels = 224, 3
        self.numbers, self.works = numbers, list[Work]()

    def convolve(self, channels: int, kernel: int = 1, stride: int = 1) -> None:
        side = -(-self.side // stride)
        weights = kernel**2 * self.channels * channels
        kind = "pointwise" if kernel == 1 else "convolution"
        kind = "unaligned" if self.channels % SIMD_CHANNELS else kind
        self._add("CONV_2D", kind, weights * side**2, side**2 * channels, weights, channels)
        self.side, self.channels = side, channels

    def depthwise(self, stride: int) -> None:
        side = -(-self.side // stride)
        weights = 9 * self.channels
        made = side**2 * self.channels
        self._add("DEPTHWISE_CONV_2D", "depthwise", 9 * made, made, weights, self.channels)
        self.side = side

    def add(self) -> None:
        self._add("ADD", "element", 0, self.side**2 * self.channels, 0, 0)

    def classify(self, classes: int) -> None:
        self._add("AVERAGE_POOL_2D", "element", 0, self.side**2 * self.channels, 0, 0)
        self._add(
            "FULLY_CONNECTED", "dense", self.channels * classes, classes, self.channels * classes, classes
        )

    def _add(self, name: str, kind: str, macs: int, elements: int, weights: int, biases: int) -> None:
        size = BYTES[self.numbers]
        held = weights * size + 4 * biases
        moved = held + 2 * elements * size
        numbers = self.numbers if macs else None
        self.works.append(Work(name, kind, macs, macs, elements, 1.0, held, moved, numbers))


def mobilenet_works(model: str, numbers: str) -> tuple[Work, ...]:
    """The work of `mobilenet_v1_1.0_224` or `mobilenet_v2_1.0_224` in `int8` or `float32`."""
    drawing = _Drawing(numbers)
    drawing.convolve(32, 3, 2)
    if "v1" in model:
        for channels, stride in V1:
            drawing.depthwise(stride)
            drawing.convolve(channels)
    else:
        for expansion, channels, repeats, first in V2:
            for turn in range(repeats):
                _bottleneck(drawing, expansion, channels, first if turn == 0 else 1)
        drawing.convolve(1280)
    drawing.classify(CLASSES)
    return tuple(drawing.works)


def _bottleneck(drawing: _Drawing, expansion: int, channels: int, stride: int) -> None:
    same = stride == 1 and channels == drawing.channels
    if expansion > 1:
        drawing.convolve(expansion * drawing.channels)
    drawing.depthwise(stride)
    drawing.convolve(channels)
    if same:
        drawing.add()
