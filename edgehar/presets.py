"""Presets: for every network how long and under which augmentation it trains, and on what size of clip.

`quick` is for the embedded data and for trying; `best` is what the README's tables use. What the
papers used (`paper`: TRN on BN-Inception) is not built yet. Each number of `best` was chosen by leaving
one training subject out in turn; docs/choices.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgehar.data.prepare import Shape
from edgehar.training.recipe import Recipe

# Of teachers that see joints; a fusion teacher's accelerometer is disturbed as the student's is.
JOINTS = Recipe(
    epochs=60,
    warp=0.2,
    trim=0.05,
    turn=0.2,
    stretch=0.1,
    joint_noise=0.01,
    rotation=0.25,
    scale=0.1,
    noise=0.3,
)


@dataclass(frozen=True)
class Preset:
    """video, motion: recipes of teachers that look at video, and of all others. student: recipe. shape: of
    the prepared clips. views: of each clip in the teachers' bank; pooled: whether their mean answers for the
    clip (see training.batches.Bank)."""

    video: Recipe
    motion: Recipe
    student: Recipe
    shape: Shape
    views: int
    pooled: bool


PRESETS = {
    "quick": Preset(
        video=Recipe(
            epochs=16, batch=16, lr=3e-3, warp=0.2, trim=0.05, shift=0.06, zoom=0.1, precision="auto"
        ),
        motion=replace(JOINTS, epochs=30),
        student=Recipe(epochs=60, warp=0.2, trim=0.05, rotation=0.25, scale=0.1, noise=0.3),
        shape=Shape(frames=16, height=32),
        views=4,
        pooled=True,
    ),
    "best": Preset(
        video=Recipe(
            epochs=40,
            batch=8,
            lr=2e-3,
            warp=0.3,
            trim=0.1,
            shift=0.05,
            zoom=0.08,
            pose=20.0,
            precision="auto",
        ),
        motion=JOINTS,
        student=Recipe(epochs=200, warp=0.2, trim=0.05, rotation=0.25, scale=0.1, noise=0.3),
        shape=Shape(),
        views=8,
        pooled=True,
    ),
}
