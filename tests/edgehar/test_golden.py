"""Two epochs of every stage on the embedded data: the losses are known; a commit that moves them says why.

The learning rates are low, so that rounding stays rounding: with oneDNN switched off, or on two threads,
the losses below moved by at most 0.05 % (networks alone) and 0.8 % (the student, who hears the teacher's
rounding through the distances between embeddings). A change of what is learnt moves them by more.
"""

import csv
from dataclasses import replace

import pytest

from edgehar.data.prepare import Shape
from edgehar.distil import distil
from edgehar.plan import make_plan
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine

TIME = {"warp": 0.2, "trim": 0.05}
TEACHER = Recipe(epochs=2, batch=16, lr=3e-4, shift=0.06, zoom=0.1, **TIME)
STUDENT = Recipe(epochs=2, lr=1e-3, rotation=0.25, scale=0.1, noise=0.3, **TIME)
WEIGHTS = {"ce": 1.0, "kd": 1.0, "distance": 5.0, "angle": 10.0, "semantic": 1.0, "label_smoothing": 0.1}
ALONE, TAUGHT = 0.002, 0.02

LOSSES = {
    ("teacher-depth", 1): (2.533865, ALONE),
    ("teacher-depth", 2): (2.400406, ALONE),
    ("baseline", 1): (2.519174, ALONE),
    ("baseline", 2): (2.481772, ALONE),
    ("student", 1): (15.233127, TAUGHT),
    ("student", 2): (10.927330, TAUGHT),
}


def test_the_losses_of_two_epochs_are_known(tmp_path):
    plan, recordings = make_plan(student="acc-micro")
    plan = replace(
        plan, teacher_recipe=TEACHER, student_recipe=STUDENT, loss_weights=WEIGHTS,
        shape=Shape(frames=16, height=32), views=2, pooled=True,
    )  # fmt: skip
    distil(plan, recordings, tmp_path / "run", Machine("cpu", progress=False))
    rows = csv.DictReader((tmp_path / "run" / "log.csv").open())
    losses = {(row["stage"], int(row["epoch"])): float(row["loss"]) for row in rows}
    assert losses == {key: pytest.approx(value, rel=rel) for key, (value, rel) in LOSSES.items()}
