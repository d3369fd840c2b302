"""Skeletons as graphs: which joints there are, which bones join them, and the three ways along a bone.

Shi et al., "Two-stream adaptive graph convolutional networks for skeleton-based action recognition",
CVPR 2019, section 3.2, after Yan et al., "Spatial temporal graph convolutional networks", AAAI 2018: a
joint hears itself, its neighbours nearer to the centre of the body, and those farther away, each through
weights of their own. The number of joints of a recording tells which table it is of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from edgehar.errors import InputError

WAYS = ("itself", "from the centre", "from afar")  # where what a joint hears comes from


@dataclass(frozen=True)
class Graph:
    """joints: names in the order of the data. bones: pairs of them. centre: the joint that the ways are
    told by. origin: the joints whose mean is where the body stands.

    Raises ValueError if a name is not a joint's, or a joint cannot be reached from the centre.
    """

    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    centre: str
    origin: tuple[str, ...]

    def __post_init__(self) -> None:
        used = {self.centre, *self.origin, *(joint for bone in self.bones for joint in bone)}
        if unknown := sorted(used - set(self.joints)):
            raise ValueError(f"no joint is called {unknown[0]!r}.")
        if lost := [j for j, far in zip(self.joints, self.distances(), strict=True) if far < 0]:
            raise ValueError(f"no bones lead from {self.centre} to {lost[0]}.")

    def edges(self) -> list[tuple[int, int]]:
        """The bones as pairs of places in `joints`."""
        return [(self.joints.index(one), self.joints.index(other)) for one, other in self.bones]

    def parents(self) -> list[int]:
        """For each joint the neighbour nearer to the centre (V,); the centre is its own."""
        far = self.distances()
        parents = list(range(len(far)))
        for one, other in self.edges():
            if far[one] != far[other]:
                near, away = (one, other) if far[one] < far[other] else (other, one)
                parents[away] = near
        return parents

    def distances(self) -> np.ndarray:
        """How many bones lie between each joint and the centre, (V,); -1 where none lead there."""
        far = {self.centre: 0}
        waiting = deque([self.centre])
        while waiting:
            joint = waiting.popleft()
            for bone in self.bones:
                if joint in bone:
                    other = bone[bone[0] == joint]
                    if other not in far:
                        far[other] = far[joint] + 1
                        waiting.append(other)
        return np.array([far.get(joint, -1) for joint in self.joints])

    def adjacency(self) -> np.ndarray:
        """A (3, V, V) float32: A[k, v, w] is the share of joint v in what w hears in way k of `WAYS`.

        Each column of a way adds up to 1, or to 0 where there is no such neighbour. Neighbours equally
        far from the centre (in a ring of bones) count to the joint itself, as in Yan et al.
        """
        far = self.distances()
        ways = np.zeros((len(WAYS), len(far), len(far)), np.float32)
        ways[0] = np.eye(len(far))
        for one, other in self.edges():
            for v, w in ((one, other), (other, one)):
                ways[0 if far[v] == far[w] else 1 if far[v] < far[w] else 2, v, w] = 1
        return ways / np.maximum(ways.sum(axis=1, keepdims=True), 1)


def _both_sides(*bones: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((a.format(side), b.format(side)) for side in ("left", "right") for a, b in bones)


_LEG = (("hip_center", "{}_hip"), ("{}_hip", "{}_knee"), ("{}_knee", "{}_ankle"), ("{}_ankle", "{}_foot"))

# The first Kinect: UTD-MHAD and the embedded body, whose readers have the same order.
KINECT = Graph(
    joints=(
        "head", "shoulder_center", "spine", "hip_center", "left_shoulder", "left_elbow", "left_wrist",
        "left_hand", "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee",
        "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot",
    ),
    bones=(
        ("hip_center", "spine"), ("spine", "shoulder_center"), ("shoulder_center", "head"),
        *_both_sides(
            ("shoulder_center", "{}_shoulder"), ("{}_shoulder", "{}_elbow"), ("{}_elbow", "{}_wrist"),
            ("{}_wrist", "{}_hand"), *_LEG,
        ),
    ),
    centre="spine",
    origin=("hip_center",),
)  # fmt: skip

# The second Kinect, as NTU RGB+D writes its joints. The authors' own table hangs each finger tip on the
# thumb; here tip and thumb hang on the hand, as the sensor has it.
NTU = Graph(
    joints=(
        "hip_center", "spine", "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee", "left_ankle",
        "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot", "shoulder_center",
        "left_fingers", "left_thumb", "right_fingers", "right_thumb",
    ),
    bones=(
        ("hip_center", "spine"), ("spine", "shoulder_center"), ("shoulder_center", "neck"), ("neck", "head"),
        *_both_sides(
            ("shoulder_center", "{}_shoulder"), ("{}_shoulder", "{}_elbow"), ("{}_elbow", "{}_wrist"),
            ("{}_wrist", "{}_hand"), ("{}_hand", "{}_fingers"), ("{}_hand", "{}_thumb"), *_LEG,
        ),
    ),
    centre="shoulder_center",
    origin=("hip_center",),
)  # fmt: skip

# COCO's key points, which pose estimators give. They have no trunk: shoulders hang on the nose, as pyskl
# has it, and hips on the shoulders.
COCO = Graph(
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
        "right_knee", "left_ankle", "right_ankle",
    ),
    bones=_both_sides(
        ("nose", "{}_eye"), ("{}_eye", "{}_ear"), ("nose", "{}_shoulder"), ("{}_shoulder", "{}_elbow"),
        ("{}_elbow", "{}_wrist"), ("{}_shoulder", "{}_hip"), ("{}_hip", "{}_knee"), ("{}_knee", "{}_ankle"),
    ),
    centre="nose",
    origin=("left_hip", "right_hip"),
)  # fmt: skip

GRAPHS = {"kinect": KINECT, "ntu": NTU, "coco": COCO}


def graph_of(joints: int) -> str:
    """The name of the table for skeletons of so many joints. Raises InputError if there is none."""
    for name, graph in GRAPHS.items():
        if len(graph.joints) == joints:
            return name
    known = ", ".join(f"{len(graph.joints)} ({name})" for name, graph in GRAPHS.items())
    raise InputError(
        f"A skeleton of {joints} joints has no table; there are tables for {known}: write one in "
        "edgehar/models/graphs.py, or choose a teacher that needs no skeleton."
    )
