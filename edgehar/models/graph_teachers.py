"""Teachers that see a skeleton: adaptive graph blocks, and what reads a clip off their last map.

The blocks are 2s-AGCN's (edgehar.models.agcn), used as PSKD (Ni et al., ACM MM 2022) does: alone on the
skeleton, and on the skeleton with the accelerometer repeated on every joint. As in 2s-AGCN a network each
looks at joints and at bones. There a mean over joints and time is read off; here by default all joints meet
in convolutions over time first, which tell what two of them do at one moment (docs/choices.md has figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgehar.errors import InputError
from edgehar.models.graph_trunks import TRUNKS
from edgehar.models.graphs import GRAPHS
from edgehar.models.network import Network
from edgehar.models.output import Output, mean_opinion
from edgehar.signals.skeleton import look, resampled

# The ten blocks of 2s-AGCN, on what it looks at, for a GPU. PSKD states neither T nor fc0's width: these
# are the prepared clip's T, and the width of `acc-resnet18-gaf`, so that the two can be compared.
PAPER: dict[str, Any] = {
    "steps": 128,
    "looks": (("position",),),
    "trunk": "pooled",
    "widths": (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
    "strides": (1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
    "parts": 1,
    "apart": False,
    "fc0": 512,
    "dropout": 0.0,
}


class _Way(Network):
    """What each way to look has: the graph, what is made of the skeleton, the network behind it.

    graph: of `graphs.GRAPHS`. steps: what a clip is resampled to. looks: of `signals.skeleton.LOOKS`.
    felt: channels beside those seen. trunk: of TRUNKS; options: its own.
    """

    def __init__(
        self,
        classes: int,
        felt: int,
        *,
        graph: str = "kinect",
        steps: int = 32,
        looks: Sequence[str],
        trunk: str,
        **options: Any,
    ) -> None:
        super().__init__()
        self.graph, self.steps, self.looks = graph, steps, looks
        self.net = TRUNKS[trunk](classes, 3 * len(looks) + felt, GRAPHS[graph], **options)

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


class SkeletonWay(_Way):
    """Skeletons (N, T, V, 3) in m to Output; `options` are those of `_Way`.

    Where people stand and how large they are does not matter. Raises InputError for skeletons of
    another number of joints than the graph's.
    """

    streams = ("skeleton",)

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(classes, felt=0, **options)

    def forward(self, skeleton: Tensor) -> Output:
        return self.net(self.seen(skeleton))


class FusionWay(_Way):
    """The same of skeletons (N, T, V, 3) in m and acceleration (N, T', 3) in m/s^2.

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


class _Ways(Network):
    """The mean opinion of networks that look at a clip in ways of their own, as 2s-AGCN's two streams do.

    looks: what each way makes of a skeleton; options: of each way. Each learns by itself. The logits are the
    mean of their log-probabilities; the embedding is all of theirs; the maps are the first way's.
    """

    way: type[_Way]

    def __init__(self, classes: int, *, looks: Sequence[Sequence[str]], **options: Any) -> None:
        super().__init__()
        self.ways = nn.ModuleList(self.way(classes, looks=each, **options) for each in looks)

    def opinions(self, *streams: Tensor) -> tuple[Tensor, ...]:
        return tuple(way(*streams).logits for way in self.ways)

    def forward(self, *streams: Tensor) -> Output:
        return mean_opinion([way(*streams) for way in self.ways])


class SkeletonTeacher(_Ways):
    """Teacher `skeleton`: skeletons (N, T, V, 3) in m to Output, in one or several ways (`SkeletonWay`)."""

    streams = SkeletonWay.streams
    way = SkeletonWay


class FusionTeacher(_Ways):
    """Teacher `fusion`: skeletons (N, T, V, 3) in m and acceleration (N, T', 3) in m/s^2 to Output, in one or
    several ways (`FusionWay`)."""

    streams = FusionWay.streams
    way = FusionWay
