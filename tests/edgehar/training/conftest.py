"""An easy task: four motions that differ in pace, felt and seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from edgehar.losses import loss
from edgehar.models.output import Output
from edgehar.networks import ask, build_student
from edgehar.signals.augment import draw_warps
from edgehar.training.adapters import build_adapters
from edgehar.training.batches import Bank, Batches, Clips
from edgehar.training.modules import Distil, Fit
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine

CLASSES = 4
CPU = Machine("cpu", progress=False, save_every_s=0)


def easy_clips(count: int = 32, seed: int = 0) -> Clips:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    time = np.linspace(0, 1, 128)
    swing = np.sin(2 * np.pi * (labels[:, None] * 2 + 1) * time + rng.uniform(0, 0.5, (count, 1)))
    acc = (
        np.array([0, 9.8, 0])
        + 4 * swing[:, :, None] * np.array([1, 0.3, 0.5])
        + rng.normal(0, 0.3, (count, 128, 3))
    )
    depth = np.zeros((count, 8, 16, 12, 1), np.uint8)
    for clip, label in enumerate(labels):
        depth[clip, :, 2 + label : 10 + label, 4:8] = 120
    return Clips({"acc": acc.astype(np.float32), "depth": depth}, labels, np.array(["1"] * count), CLASSES)


def easy_bank(clips: Clips, views: int = 2) -> Bank:
    """A teacher that knows the labels, with an embedding (5 wide) that has a direction for each."""
    one_hot = torch.eye(CLASSES)[torch.from_numpy(clips.labels)].expand(views, -1, -1)
    towards = torch.randn(CLASSES, 5, generator=torch.Generator().manual_seed(1))
    warps = draw_warps(views * len(clips), 0.2, 0.05, torch.Generator().manual_seed(0))
    return Bank(warps.reshape(views, len(clips), -1), (Output(6 * one_hot, one_hot @ towards),))


@pytest.fixture
def clips() -> Clips:
    return easy_clips()


def make_fit(recipe: Recipe, seed: int = 0) -> tuple[Fit, Batches]:
    """A small student and its batches, fresh."""
    torch.manual_seed(seed)
    batches = Batches(easy_clips().streams(("acc",)), recipe, seed)
    return Fit(build_student("acc-micro", CLASSES, 128), recipe, len(batches)), batches


def make_distil(recipe: Recipe, seed: int = 0, **weights: float) -> tuple[Distil, Batches]:
    """The same student, taught by DASK through a projection head."""
    torch.manual_seed(seed)
    clips = easy_clips().streams(("acc",))
    bank = easy_bank(clips)
    batches = Batches(clips, recipe, seed, bank)
    network = build_student("acc-micro", CLASSES, 128)
    adapters = build_adapters(loss("dask"), ask(network, clips.only(slice(0, 2))), bank.glimpse())
    lesson = partial(loss("dask"), **({"distance": 1.0, "angle": 1.0, "semantic": 0.1} | weights))
    return Distil(network, recipe, len(batches), lesson, adapters), batches


@pytest.fixture(params=[make_fit, make_distil], ids=["fit", "distil"])
def make(request: pytest.FixtureRequest) -> Callable[..., tuple[Fit, Batches]]:
    """`make(recipe, seed)`: a module and its batches, for a network alone and for a taught one."""
    return request.param


@pytest.fixture
def alone() -> Callable[..., tuple[Fit, Batches]]:
    return make_fit


@pytest.fixture
def taught() -> Callable[..., tuple[Distil, Batches]]:
    return make_distil


@pytest.fixture
def cpu() -> Machine:
    return CPU


@pytest.fixture
def same_state() -> Callable[..., bool]:
    """`same_state(one, other)`: whether two modules hold the same bits."""

    def compare(one: torch.nn.Module, other: torch.nn.Module) -> bool:
        a, b = one.state_dict(), other.state_dict()
        return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)

    return compare
