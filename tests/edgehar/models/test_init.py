"""What every student and every teacher must do: to be named is to be tested."""

import inspect
from functools import cache

import pytest
import torch

from edgehar.models import STUDENTS, TEACHERS
from edgehar.models.output import Output
from edgehar.networks import build_student, build_teacher, load_weights, save_weights

CLASSES, WINDOW = 7, 128
JOINTS = 20  # of UTD-MHAD and of the embedded body
NAMES = [*STUDENTS, *TEACHERS]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def build(name):
    torch.manual_seed(0)
    return build_student(name, CLASSES, WINDOW) if name in STUDENTS else build_teacher(name, CLASSES)


@cache
def built(name):
    """Built once and asked only; its batch norms have seen clips, so that eval mode has statistics."""
    network = build(name).train()
    with torch.no_grad():
        for seed in range(3):
            network(*inputs(name, 6, seed))
    return network.eval()


def inputs(name, count=3, seed=0):
    """What the network's streams look like, of `count` clips."""
    made = {
        "acc": lambda: (
            torch.randn(count, WINDOW, 3, generator=seeded(seed)).cumsum(1) + torch.tensor([0, 9.8, 0])
        ),
        "depth": lambda: torch.randint(0, 200, (count, 16, 32, 20, 1), generator=seeded(seed)).byte(),
        "rgb": lambda: torch.randint(0, 256, (count, 16, 32, 20, 3), generator=seeded(seed)).byte(),
        "skeleton": lambda: (
            torch.randn(count, 1, JOINTS, 3, generator=seeded(seed))
            + torch.randn(count, WINDOW, JOINTS, 3, generator=seeded(seed + 9)).cumsum(1) / 20
        ),
    }
    return [made[stream]() for stream in build(name).streams]


def ways(name):
    """The networks whose mean opinion it is, where it is one; else itself."""
    return getattr(built(name), "ways", [built(name)])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_scores_embedding_and_maps_have_the_documented_shapes(name):
    said = built(name)(*inputs(name))
    assert isinstance(said, Output)
    assert said.logits.shape == (3, CLASSES)
    assert said.embedding.dim() == 2
    assert said.maps
    assert all(m.shape[0] == 3 and m.dim() >= 3 for m in said.maps.values())
    assert {t.dtype for t in (said.logits, said.embedding, *said.maps.values())} == {torch.float32}


def test_the_embedding_is_what_the_last_layer_reads(name):
    """In eval mode logits are a linear function of the embedding: the same one for every clip."""
    for network in ways(name):
        said = network(*inputs(name, 4))
        last = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
        assert last.out_features == CLASSES
        torch.testing.assert_close(last(said.embedding), said.logits, atol=1e-4, rtol=1e-4)


def test_a_clip_is_predicted_alone_as_in_a_batch(name):
    network, batch = built(name), inputs(name, 4)
    together = network(*batch)
    for row in range(4):
        alone = network(*(values[row : row + 1] for values in batch))
        torch.testing.assert_close(alone.logits[0], together.logits[row], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(alone.embedding[0], together.embedding[row], atol=1e-4, rtol=1e-4)


def test_asking_twice_says_the_same_and_changes_nothing(name):
    network, batch = built(name), inputs(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    first, second = network(*batch), network(*batch)
    torch.testing.assert_close(first.logits, second.logits, atol=0, rtol=0)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_different_clips_get_different_scores(name):
    said = built(name)(*inputs(name, 3))
    assert not torch.allclose(said.logits[0], said.logits[1], atol=1e-4)


def test_survives_save_and_load_bit_for_bit(name, tmp_path):
    network = built(name)
    save_weights(network, tmp_path / "weights.safetensors")
    torch.manual_seed(1)
    other = build_student(name, CLASSES, WINDOW) if name in STUDENTS else build_teacher(name, CLASSES)
    load_weights(other, tmp_path / "weights.safetensors")
    assert not other.training
    said, again = network(*inputs(name)), other(*inputs(name))
    torch.testing.assert_close(again.logits, said.logits, atol=0, rtol=0)
    save_weights(other, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "weights.safetensors").read_bytes()


def test_the_gradient_reaches_every_weight(name):
    network = build(name).train()
    said = network(*inputs(name, 4))
    torch.nn.functional.cross_entropy(said.logits, torch.arange(4)).backward()
    missing = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


def test_the_seed_alone_decides_the_first_weights(name):
    one, other = build(name).state_dict(), build(name).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_silent_clip_gives_scores_and_not_nan(name):
    silent = [torch.zeros_like(values) for values in inputs(name)]
    assert torch.isfinite(built(name)(*silent).logits).all()


def test_streams_are_the_inputs(name):
    network = built(name)
    for way in ways(name):
        assert network.streams == way.streams
        assert len(way.streams) == len(inspect.signature(way.forward).parameters)
    if name in STUDENTS:
        assert network.streams == ("acc",)
        assert isinstance(network.float_parts, tuple)


BUDGETS = {"acc-micro": 12_500, "acc-watch": 65_000, "acc-watch-l": 105_000}


@pytest.mark.parametrize("name", BUDGETS)
def test_students_keep_to_their_budget_of_weights(name):
    """About 12, 60 and 98 thousand with 27 classes; 12 and 60 leave room for 30 and 100 KiB of int8 file."""
    weights = sum(p.numel() for p in build_student(name, 27, WINDOW).parameters())
    assert 0.7 * BUDGETS[name] < weights <= BUDGETS[name]


@pytest.mark.parametrize("name", STUDENTS)
@pytest.mark.parametrize(("classes", "window"), [(2, 128), (27, 256)])
def test_students_take_other_class_counts_and_windows(name, classes, window):
    network = build_student(name, classes, window).eval()
    assert network(torch.randn(2, window, 3, generator=seeded())).logits.shape == (2, classes)


@pytest.mark.parametrize("name", ["depth", "rgb"])
@pytest.mark.parametrize(("frames", "height", "width"), [(8, 16, 12), (16, 32, 20), (32, 64, 40)])
def test_video_teachers_take_any_size_of_clip(name, frames, height, width):
    channels = inputs(name)[0].shape[-1]
    video = torch.randint(0, 256, (1, frames, height, width, channels), generator=seeded()).byte()
    assert built(name)(video).logits.shape == (1, CLASSES)


@pytest.mark.parametrize("name", ["skeleton", "fusion"])
@pytest.mark.parametrize("window", [1, 31, 64, 300])
def test_teachers_of_motion_take_any_length_of_clip(name, window):
    streams = [values[:, :1].expand(-1, window, *values.shape[2:]) for values in inputs(name)]
    assert built(name)(*streams).logits.shape == (3, CLASSES)
