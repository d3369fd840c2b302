from dataclasses import replace

import numpy as np
import pytest
import torch

from edgehar.networks import build_teacher, glimpse
from edgehar.training.batches import Batches, Clips
from edgehar.training.pose import ROUND, FitPosed, body
from edgehar.training.recipe import Recipe
from edgehar.training.stage import train

JOINTS, CLASSES = 20, 4
RECIPE = Recipe(epochs=3, batch=4, pose=2.0, label_smoothing=0.0)


def skeletons(count=3, steps=16, seed=0):
    return torch.randn(count, steps, JOINTS, 3, generator=torch.Generator().manual_seed(seed))


def body_by_hand(skeleton, steps):
    """The same in float64, clip by clip and step by step."""
    made = []
    for clip in skeleton.double().numpy():
        centre = clip.reshape(-1, 3).mean(0)
        size = np.mean([np.linalg.norm(frame - frame.mean(0), axis=1) for frame in clip])
        per_step = len(clip) // steps
        rows = [
            ((clip[at * per_step : (at + 1) * per_step] - centre) / size).mean(0).ravel()
            for at in range(steps)
        ]
        made.append(rows)
    return torch.tensor(np.array(made))


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_the_target_is_the_body_in_its_own_size(steps):
    torch.testing.assert_close(
        body(skeletons(), steps), body_by_hand(skeletons(), steps).float(), atol=1e-5, rtol=1e-5
    )


def test_where_a_person_stands_and_how_tall_they_are_changes_nothing():
    moved = 1.7 * skeletons() + torch.tensor([3.0, -1.0, 2.0])
    torch.testing.assert_close(body(moved, 4), body(skeletons(), 4), atol=1e-5, rtol=1e-4)


def test_a_step_forward_is_seen():
    walking = skeletons() + torch.linspace(0, 2, 16)[None, :, None, None]
    assert (body(walking, 4) - body(skeletons(), 4)).abs().max() > 0.1


def test_joints_that_all_lie_in_one_place_have_a_pose():
    assert torch.isfinite(body(torch.zeros(2, 8, JOINTS, 3), 4)).all()


def clips():
    """A bright spot that stands where the first joint does."""
    rng = np.random.default_rng(0)
    labels = np.arange(12) % CLASSES
    depth = np.zeros((12, 8, 16, 12, 1), np.uint8)
    skeleton = rng.normal(0, 0.1, (12, 16, JOINTS, 3)).astype(np.float32)
    for clip, label in enumerate(labels):
        depth[clip, :, 2 + 2 * label : 6 + 2 * label, 4:8] = 120
        skeleton[clip, :, 0, 1] += label
    return Clips({"depth": depth, "skeleton": skeleton}, labels, np.array(["1"] * 12), CLASSES)


def make(recipe=RECIPE):
    torch.manual_seed(0)
    network, held = build_teacher("depth", CLASSES, graph="kinect"), clips()
    batches = Batches(held, recipe, 0)
    return FitPosed(network, recipe, len(batches), glimpse(network, held)), batches


def missed(found, true):
    gap = (found.double() - true.double()).abs()
    return torch.where(gap < ROUND, gap**2 / (2 * ROUND), gap - ROUND / 2).mean()


def test_the_loss_is_both_namings_and_the_missed_joints():
    module, batches = make()
    module.eval()
    network, batch = module.network, next(iter(batches))
    labels, skeleton = batch["labels"].double(), batch["skeleton"]

    def naming(said):
        return -(labels * said.logits.double().log_softmax(1)).sum(1).mean()

    with torch.no_grad():
        watched, found = network.watch(batch["depth"]), network.find(batch["depth"])
        true = body(skeleton, found.shape[1]).view_as(found)
        expected = naming(watched) + (naming(network.name(found)) + naming(network.name(true))) / 2
        expected += 2.0 * missed(found, true)
        for head, name in zip(module.heads, ("block3", "block4"), strict=True):
            values = watched.maps[name]
            expected += 2.0 * missed(head(values), body(skeleton, values.shape[2]))
        torch.testing.assert_close(module.loss(batch).double(), expected, atol=1e-5, rtol=1e-5)


def test_what_is_named_by_joints_does_not_tell_where_they_are():
    """Else the finder would hide the action in them; what is found is judged by the true joints alone."""
    module, batches = make(replace(RECIPE, pose=0.0))
    module.loss(next(iter(batches))).backward()
    assert all(p.grad is None or not p.grad.any() for p in module.network.find.parameters())
    assert any(p.grad.any() for p in module.network.name.parameters())


def test_heads_finder_and_network_learn_from_the_joints():
    module, batches = make()
    module.loss(next(iter(batches))).backward()
    assert all(p.grad.abs().sum() > 0 for p in module.heads.parameters())
    assert module.network.find.stem[0].weight.grad.abs().sum() > 0
    assert module.network.watch.stem[0].weight.grad.abs().sum() > 0


def test_bodies_turn_and_stretch_as_the_recipe_says_and_alike_after_a_resume():
    module, batches = make(replace(RECIPE, turn=0.5, stretch=0.2, joint_noise=0.01))
    module.eval()
    batch = next(iter(batches))
    with torch.no_grad():
        losses = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            losses.append(float(module.loss(batch)))
    assert losses[0] == losses[1] != losses[2]


def test_what_is_kept_is_a_teacher_without_heads():
    module, _ = make()
    kept = build_teacher("depth", CLASSES, graph="kinect").state_dict().keys()
    assert module.network.state_dict().keys() == kept


def test_the_joints_are_learned(cpu, tmp_path):
    module, batches = make(Recipe(epochs=30, batch=4, pose=2.0, lr=3e-3))
    losses = train(module, batches, tmp_path / "a.ckpt", cpu, "posed")
    assert losses[-1] < losses[0] / 2
