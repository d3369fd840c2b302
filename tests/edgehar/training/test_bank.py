import numpy as np
import pytest
import torch

from edgehar.networks import ask, build_teacher
from edgehar.signals.augment import no_warps
from edgehar.training.bank import ask_views, view_warps
from edgehar.training.batches import Clips
from edgehar.training.recipe import Recipe

RECIPE = Recipe(epochs=1, warp=0.3, trim=0.1)

pytestmark = pytest.mark.usefixtures("own_cache")


class Counting:
    """A progress bar that counts the views it was shown."""

    def __init__(self):
        self.views, self.titles = 0, []

    def __call__(self, items, title, total):
        self.titles.append((title, total))
        for item in items:
            self.views += 1
            yield item


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return build_teacher("depth", 4)


def test_views_are_drawn_from_the_seed_alone():
    warps = view_warps(6, 3, RECIPE, seed=1)
    torch.rand(5)
    assert warps.shape[:2] == (3, 6)
    assert torch.equal(warps, view_warps(6, 3, RECIPE, seed=1))
    assert not torch.equal(warps, view_warps(6, 3, RECIPE, seed=2))
    assert len({tuple(w) for w in warps.flatten(0, 1).tolist()}) == 18


def test_a_recipe_that_leaves_time_alone_has_equal_views():
    torch.testing.assert_close(view_warps(2, 2, Recipe(epochs=1), 0), no_warps(4).reshape(2, 2, -1))


def test_each_view_is_what_the_teacher_says_of_the_warped_clips(teacher, clips):
    warps = view_warps(len(clips), 2, RECIPE, 0)
    kept = ask_views(teacher, clips, warps, "kept", "Asking")
    assert kept.logits.shape == (2, len(clips), 4)
    for view in range(2):
        said = ask(teacher, clips, warps[view], courses=True)
        for mine, theirs in zip(parts(kept), parts(said), strict=True):
            torch.testing.assert_close(mine[view], theirs, atol=0, rtol=0)


def parts(said):
    return [said.logits, said.embedding, said.maps["middle"], said.maps["last"]]


def test_a_teacher_is_asked_once(teacher, clips, own_cache):
    warps, progress = view_warps(len(clips), 2, RECIPE, 0), Counting()
    first = ask_views(teacher, clips, warps, "kept", "Asking the depth teacher", progress)
    assert progress.titles == [("Asking the depth teacher", 2)]
    second = ask_views(teacher, clips, warps, "kept", "Asking", progress)
    assert progress.views == 2
    assert all(torch.equal(a, b) for a, b in zip(parts(first), parts(second), strict=True))
    ask_views(teacher, clips, warps, "another", "Asking", progress)
    assert progress.views == 4
    assert sorted(p.name for p in (own_cache / "banks").iterdir()) == [
        "another.npy",
        "kept.npy",
    ]


@pytest.mark.parametrize("left", [0, 4, 200, -1])
def test_a_damaged_bank_is_asked_for_again(teacher, clips, own_cache, left):
    warps, progress = view_warps(len(clips), 2, RECIPE, 0), Counting()
    first = ask_views(teacher, clips, warps, "kept", "Asking", progress)
    (path,) = (own_cache / "banks").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    second = ask_views(teacher, clips, warps, "kept", "Asking", progress)
    assert progress.views == 4
    assert all(torch.equal(a, b) for a, b in zip(parts(first), parts(second), strict=True))
    assert path.read_bytes() == whole


def test_a_large_bank_stays_on_disk_and_says_the_same(teacher, clips, monkeypatch):
    monkeypatch.setattr("edgehar.training.bank.PIECE", 32)
    twice = Clips(
        {name: np.concatenate([values, values]) for name, values in clips.arrays.items()},
        *(np.concatenate([each, each]) for each in (clips.labels, clips.subjects)),
        clips.classes,
    )
    warps = view_warps(len(twice), 2, RECIPE, 0)
    mapped = ask_views(teacher, twice, warps, "kept", "Asking", large=0)
    copied = ask_views(teacher, twice, warps, "kept", "Asking")
    assert copied.logits.is_contiguous()
    assert mapped.logits.stride()[1] == sum(
        part[0, 0].numel() for part in parts(mapped)
    )  # of the file's records
    assert all(torch.equal(a, b) for a, b in zip(parts(mapped), parts(copied), strict=True))
    expected = ask(teacher, twice, warps[1], courses=True)  # in one piece
    assert all(torch.equal(a[1], b) for a, b in zip(parts(mapped), parts(expected), strict=True))
