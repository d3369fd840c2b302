from dataclasses import replace

import numpy as np
import pytest
import torch

from edgehar.models.output import Output
from edgehar.signals import augment
from edgehar.training.batches import Bank, Batches, Clips, mixed, teachers_said
from edgehar.training.recipe import Recipe

COUNT, CLASSES = 23, 5
PLAIN = Recipe(epochs=1, batch=4)
FULL = replace(PLAIN, warp=0.2, trim=0.05, rotation=0.2, scale=0.1, noise=0.3, shift=0.1, zoom=0.1, mixup=0.3)
FULL = replace(FULL, turn=0.2, stretch=0.1, joint_noise=0.01)


def clips(count=COUNT):
    """Every modality of clip n holds n; its label is n modulo the classes."""
    number = np.arange(count)
    arrays = {
        "acc": np.broadcast_to(number[:, None, None], (count, 16, 3)).astype(np.float32),
        "skeleton": np.broadcast_to(number[:, None, None, None], (count, 16, 20, 3)).astype(np.float32),
        "depth": np.broadcast_to(number[:, None, None, None, None], (count, 4, 6, 5, 1)).astype(np.uint8),
    }
    return Clips(arrays, number % CLASSES, number.astype(str), CLASSES)


def bank(count=COUNT, views=3, teachers=2):
    """What teacher t says of view v of clip n: logits n + 100 v + 1000 t, embedding minus that."""
    number = torch.arange(float(count))
    view = 100 * torch.arange(float(views))[:, None]
    warps = torch.stack(
        [augment.draw_warps(count, 0.3, 0.1, torch.Generator().manual_seed(v)) for v in range(views)]
    )
    said = []
    for teacher in range(teachers):
        values = (number + view + 1000 * teacher)[..., None]
        course = values[..., None].repeat(1, 1, 3, 4)
        said.append(Output(values.repeat(1, 1, CLASSES), -values.repeat(1, 1, 2 + teacher), {"last": course}))
    return Bank(warps, tuple(said))


def numbers(batch):
    return batch["acc"][:, 0, 0].round().long()


def test_row_i_of_everything_is_one_clip():
    for batch in Batches(clips(), replace(PLAIN, warp=0.2, trim=0.1), seed=0, bank=bank()):
        number = numbers(batch)
        assert torch.equal(batch["labels"].argmax(1), number % CLASSES)
        assert torch.equal(batch["labels"].sum(1), torch.ones(len(number)))
        assert (batch["skeleton"].round() == number[:, None, None, None]).all()
        assert (batch["depth"] == number[:, None, None, None, None]).all()
        assert batch["depth"].dtype == torch.uint8
        first, second = teachers_said(batch)
        assert torch.equal(first.logits[:, 0] % 100, number.float())
        assert torch.equal(second.logits - first.logits, torch.full_like(first.logits, 1000))
        assert torch.equal(-first.embedding[:, 0], first.logits[:, 0])
        assert first.maps["last"].shape == (len(number), 3, 4)
        assert torch.equal(first.maps["last"][:, 2, 3], first.logits[:, 0])
        assert second.embedding.shape[1] == 3


def test_student_and_teacher_see_the_same_view():
    """The student's time runs as the bank's warp of the view whose answer stands in its row."""
    known = bank()
    ramp = np.broadcast_to(np.linspace(0, 1, 16)[:, None], (COUNT, 16, 3)).astype(np.float32)
    numbered = Clips({"acc": ramp}, clips().labels, clips().subjects, CLASSES)
    views = set()
    for batch in Batches(numbered, replace(PLAIN, warp=0.5), seed=1, bank=known):
        (first, _) = teachers_said(batch)
        for row, said in zip(batch["acc"], first.logits[:, 0].long().tolist(), strict=True):
            view, number = divmod(said, 100)
            expected = augment.warp_positions(known.warps[view, number][None], 16)[0] / 15
            torch.testing.assert_close(row[:, 0], expected, atol=1e-5, rtol=0)
            views.add(view)
    assert views == {0, 1, 2}


@pytest.mark.parametrize(("count", "batch"), [(23, 4), (8, 4), (3, 4), (1, 4), (7, 4), (9, 1)])
def test_every_clip_is_seen_once_an_epoch(count, batch):
    batches = Batches(clips(count), replace(PLAIN, batch=batch), seed=0)
    drawn = [numbers(b) for b in batches]
    assert sorted(torch.cat(drawn).tolist()) == list(range(count))
    assert len(drawn) == len(batches)
    assert all(len(rows) >= min(batch, count) for rows in drawn)  # no crumb of a batch for batch norm


def flat(value):
    """Every tensor of a batch, in a fixed order."""
    if isinstance(value, dict):
        return [tensor for key in sorted(value) for tensor in flat(value[key])]
    if isinstance(value, tuple | list):
        return [tensor for item in value for tensor in flat(item)]
    return [value]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(flat(one), flat(other), strict=True))


def test_an_epoch_depends_on_seed_and_epoch_alone():
    epoch3 = Batches(clips(), FULL, seed=5, bank=bank())
    epoch3.epoch = 3
    first = list(epoch3)
    torch.rand(11)
    other = Batches(clips(), FULL, seed=5, bank=bank())
    for other.epoch in (0, 1, 2):
        list(other)
    other.epoch = 3
    assert same(first, list(other))


def test_epochs_and_seeds_differ():
    drawn = {}
    for seed in (0, 1):
        batches = Batches(clips(), FULL, seed)
        for batches.epoch in (0, 1, 2):
            drawn[seed, batches.epoch] = list(batches)
    keys = list(drawn)
    assert not any(same(drawn[a], drawn[b]) for a in keys for b in keys if a < b)


def test_orders_of_epochs_differ():
    batches = Batches(clips(), PLAIN, seed=0)
    orders = []
    for batches.epoch in range(5):
        orders.append(torch.cat([numbers(batch) for batch in batches]).tolist())
    assert len({tuple(order) for order in orders}) == 5


def test_processes_share_an_epoch_without_overlap():
    whole = Batches(clips(), PLAIN, seed=0)
    parts = []
    for rank in range(2):
        batches = Batches(clips(), PLAIN, seed=0)
        batches.rank, batches.ranks = rank, 2
        drawn = list(batches)
        assert len(drawn) == len(batches)
        parts.append(torch.cat([numbers(batch) for batch in drawn]).tolist())
    assert sorted(parts[0] + parts[1]) == sorted(torch.cat([numbers(b) for b in whole]).tolist())


def test_the_clips_themselves_are_never_changed():
    held = clips()
    before = {name: values.copy() for name, values in held.arrays.items()}
    list(
        Batches(Clips({n: v.copy() for n, v in held.arrays.items()}, held.labels, held.subjects, 5), FULL, 0)
    )
    batches = Batches(held, FULL, 0)
    list(batches)
    assert all(np.array_equal(before[name], values) for name, values in held.arrays.items())


def test_what_concerns_the_watch_leaves_the_skeleton_and_the_other_way_round():
    base = next(iter(Batches(clips(), PLAIN, seed=0)))
    watch = next(iter(Batches(clips(), replace(PLAIN, rotation=0.3, scale=0.1, noise=0.3), seed=0)))
    body = next(iter(Batches(clips(), replace(PLAIN, turn=0.3, stretch=0.1, joint_noise=0.01), seed=0)))
    torch.testing.assert_close(watch["skeleton"], base["skeleton"])
    torch.testing.assert_close(body["acc"], base["acc"])
    assert not torch.allclose(watch["acc"], base["acc"])
    assert not torch.allclose(body["skeleton"], base["skeleton"])


def test_a_body_is_turned_about_the_vertical_alone():
    batch = next(iter(Batches(clips(), replace(PLAIN, turn=0.3), seed=0)))
    number = numbers(batch).float()[:, None, None]
    torch.testing.assert_close(batch["skeleton"][..., 1], number.expand(-1, 16, 20))
    lengths = batch["skeleton"][..., [0, 2]].norm(dim=3)
    torch.testing.assert_close(lengths, (number * 2**0.5).expand(-1, 16, 20))


# Mixup


def test_mixup_mixes_everything_with_the_same_partner_and_weight():
    """A clip's number, label and teachers' words are linear in the weights: one must tell the others."""
    clean = next(iter(Batches(clips(), replace(PLAIN, batch=8), seed=2, bank=bank())))
    batch = mixed(clean, 0.4, torch.Generator().manual_seed(3))
    partners = torch.randperm(len(clean["labels"]), generator=torch.Generator().manual_seed(3))
    old, new = clean["acc"][:, 0, 0], batch["acc"][:, 0, 0]
    moved = old != old[partners]
    weight = ((new - old[partners]) / (old - old[partners]))[moved]
    assert ((weight >= 0) & (weight <= 1)).all()
    assert len(set(weight.tolist())) == len(weight)  # each row its own
    for name in ("labels", "skeleton"):
        given, partner = clean[name].flatten(1)[moved], clean[name][partners].flatten(1)[moved]
        expected = weight[:, None] * given + (1 - weight[:, None]) * partner
        torch.testing.assert_close(batch[name].flatten(1)[moved], expected, atol=1e-4, rtol=1e-4)
    for said, before in zip(flat(batch["teachers"]), flat(clean["teachers"]), strict=True):
        share = weight.reshape(-1, *[1] * (before.dim() - 1))
        expected = share * before[moved] + (1 - share) * before[partners][moved]
        torch.testing.assert_close(said[moved], expected, atol=1e-2, rtol=1e-4)


def test_mixed_labels_are_probabilities():
    for batch in Batches(clips(), FULL, seed=0):
        torch.testing.assert_close(batch["labels"].sum(1), torch.ones(len(batch["labels"])))
        assert (batch["labels"] >= 0).all()
        assert batch["depth"].dtype == torch.uint8


def test_the_weights_are_betas():
    """Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1))."""
    batch = {"labels": torch.eye(2).repeat(2000, 1), "acc": torch.arange(4000.0)[:, None]}
    partners = torch.randperm(4000, generator=torch.Generator().manual_seed(0))
    new = mixed(batch, 0.5, torch.Generator().manual_seed(0))["acc"][:, 0]
    old = batch["acc"][:, 0]
    weight = ((new - old[partners]) / (old - old[partners]))[(old - old[partners]).abs() > 100]
    assert weight.mean().item() == pytest.approx(0.5, abs=0.02)
    assert weight.var().item() == pytest.approx(1 / 8, rel=0.05)


def test_without_mixup_labels_are_certain():
    for batch in Batches(clips(), replace(FULL, mixup=0.0), seed=0):
        assert ((batch["labels"] == 0) | (batch["labels"] == 1)).all()


# Clips


def test_clips_by_mask_and_by_slice():
    held = clips()
    chosen = held.only(np.arange(COUNT) % 2 == 1)
    assert chosen.arrays["acc"][:, 0, 0].tolist() == list(range(1, COUNT, 2))
    assert chosen.subjects.tolist() == [str(n) for n in range(1, COUNT, 2)]
    assert chosen.labels.tolist() == [n % CLASSES for n in range(1, COUNT, 2)]
    assert held.only(slice(2, 4)).labels.tolist() == [2, 3]
    assert len(chosen) == 11


def test_named_streams_alone():
    assert list(clips().streams(("depth",)).arrays) == ["depth"]
    with pytest.raises(KeyError):
        clips().streams(("rgb",))


def test_a_pooled_bank_answers_with_its_mean_and_leaves_time_free():
    known = replace(bank(), pooled=True)
    ramp = np.broadcast_to(np.linspace(0, 1, 16)[:, None], (COUNT, 16, 3)).astype(np.float32)
    numbered = Clips({"acc": ramp}, clips().labels, clips().subjects, CLASSES)
    recipe = replace(PLAIN, warp=0.5)
    heard = next(iter(Batches(numbered, recipe, seed=1, bank=known)))
    (first, second) = teachers_said(heard)
    number = first.logits[:, 0] - 100  # the mean over views 0, 1, 2 adds 100
    assert torch.equal(number % 1, torch.zeros(len(number)))
    assert torch.equal(heard["labels"].argmax(1), number.long() % CLASSES)
    assert torch.equal(second.logits - first.logits, torch.full_like(first.logits, 1000))
    alone = next(iter(Batches(numbered, recipe, seed=1)))
    assert torch.equal(heard["labels"], alone["labels"])
    bent = known.warps[:, number.long()]  # none of the bank's own warps is used
    for view in range(3):
        assert not torch.allclose(heard["acc"][:, :, 0], augment.warp_positions(bent[view], 16) / 15)


def test_a_pooled_bank_too_large_for_a_mean_in_memory_answers_the_same(monkeypatch):
    known, rows = replace(bank(), pooled=True), torch.tensor([3, 0, 7])
    views = torch.zeros(3, dtype=torch.long)
    at_once = known.heard(views, rows)
    monkeypatch.setattr("edgehar.training.batches.LARGE", 0)
    by_row = replace(bank(), pooled=True).heard(views, rows)
    for one, other in zip(at_once, by_row, strict=True):
        for name, part in one.items():
            torch.testing.assert_close(other[name], part)
