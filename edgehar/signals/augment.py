"""What may happen to a clip without changing what it shows, as pure functions on tensors.

Teacher and student must see the same clip, so what concerns time is drawn once (`draw_warps`) and
applied to every modality; what concerns one sensor only (the watch turned on the wrist, a person a
step to the left) is drawn apart. Every draw takes its generator: nothing here touches global state.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

KNOTS = 5


def draw_warps(count: int, strength: float, trim: float, generator: Generator) -> Tensor:
    """Monotone time maps (count, KNOTS): where in the clip, from 0 to 1, each even step now looks.

    Between knots speed varies as exp(strength * normal); up to the fraction `trim` is cut at each end.
    """
    speeds = torch.exp(strength * torch.randn(count, KNOTS - 1, generator=generator))
    knots = torch.cat([torch.zeros(count, 1), speeds.cumsum(1)], 1) / speeds.sum(1, keepdim=True)
    ends = trim * torch.rand(count, 2, generator=generator)
    return ends[:, :1] + knots * (1 - ends.sum(1, keepdim=True))


def no_warps(count: int) -> Tensor:
    """The time maps (count, KNOTS) that change nothing."""
    return torch.linspace(0, 1, KNOTS).repeat(count, 1)


def warp_positions(warps: Tensor, steps: int) -> Tensor:
    """Where each of `steps` samples is read, (N, steps) in samples, for warps (N, KNOTS)."""
    at = torch.linspace(0, KNOTS - 1, steps)
    left = at.floor().long().clamp(max=KNOTS - 2)
    weight = at - left
    return (warps[:, left] * (1 - weight) + warps[:, left + 1] * weight) * (steps - 1)


def warp_motion(values: Tensor, warps: Tensor) -> Tensor:
    """Motion (N, T, ...) read at the warped times by linear interpolation."""
    steps = values.shape[1]
    at = warp_positions(warps, steps)
    left = at.floor().long().clamp(max=steps - 2)
    weight = (at - left).reshape(*at.shape, *[1] * (values.dim() - 2))
    rows = torch.arange(len(values)).unsqueeze(1)
    return torch.lerp(values[rows, left], values[rows, left + 1], weight)


def warp_video(
    video: Tensor, warps: Tensor, *, shift: float = 0.0, zoom: float = 0.0, generator: Generator
) -> Tensor:
    """Video (N, F, H, W, C) read at the warped times, moved by up to the fraction `shift` of its size
    and zoomed by up to `zoom`, nearest neighbours; what lies outside repeats the edge."""
    count, frames, height, width = video.shape[:4]
    time = warp_positions(warps, frames).round().long()
    scale = 1 + zoom * (2 * torch.rand(count, 1, generator=generator) - 1)
    rows = _spatial(height, scale, shift, generator)
    columns = _spatial(width, scale, shift, generator)
    clips = torch.arange(count)[:, None, None, None]
    return video[clips, time[:, :, None, None], rows[:, None, :, None], columns[:, None, None, :]]


def _spatial(size: int, scale: Tensor, shift: float, generator: Generator) -> Tensor:
    move = shift * size * (2 * torch.rand(len(scale), 1, generator=generator) - 1)
    at = (torch.arange(size) - (size - 1) / 2) * scale + (size - 1) / 2 + move
    return at.round().long().clamp(0, size - 1)


def rotate(values: Tensor, radians: float, generator: Generator) -> Tensor:
    """Acceleration (N, T, 3) as if each watch sat turned by a random rotation vector, whose three
    components have the standard deviation `radians`. Lengths stay (Rodrigues' formula)."""
    vectors = radians * torch.randn(len(values), 3, generator=generator)
    angle = vectors.norm(dim=1, keepdim=True).clamp(min=1e-9)
    axis = (vectors / angle).unsqueeze(1).expand_as(values)
    angle = angle.unsqueeze(1)
    along = (axis * values).sum(2, keepdim=True)
    return (
        values * angle.cos()
        + torch.linalg.cross(axis, values) * angle.sin()
        + axis * along * (1 - angle.cos())
    )


def scale_and_jitter(values: Tensor, scale: float, noise: float, generator: Generator) -> Tensor:
    """Acceleration (N, T, 3) times exp(scale * normal) per clip, plus noise of `noise` m/s^2 per sample."""
    factor = torch.exp(scale * torch.randn(len(values), 1, 1, generator=generator))
    return values * factor + noise * torch.randn(values.shape, generator=generator)


def turn_body(joints: Tensor, radians: float, generator: Generator) -> Tensor:
    """Skeletons (N, T, V, 3) in m as if each person stood turned about the vertical, the second axis, by a
    random angle of standard deviation `radians`; heights and bone lengths stay."""
    angle = radians * torch.randn(len(joints), generator=generator)
    cosine, sine, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = [cosine, zero, sine, zero, one, zero, -sine, zero, cosine]
    turned = torch.stack(rows, 1).view(-1, 1, 3, 3)  # each row gives one axis of the turned skeleton
    return joints @ turned.transpose(2, 3)


def stretch_body(joints: Tensor, stretch: float, noise: float, generator: Generator) -> Tensor:
    """Skeletons (N, T, V, 3) in m, each axis of a clip times exp(stretch * normal), so that one person
    becomes broader or taller; then every joint of every frame off by noise of `noise` m an axis."""
    factor = torch.exp(stretch * torch.randn(len(joints), 1, 1, 3, generator=generator))
    return joints * factor + noise * torch.randn(joints.shape, generator=generator)


def mix(values: Tensor, partners: Tensor, weights: Tensor) -> Tensor:
    """weights * values + (1 - weights) * values[partners], row by row (mixup, Zhang et al., ICLR 2018)."""
    weights = weights.reshape(-1, *[1] * (values.dim() - 1))
    mixed = weights * values.float() + (1 - weights) * values[partners].float()
    return mixed.round().to(values.dtype) if values.dtype == torch.uint8 else mixed
