"""What a depth camera sees: the body's limbs drawn as tubes and balls before a wall, nearest first.

Surfaces are not traced but strewn with points closer together than pixels, on the side that faces the
camera; the nearest point takes the pixel. That keeps the whole drawing in a few array operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from edgehar.data.synthetic.body import JOINTS

FULL_SCALE = 5.0  # m, the depth that a pixel of 255 stands for
_GRAIN = 0.024  # m between points


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks level: `height` by `width` pixels, focal length in pixels.

    floor: m, below the camera. wall: m away. noise: m at a depth of 3 m, growing with its square.
    """

    height: int = 64
    width: int = 48
    focal: float = 78.0
    floor: float = 0.95
    wall: float = 4.0
    noise: float = 0.012


# (from, to, radius at the one, radius at the other) in m for a girth of 1.
_TUBES = (
    ("shoulder_center", "head", 0.055, 0.06),
    ("left_shoulder", "left_hip", 0.08, 0.095),
    ("right_shoulder", "right_hip", 0.08, 0.095),
    ("shoulder_center", "hip_center", 0.11, 0.12),
    ("left_shoulder", "right_shoulder", 0.07, 0.07),
    *(
        (f"{side}_{start}", f"{side}_{end}", thick, thin)
        for side in ("left", "right")
        for start, end, thick, thin in (
            ("shoulder", "elbow", 0.055, 0.045),
            ("elbow", "wrist", 0.045, 0.035),
            ("wrist", "hand", 0.04, 0.045),
            ("hip", "knee", 0.085, 0.06),
            ("knee", "ankle", 0.06, 0.04),
            ("ankle", "foot", 0.045, 0.04),
        )
    ),
)
_BALLS = (
    ("head", 0.105),
    *(
        (f"{side}_{joint}", radius)
        for side in ("left", "right")
        for joint, radius in (
            ("shoulder", 0.07),
            ("elbow", 0.045),
            ("hand", 0.05),
            ("hip", 0.095),
            ("knee", 0.06),
            ("foot", 0.04),
        )
    ),
)


def depth_video(joints: np.ndarray, girth: float, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """A depth video (T, H, W, 1) uint8, 0 to 5 m, of joints (T, 20, 3) m in the camera's frame."""
    seen = _nearest(_surface(joints, girth), camera)
    seen = np.minimum(seen, _room(camera))
    seen += rng.standard_normal(seen.shape, dtype=np.float32) * (camera.noise / 9 * seen**2)
    return np.clip(np.round(seen * (255 / FULL_SCALE)), 0, 255).astype(np.uint8)[..., None]


def _surface(joints: np.ndarray, girth: float) -> np.ndarray:
    """Points (T, P, 3) m on the side of every limb that faces the camera."""
    joints = joints.astype(np.float32)
    points = [_tube(joints, *tube, girth) for tube in _TUBES]
    points += [joints[:, JOINTS.index(name), None] + _ball(radius * girth) for name, radius in _BALLS]
    return np.concatenate(points, axis=1)


def _tube(joints: np.ndarray, start: str, end: str, thick: float, thin: float, girth: float) -> np.ndarray:
    a, b = joints[:, JOINTS.index(start)], joints[:, JOINTS.index(end)]
    span = b - a
    length = np.linalg.norm(span, axis=1, keepdims=True)
    side = np.cross(span, a)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-6
    front = np.cross(side, span) / length
    front *= -np.sign((front * a).sum(axis=1, keepdims=True))
    along, across = _ribbon(round(float(length.max()) / _GRAIN) + 1, round(2.5 * thick * girth / _GRAIN) + 2)
    radius = girth * (thick + (thin - thick) * along)
    ring = (radius * across)[:, None] * side[:, None]
    ring += (radius * np.sqrt(1 - across**2))[:, None] * front[:, None]
    return a[:, None] + along[:, None] * span[:, None] + ring


@cache
def _ribbon(lengthwise: int, crosswise: int) -> tuple[np.ndarray, np.ndarray]:
    """A grid of places along (0 to 1) and across (-1 to 1) a tube's front, flattened."""
    along, across = np.meshgrid(np.linspace(0, 1, lengthwise), np.linspace(-1, 1, crosswise), indexing="ij")
    return along.ravel().astype(np.float32), across.ravel().astype(np.float32)


@cache
def _ball(radius: float) -> np.ndarray:
    """Points (P, 3) m on the half of a ball that faces the camera."""
    steps = np.linspace(-1, 1, round(2 * radius / _GRAIN) + 2)
    x, y = (grid.ravel() for grid in np.meshgrid(steps, steps))
    inside = x**2 + y**2 <= 1
    x, y = x[inside], y[inside]
    return (radius * np.stack([x, y, -np.sqrt(np.maximum(1 - x**2 - y**2, 0))], axis=1)).astype(np.float32)


def _nearest(points: np.ndarray, camera: Camera) -> np.ndarray:
    """The depth (T, H, W) m of the nearest point in every pixel, infinite where there is none."""
    depth = points[..., 2]
    column = np.floor(camera.width / 2 - camera.focal * points[..., 0] / depth).astype(np.int32)
    row = np.floor(camera.height / 2 - camera.focal * points[..., 1] / depth).astype(np.int32)
    seen = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    frame = np.arange(len(points))[:, None]
    pixel = ((frame * camera.height + row) * camera.width + column)[seen]
    picture = np.full((len(points), camera.height, camera.width), np.inf, dtype=np.float32)
    np.minimum.at(picture.reshape(-1), pixel, depth[seen])
    return picture


@cache
def _room(camera: Camera) -> np.ndarray:
    """The depth (H, 1) m of the empty room: a wall, and the floor where it is nearer."""
    below = (np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal
    floor = np.where(below > 0, camera.floor / np.maximum(below, 1e-6), np.inf)
    return np.minimum(floor, camera.wall)[:, None].astype(np.float32)
