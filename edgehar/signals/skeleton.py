"""What a network is shown of a skeleton, so that neither place nor size of a person matters.

Shi et al., CVPR 2019 (2s-AGCN), train one network on joints and one on bones; the velocity is what
Video21D too is shown of a video, the change from step to step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LOOKS = ("position", "bone", "velocity")
SMALLEST = 1e-3  # m; a body whose bones are shorter (a clip of zeros) is not made larger


def resampled(values: Tensor, steps: int) -> Tensor:
    """Motion (N, T, ...) as (N, steps, ...): averaged where that shortens it, interpolated where not.

    Averages of as equal parts as T allows, so that nothing faster than the new rate is folded back;
    linear interpolation from the first to the last sample otherwise.
    """
    rows = values.flatten(2).transpose(1, 2)
    if steps <= values.shape[1]:
        rows = F.adaptive_avg_pool1d(rows, steps)
    else:
        rows = F.interpolate(rows, steps, mode="linear", align_corners=True)
    return rows.transpose(1, 2).unflatten(2, values.shape[2:])


def look(
    joints: Tensor, parents: Sequence[int], origin: Sequence[int], looks: Sequence[str] = LOOKS
) -> Tensor:
    """Skeletons (N, T, V, 3), in m or any unit, as (N, T, V, 3 len(looks)), in mean bone lengths.

    `position`: from where the body stands, the mean of the joints `origin` over the clip. `bone`: from
    the joint's parent in `parents` (V,); for the centre, which is its own parent, its position. `velocity`:
    of the position, to the next step; the last step repeats the one before it. So the whole is equal for
    a skeleton that is moved or made larger. Raises ValueError for another look.
    """
    at = joints - joints[:, :, list(origin)].mean((1, 2), keepdim=True)
    bones = at - at[:, :, list(parents)]
    jointed = [joint for joint, parent in enumerate(parents) if joint != parent]
    size = bones[:, :, jointed].norm(dim=3).mean((1, 2)).clamp(min=SMALLEST)[:, None, None, None]
    centre = torch.tensor([joint == parent for joint, parent in enumerate(parents)], device=at.device)
    made = {
        "position": lambda: at,
        "bone": lambda: torch.where(centre[:, None], at, bones),
        "velocity": lambda: _change(at),
    }
    if unknown := set(looks) - set(made):
        raise ValueError(f"no look is called {min(unknown)!r}; there are {', '.join(LOOKS)}.")
    return torch.cat([made[name]() for name in looks], 3) / size


def _change(at: Tensor) -> Tensor:
    """From each step to the next, (N, T, V, 3); 0 for a single step."""
    if at.shape[1] == 1:
        return torch.zeros_like(at)
    change = at.diff(dim=1)
    return torch.cat([change, change[:, -1:]], 1)
