"""Presets: for every network how long and under which augmentation it trains, and on what size of clip.

`quick` is for the embedded data and for trying; `best` is what the README's tables use. `paper` has the
networks of the papers, for a GPU: PSKD's; VSKD's, TRN on BN-Inception, is not built yet. Each number of
`best` was chosen by leaving one training subject out in turn; docs/choices.md has the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgehar.data.prepare import Shape
from edgehar.errors import InputError
from edgehar.registry import load
from edgehar.training.recipe import Recipe

# Of teachers that feel; a teacher's accelerometer is disturbed as the student's is.
SENSORS = Recipe(epochs=60, warp=0.2, trim=0.05, rotation=0.25, scale=0.1, noise=0.3)
# Of teachers that see joints.
JOINTS = replace(SENSORS, epochs=120, mixup=0.2, turn=0.4, stretch=0.15, joint_noise=0.01)


@dataclass(frozen=True)
class Preset:
    """video, joints, sensors: recipes of teachers, by what they look at. student: recipe. shape: of the
    prepared clips. views: of each clip in the teachers' bank; pooled: whether their mean answers for the
    clip (see training.batches.Bank). networks: by teacher, where the options lie that make this preset's
    network; None for the toolkit's own, of every teacher."""

    video: Recipe
    joints: Recipe
    sensors: Recipe
    student: Recipe
    shape: Shape
    views: int
    pooled: bool
    networks: Mapping[str, str] | None = None


BEST = Preset(
    video=Recipe(
        epochs=40,
        batch=8,
        lr=2e-3,
        warp=0.3,
        trim=0.1,
        shift=0.05,
        zoom=0.08,
        pose=20.0,
        turn=0.4,
        stretch=0.15,
        joint_noise=0.02,
        precision="auto",
    ),
    joints=JOINTS,
    sensors=SENSORS,
    student=Recipe(epochs=200, mixup=0.2, warp=0.2, trim=0.05, rotation=0.25, scale=0.1, noise=0.3),
    shape=Shape(),
    views=8,
    pooled=True,
)

PAPER = "edgehar.models.graph_teachers:PAPER"

PRESETS = {
    "quick": Preset(
        video=Recipe(
            epochs=16, batch=16, lr=3e-3, warp=0.2, trim=0.05, shift=0.06, zoom=0.1, precision="auto"
        ),
        joints=replace(JOINTS, epochs=30, mixup=0.0),
        sensors=replace(SENSORS, epochs=30),
        student=replace(BEST.student, epochs=60, mixup=0.0),
        shape=Shape(frames=16, height=32),
        views=4,
        pooled=True,
    ),
    "best": BEST,
    "paper": replace(
        BEST, joints=replace(JOINTS, precision="auto"), networks={"skeleton": PAPER, "fusion": PAPER}
    ),
}


def network_options(preset: str, teacher: str) -> dict[str, Any]:
    """What makes the network of a teacher in a preset, beside its line in TEACHERS.

    Raises InputError if the preset has no network for it.
    """
    networks = PRESETS[preset].networks
    if networks is None:
        return {}
    if teacher not in networks:
        raise InputError(
            f"The preset {preset} has no network for the teacher {teacher} yet, only for "
            f"{', '.join(networks)}: choose one of these, or another preset."
        )
    return load(networks[teacher])
