import pytest
import torch

from edgehar.losses import loss
from edgehar.networks import ask
from edgehar.training.batches import teachers_said
from edgehar.training.modules import Distil
from edgehar.training.recipe import Recipe
from edgehar.training.stage import train

EASY = Recipe(epochs=10, batch=8, lr=1e-2)


def test_training_learns_an_easy_task(make, cpu, clips, tmp_path):
    module, batches = make(EASY)
    losses = train(module, batches, tmp_path / "a.ckpt", cpu, "easy")
    said = ask(module.network, clips.streams(("acc",))).logits.argmax(1).numpy()
    assert losses[-1] < 0.6 * losses[0]
    assert (said == clips.labels).mean() > 0.9  # guessing gives 0.25


def test_a_network_alone_learns_by_smoothed_cross_entropy(alone):
    module, batches = alone(EASY)
    batch = next(iter(batches))
    module.eval()
    logs = module(batch).logits.log_softmax(1)
    smooth = 0.9 * batch["labels"] + 0.1 / logs.shape[1]
    torch.testing.assert_close(module.loss(batch), -(smooth * logs).sum(1).mean())


def test_each_way_of_a_network_learns_by_itself(alone):
    module, batches = alone(EASY)
    batch = next(iter(batches))
    module.eval()
    one = module.loss(batch)
    single = module.network.opinions
    module.network.opinions = lambda acc: single(acc) + single(0.5 * acc)
    half = module.loss(batch) - one
    batch["acc"] = 0.5 * batch["acc"]
    module.network.opinions = single
    torch.testing.assert_close(half, module.loss(batch))


def test_a_student_learns_by_its_lesson_on_the_same_rows(taught):
    """The lesson hears the student, the teachers' rows of this batch, the labels, what its adapters say."""
    heard = {}

    def lesson(student, teachers, labels, *, projected):
        heard.update(student=student, teachers=teachers, labels=labels, projected=projected)
        return student.logits.sum()

    module, batches = taught(EASY)
    module = Distil(module.network, EASY, len(batches), lesson, module.adapters).eval()
    batch = next(iter(batches))
    module.loss(batch)
    (teacher,), (expected,) = heard["teachers"], teachers_said(batch)
    assert torch.equal(teacher.logits, expected.logits)
    assert torch.equal(teacher.logits.argmax(1), heard["labels"].argmax(1))
    torch.testing.assert_close(
        heard["projected"][0], module.adapters["projected"][0](heard["student"].embedding)
    )


def test_a_loss_that_asks_for_no_adapters_is_given_none(taught):
    module, batches = taught(EASY)
    plain = Distil(module.network, EASY, len(batches), loss("ce"), torch.nn.ModuleDict())
    assert plain.loss(next(iter(batches))).shape == ()


def test_adapters_learn_with_the_student_and_are_not_part_of_it(taught, cpu, tmp_path):
    module, batches = taught(Recipe(epochs=1))
    head = module.adapters["projected"][0]
    before = head.weight.detach().clone()
    train(module, batches, tmp_path / "a.ckpt", cpu, "easy")
    assert not torch.equal(head.weight, before)
    assert any("projected" in key for key in module.state_dict())
    assert not any("projected" in key for key in module.network.state_dict())


def test_only_what_is_shaped_decays(make):
    module, _ = make(Recipe(epochs=2, weight_decay=0.5))
    decaying, plain = module.configure_optimizers()["optimizer"].param_groups
    assert (decaying["weight_decay"], plain["weight_decay"]) == (0.5, 0.0)
    assert all(p.dim() > 1 for p in decaying["params"])
    assert all(p.dim() <= 1 for p in plain["params"])
    assert len(decaying["params"]) + len(plain["params"]) == len(list(module.parameters()))


def test_the_learning_rate_rises_to_its_peak_and_ends_near_zero(make):
    recipe = Recipe(epochs=5, batch=8, lr=0.01)
    module, batches = make(recipe)
    settings = module.configure_optimizers()
    optimiser, schedule = settings["optimizer"], settings["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(5 * len(batches)):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.01, rel=0.05)
    assert rates[0] < 0.001
    assert rates[-1] < 0.0001
    assert settings["lr_scheduler"]["interval"] == "step"
