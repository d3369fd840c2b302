"""A body of rigid bones: joint angles over time in, joint positions and the forearm's frame out.

Two frames, both right-handed. The body's: x to its own left, y up, z forward. The camera's, as Kinect
and UTD-MHAD have it: x to the camera's left, y up, z away from the camera, which is the origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Kinect's twenty joints in the order of UTD-MHAD, so that one graph network serves both data sets.
JOINTS = (
    "head", "shoulder_center", "spine", "hip_center", "left_shoulder", "left_elbow", "left_wrist",
    "left_hand", "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee",
    "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot",
)  # fmt: skip

_BONES = (
    ("hip_center", "spine"),
    ("spine", "shoulder_center"),
    ("shoulder_center", "head"),
    *(
        (parent.format(side), child.format(side))
        for side in ("left", "right")
        for parent, child in (
            ("shoulder_center", "{}_shoulder"),
            ("{}_shoulder", "{}_elbow"),
            ("{}_elbow", "{}_wrist"),
            ("{}_wrist", "{}_hand"),
            ("hip_center", "{}_hip"),
            ("{}_hip", "{}_knee"),
            ("{}_knee", "{}_ankle"),
            ("{}_ankle", "{}_foot"),
        )
    ),
)
EDGES = tuple((JOINTS.index(parent), JOINTS.index(child)) for parent, child in _BONES)

TRUNK = ("turn", "bend", "lean", "twist", "nod")
ARM = ("lift", "spread", "cross", "roll", "elbow", "palm", "wrist")
LEG = ("thigh", "apart", "knee")
# Every angle of the body in rad, 0 when it stands straight with arms hanging and thumbs forward.
# lift: arm forward and up; spread: arm sideways; cross: raised arm towards the other side; roll: upper
# arm about itself, inwards; palm: forearm about itself, inwards; thigh: forward; apart: leg sideways.
ANGLES = (*TRUNK, *(f"{side}_{name}" for side in ("left", "right") for name in (*ARM, *LEG)))


@dataclass(frozen=True)
class Build:
    """Bone lengths in m, and `girth`, a factor on every limb's thickness."""

    waist: float
    chest: float
    neck: float
    half_shoulders: float
    half_hips: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shank: float
    foot: float
    girth: float


def build_of(height: float, arms: float = 1.0, legs: float = 1.0, girth: float = 1.0) -> Build:
    """A body of `height` m, in about the proportions of Winter (2009, figure 4.1); arms, legs: factors."""
    return Build(
        waist=0.11 * height,
        chest=0.178 * height,
        neck=0.118 * height,
        half_shoulders=0.12 * height,
        half_hips=0.055 * height,
        upper_arm=0.186 * height * arms,
        forearm=0.146 * height * arms,
        hand=0.06 * height * arms,
        thigh=0.245 * height * legs,
        shank=0.246 * height * legs,
        foot=0.11 * height,
        girth=girth,
    )


def rotation(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotations about one axis (0 x, 1 y, 2 z) by `angle` (n,) rad: (n, 3, 3), counter-clockwise."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turned = np.zeros((len(angle), 3, 3))
    turned[:, axis, axis] = 1
    turned[:, i, i] = turned[:, j, j] = np.cos(angle)
    turned[:, j, i] = np.sin(angle)
    turned[:, i, j] = -turned[:, j, i]
    return turned


@dataclass(frozen=True)
class Pose:
    """A body over n instants in the camera's frame.

    joints: (n, 20, 3) m, in the order of `JOINTS`. wrist: (n, 3, 3), its columns the axes of the right
    wrist: towards the hand, towards the thumb, out of the back of the hand.
    """

    joints: np.ndarray
    wrist: np.ndarray


def pose(build: Build, angles: Mapping[str, np.ndarray], place: np.ndarray) -> Pose:
    """Forward kinematics of angles (n,) rad by name (`ANGLES`; those left out are 0).

    place: (n, 3) m, the point of the floor that the body stands over, in the camera's frame. With
    `turn` 0 the body faces the camera. Feet bear it: the pelvis sinks when the knees bend.
    """
    if unknown := set(angles) - set(ANGLES):
        raise ValueError(f"no such angle: {', '.join(sorted(unknown))}")
    n = len(place)
    still = np.zeros(n)
    angle = {name: np.asarray(angles.get(name, still)) for name in ANGLES}
    pelvis = rotation(1, angle["turn"] + np.pi)
    at: dict[str, np.ndarray] = {}
    legs = {side: _leg(build, angle, side, pelvis) for side in ("left", "right")}
    at["hip_center"] = place - _support(legs)
    for side, (hip, knee, ankle, foot) in legs.items():
        for name, offset in (("hip", hip), ("knee", knee), ("ankle", ankle), ("foot", foot)):
            at[f"{side}_{name}"] = at["hip_center"] + offset
    chest = _trunk(build, angle, pelvis, at)
    hold = {side: _arm(build, angle, side, chest, at) for side in ("left", "right")}
    return Pose(np.stack([at[name] for name in JOINTS], axis=1), hold["right"] @ _WRIST_AXES)


# Columns: towards the hand, the thumb and the back of the right hand, in the forearm's own frame.
_WRIST_AXES = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_SLIDE, _LIFT = 0.25, 0.03  # m that a foot is raised before weight, then height, leave it


def _along(turned: np.ndarray, vector: tuple[float, float, float]) -> np.ndarray:
    return turned @ np.asarray(vector)


def _trunk(
    build: Build, angle: Mapping[str, np.ndarray], pelvis: np.ndarray, at: dict[str, np.ndarray]
) -> np.ndarray:
    """Adds the trunk's joints; returns the chest's frame. The waist takes half of every bend."""
    bent = [pelvis, pelvis]
    for share, name, axis in ((0.5, "bend", 0), (0.5, "lean", 2), (0.5, "twist", 1)):
        step = rotation(axis, share * angle[name])
        bent = [bent[0] @ step, bent[1] @ step @ step]
    waist, chest = bent
    at["spine"] = at["hip_center"] + _along(waist, (0, build.waist, 0))
    at["shoulder_center"] = at["spine"] + _along(chest, (0, build.chest, 0))
    head = chest @ rotation(0, angle["nod"])
    at["head"] = at["shoulder_center"] + _along(head, (0, build.neck, 0.1 * build.neck))
    return chest


def _arm(
    build: Build, angle: Mapping[str, np.ndarray], side: str, chest: np.ndarray, at: dict[str, np.ndarray]
) -> np.ndarray:
    """Adds one arm's joints; returns the forearm's frame."""
    inwards = 1 if side == "right" else -1  # the way of a rotation that brings this arm to the middle
    upper = chest @ rotation(1, inwards * angle[f"{side}_cross"])
    upper = upper @ rotation(2, -inwards * angle[f"{side}_spread"]) @ rotation(0, -angle[f"{side}_lift"])
    upper = upper @ rotation(1, inwards * angle[f"{side}_roll"])
    fore = upper @ rotation(0, -angle[f"{side}_elbow"])
    hold = fore @ rotation(1, inwards * angle[f"{side}_palm"])
    hand = hold @ rotation(2, inwards * angle[f"{side}_wrist"])
    at[f"{side}_shoulder"] = at["shoulder_center"] + _along(
        chest, (-inwards * build.half_shoulders, -0.02, 0)
    )
    at[f"{side}_elbow"] = at[f"{side}_shoulder"] + _along(upper, (0, -build.upper_arm, 0))
    at[f"{side}_wrist"] = at[f"{side}_elbow"] + _along(fore, (0, -build.forearm, 0))
    at[f"{side}_hand"] = at[f"{side}_wrist"] + _along(hand, (0, -build.hand, 0))
    return hold


def _leg(build: Build, angle: Mapping[str, np.ndarray], side: str, pelvis: np.ndarray) -> list[np.ndarray]:
    """Hip, knee, ankle and tip of the foot, (n, 3) m each, from the middle of the hips; soles stay level."""
    outwards = -1 if side == "right" else 1
    thigh = pelvis @ rotation(2, outwards * angle[f"{side}_apart"]) @ rotation(0, -angle[f"{side}_thigh"])
    shank = thigh @ rotation(0, angle[f"{side}_knee"])
    hip = _along(pelvis, (outwards * build.half_hips, 0, 0))
    knee = hip + _along(thigh, (0, -build.thigh, 0))
    ankle = knee + _along(shank, (0, -build.shank, 0))
    return [
        hip,
        knee,
        ankle,
        ankle + _along(pelvis, (0.2 * outwards * build.foot, -0.35 * build.foot, build.foot)),
    ]


def _support(legs: Mapping[str, list[np.ndarray]]) -> np.ndarray:
    """The point under the body that stays on the floor, (n, 3) m from the middle of the hips.

    It is as low as the lower foot, and slides to the foot that bears more. Both happen smoothly, so
    that accelerations stay finite when a foot is lifted.
    """
    feet = np.stack([leg[3] for leg in legs.values()])  # (2, n, 3)
    over = feet[..., 1] - feet[..., 1].min(axis=0)
    share = np.exp(-over / _SLIDE)
    point = (share[..., None] * feet).sum(axis=0) / share.sum(axis=0)[:, None]
    point[:, 1] = feet[..., 1].min(axis=0) - _LIFT * np.log(np.exp(-over / _LIFT).mean(axis=0))
    return point
