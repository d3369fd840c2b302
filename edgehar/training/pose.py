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

from edgehar.models.output import Output
from edgehar.models.posed import PosedVideo
from edgehar.signals.augment import stretch_body, turn_body
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
    """Train a network that sees in two ways (models.posed): each names the action by itself, and the joints
    are to be found on the way, by the one in every frame, by the other from its deepest maps.

    The way by joints learns from those it finds, to which no gradient returns, and from the true ones, both
    turned and stretched as the recipe says. Weights: 1 for each naming, recipe.pose for each finding.
    said: what the network says of any clips, for the shapes of its maps. The heads are optimised and
    checkpointed with the network, and never kept with it.
    """

    network: PosedVideo

    def __init__(self, network: PosedVideo, recipe: Recipe, steps_per_epoch: int, said: Output) -> None:
        super().__init__(network, recipe, steps_per_epoch)
        deepest = list(said.maps.values())[-HEADS:]
        self.heads = nn.ModuleList(PoseHead(v.shape[1:], network.find.joints) for v in deepest)

    def loss(self, batch: dict[str, Any]) -> Tensor:
        video, labels = batch[self.network.streams[0]], batch["labels"]
        watched = self.network.watch(video)
        found = self.network.find(video).float()
        true = body(batch["skeleton"], found.shape[1]).view_as(found)
        named = self.network.name(self._moved(torch.cat([found.detach(), true])))
        naming = self._naming(watched, labels) + self._naming(named, torch.cat([labels, labels]))
        missed = F.smooth_l1_loss(found, true, beta=ROUND) + self._missed(watched.maps.values(), true)
        return naming + self.recipe.pose * missed

    def _naming(self, said: Output, labels: Tensor) -> Tensor:
        return F.cross_entropy(said.logits.float(), labels, label_smoothing=self.recipe.label_smoothing)

    def _moved(self, joints: Tensor) -> Tensor:
        """Joints (N, T, V, 3) as other bodies that stand otherwise would have moved them."""
        drawn = torch.default_generator
        turned = turn_body(joints, self.recipe.turn, drawn)
        return stretch_body(turned, self.recipe.stretch, self.recipe.joint_noise, drawn)

    def _missed(self, maps: Iterable[Tensor], true: Tensor) -> Tensor:
        missed = [
            F.smooth_l1_loss(head(values).float(), fewer(true, values.shape[2]), beta=ROUND)
            for head, values in zip(self.heads, list(maps)[-HEADS:], strict=True)
        ]
        return torch.stack(missed).sum()


def fewer(joints: Tensor, steps: int) -> Tensor:
    """Joints (N, T, V, 3) as (N, steps, V * 3), the mean over each step's time."""
    return F.adaptive_avg_pool1d(joints.flatten(2).transpose(1, 2), steps).transpose(1, 2)


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
