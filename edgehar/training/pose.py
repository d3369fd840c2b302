"""A teacher that watches also learns where the joints are, where the recordings hold a skeleton.

Naming the action alone, a video network of a few hundred clips learns how these few people look. Asked on
the way for the pose as well, it must look at what moves. The skeleton is a target while training, on
training clips; the teacher itself sees video alone. Multi-task of pose and action: Luvizon et al., 2D/3D
Pose Estimation and Action Recognition Using Multitask Deep Learning, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.network import Network
from edgehar.models.output import Output
from edgehar.training.modules import Fit
from edgehar.training.recipe import Recipe

HEADS = 2  # of the deepest maps: what the pose is read from
WIDTH = 48  # channels of a map that a head looks at
ROUND = 0.1  # of the body's size: errors below it count by their square


class PoseHead(nn.Module):
    """A map (N, C, T, H, W) to joints (N, T, V * 3), each step of time by itself."""

    def __init__(self, shape: Sequence[int], joints: int) -> None:
        super().__init__()
        channels, _, height, width = shape
        self.mix = nn.Conv3d(channels, WIDTH, 1)
        self.place = nn.Linear(WIDTH * height * width, 3 * joints)

    def forward(self, values: Tensor) -> Tensor:
        return self.place(F.relu(self.mix(values)).transpose(1, 2).flatten(2))


class FitPosed(Fit):
    """Train one network that watches with cross-entropy plus recipe.pose times the error of the joints.

    said: what the network says of any clips, for the shapes of its maps. The heads are optimised and
    checkpointed with the network, and never kept with it.
    """

    def __init__(
        self, network: Network, recipe: Recipe, steps_per_epoch: int, said: Output, joints: int
    ) -> None:
        super().__init__(network, recipe, steps_per_epoch)
        deepest = list(said.maps.values())[-HEADS:]
        self.heads = nn.ModuleList(PoseHead(values.shape[1:], joints) for values in deepest)

    def loss(self, batch: dict[str, Any]) -> Tensor:
        said = self(batch)
        named = F.cross_entropy(
            said.logits.float(), batch["labels"], label_smoothing=self.recipe.label_smoothing
        )
        return named + self.recipe.pose * self._missed(said.maps.values(), batch["skeleton"])

    def _missed(self, maps: Iterable[Tensor], skeleton: Tensor) -> Tensor:
        missed = [
            F.smooth_l1_loss(head(values).float(), body(skeleton, values.shape[2]), beta=ROUND)
            for head, values in zip(self.heads, list(maps)[-HEADS:], strict=True)
        ]
        return torch.stack(missed).sum()


def body(skeleton: Tensor, steps: int) -> Tensor:
    """Joints (N, T, V, 3) in metres as (N, steps, V * 3) in sizes of the body, mean over each step's time.

    The origin is the mean over all joints and time, so neither where a person stands nor how tall they are
    matters, and a step forward does. The size is the joints' mean distance from their momentary centre.
    """
    centre = skeleton.mean((1, 2), keepdim=True)
    momentary = skeleton.mean(2, keepdim=True)
    size = (skeleton - momentary).norm(dim=3).mean((1, 2)).clamp(min=1e-3)
    placed = ((skeleton - centre) / size[:, None, None, None]).flatten(2)
    return F.adaptive_avg_pool1d(placed.transpose(1, 2), steps).transpose(1, 2)
