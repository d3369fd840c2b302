from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from edgehar.losses import loss
from edgehar.models.output import Output
from edgehar.networks import build_student, build_teacher, glimpse
from edgehar.training.adapters import build_adapters
from edgehar.training.batches import Batches
from edgehar.training.modules import CLIP_NORM, Distil, Fit
from edgehar.training.recipe import Recipe
from edgehar.training.stage import train
from edgehar.training.together import Together, Turns

CLASSES = 4
TEACHING = Recipe(epochs=1, batch=16, lr=2e-3, warp=0.2)
LEARNING = Recipe(epochs=4, batch=16, warp=0.2, rotation=0.2, noise=0.3)
WEIGHTS = {"distance": 1.0, "angle": 1.0, "semantic": 0.1}


class Broken(Exception):
    pass


class Breaking(Turns):
    """Something is raised in the middle of one turn."""

    breaks = 0

    def __iter__(self):
        for number, batch in enumerate(super().__iter__()):
            if self.epoch == self.breaks and number == 1:
                raise Broken
            yield batch


@pytest.fixture
def make(clips):
    def made(every=1, kind=Turns):
        torch.manual_seed(0)
        teachers = [build_teacher("depth", CLASSES), build_teacher("depth", CLASSES)]
        student = build_student("acc-micro", CLASSES, 128)
        teaching = replace(TEACHING, epochs=every * LEARNING.epochs)
        both = (Batches(clips.streams(("depth",)), teaching, 0), Batches(clips, LEARNING, 0))
        turns = kind(*both, every)
        said = [glimpse(teacher, clips) for teacher in teachers]
        adapters = build_adapters(loss("dask"), glimpse(student, clips), said)
        lesson = Distil(student, LEARNING, len(turns), partial(loss("dask"), **WEIGHTS), adapters)
        return Together([Fit(t, teaching, len(turns)) for t in teachers], lesson, every), turns

    return made


def bits(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_student_has_the_last_of_each_round_of_turns(make, every):
    module, turns = make(every)
    students = []
    for turns.epoch in range(3 * (every + 1)):
        batch = next(iter(turns))
        assert ("acc" in batch) == turns.students_turn()
        students.append(turns.students_turn())
    assert students == 3 * ([False] * every + [True])
    assert module.recipe.epochs == LEARNING.epochs * (every + 1)


def test_both_must_have_equally_many_batches(clips):
    halved = Recipe(epochs=1, batch=8)
    with pytest.raises(ValueError, match="batches"):
        Turns(Batches(clips, halved, 0), Batches(clips, LEARNING, 0), 1)


def test_each_must_have_its_epochs_in_the_turns(make):
    module, _ = make(1)
    with pytest.raises(ValueError, match="epochs"):
        Together(list(module.teachers), module.student, 2)


def by_hand(module, turns):
    """The same without Lightning, as the paper has it. Returns the mean loss of each turn."""
    learners = [*module.teachers, module.student]
    made = [each.configure_optimizers() for each in learners]
    told = []
    for epoch in range(module.recipe.epochs):
        turns.epoch = epoch
        torch.manual_seed(turns.seed * 1_000_003 + epoch)
        mine = turns.students_turn()
        module.teachers.train(not mine)
        module.student.train(mine)
        losses = []
        for batch in turns:
            if mine:
                with torch.no_grad():
                    heard = [teacher.network(batch["depth"]) for teacher in module.teachers]
                said = module.student.network(batch["acc"])
                heads = module.student.adapters["projected"]
                projected = [head(said.embedding) for head in heads]
                lost = loss("dask")(said, tuple(heard), batch["labels"], projected=projected, **WEIGHTS)
                parts = [(len(learners) - 1, lost)]
            else:
                parts = []
                for number, teacher in enumerate(module.teachers):
                    logits = teacher.network(batch["depth"]).logits
                    parts.append((number, F.cross_entropy(logits, batch["labels"], label_smoothing=0.1)))
            for number, lost in parts:
                made[number]["optimizer"].zero_grad()
                lost.backward()
                torch.nn.utils.clip_grad_norm_(learners[number].parameters(), CLIP_NORM)
                made[number]["optimizer"].step()
                made[number]["lr_scheduler"]["scheduler"].step()
            losses.append(sum(float(lost.detach()) for _, lost in parts) / len(parts))
        told.append(sum(losses) / len(losses))
    return told


@pytest.mark.parametrize("every", [1, 2])
def test_it_is_the_plain_loop_of_the_paper(make, cpu, tmp_path, every):
    module, turns = make(every)
    losses = train(module, turns, tmp_path / "a.ckpt", cpu, "together")
    plain, turns = make(every)
    assert losses == pytest.approx(by_hand(plain, turns), rel=1e-5)
    for name, value in bits(plain).items():
        torch.testing.assert_close(module.state_dict()[name], value, atol=1e-5, rtol=1e-4)


def test_in_nobodys_turn_does_anything_of_theirs_change(make, cpu, tmp_path):
    """Also not the running means of their batch norms."""
    module, turns = make()
    seen = []

    class Watched(Together):
        def on_train_epoch_end(self):
            seen.append((self.students_turn, [bits(t) for t in self.teachers], bits(self.student)))

    module.__class__ = Watched
    before = [bits(t) for t in module.teachers], bits(module.student)
    train(module, turns, tmp_path / "a.ckpt", cpu, "together")
    for students, teachers, student in seen:
        assert [same(a, b) for a, b in zip(teachers, before[0], strict=True)] == [students, students]
        assert same(student, before[1]) != students
        before = teachers, student
    assert [students for students, *_ in seen] == 4 * [False, True]


@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_broken_off_in_either_turn_it_goes_on_to_the_same_bits(make, cpu, tmp_path, epoch):
    whole, turns = make()
    expected = train(whole, turns, tmp_path / "whole.ckpt", cpu, "whole")
    module, turns = make(kind=Breaking)
    turns.breaks = epoch
    with pytest.raises(Broken):
        train(module, turns, tmp_path / "a.ckpt", cpu, "broken")
    resumed, turns = make()
    assert train(resumed, turns, tmp_path / "a.ckpt", cpu, "resumed") == expected
    assert same(bits(resumed), bits(whole))


def test_the_teachers_are_asked_for_the_clip_that_the_student_sees(make):
    module, turns = make()
    turns.epoch = 1
    batch = next(iter(turns))
    module.teachers.eval()
    said = [Output(s["logits"], s["embedding"]) for s in module._said(batch)]
    for teacher, heard in zip(module.teachers, said, strict=True):
        assert torch.equal(heard.logits, teacher.network(batch["depth"]).logits)
        assert not heard.logits.requires_grad
