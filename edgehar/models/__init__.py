"""Teachers and students: one file an architecture, named here, imported when asked for.

A student is "module:class" and what its constructor takes beside `classes` and `window`. A teacher's
`stream` is the video that it looks at; its `graph`, the skeleton's table in edgehar.models.graphs, is that
of the recordings where a plan names one. What `sensors` feels, a plan says.
"""

from __future__ import annotations

from typing import Any

STUDENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "acc-micro": (
        "edgehar.models.depthwise:DepthwiseStudent",
        {"widths": (16, 24, 32, 48, 64), "strides": (2, 1, 2, 2, 1), "kernel": 9, "dropout": 0.1},
    ),
    "acc-watch": (
        "edgehar.models.depthwise:DepthwiseStudent",
        {"widths": (40, 56, 80, 104, 128, 136), "strides": (1, 2, 1, 2, 1, 2), "kernel": 9, "dropout": 0.3},
    ),
    "acc-watch-l": (
        "edgehar.models.depthwise:DepthwiseStudent",
        {"widths": (48, 72, 104, 136, 168, 184), "strides": (1, 2, 1, 2, 1, 2), "kernel": 9, "dropout": 0.3},
    ),
    "acc-resnet18-gaf": ("edgehar.models.resnet_gaf:ResNet18Gaf", {"size": 128}),
}

# What teachers make of a skeleton (edgehar.signals.skeleton), and how they read a clip off it.
JOINTS: dict[str, Any] = {
    "graph": "kinect",
    "looks": [["position", "velocity"], ["bone", "velocity"]],
    "trunk": "met",
}

TEACHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "depth": ("edgehar.models.posed:video_teacher", {"stream": "depth", "graph": None}),
    "rgb": ("edgehar.models.posed:video_teacher", {"stream": "rgb", "graph": None}),
    "skeleton": ("edgehar.models.graph_teachers:SkeletonTeacher", JOINTS),
    "fusion": ("edgehar.models.graph_teachers:FusionTeacher", JOINTS),
    "sensors": ("edgehar.models.sensors:SensorsTeacher", {}),
}
