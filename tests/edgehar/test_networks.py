import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edgehar.errors import InputError
from edgehar.models.graphs import GRAPHS
from edgehar.networks import ask, build_student, build_teacher, load_weights, save_weights
from edgehar.signals import augment
from edgehar.training.batches import Clips


def clips(count=7, seed=0):
    rng = np.random.default_rng(seed)
    arrays = {
        "acc": rng.normal(0, 4, (count, 128, 3)).astype(np.float32),
        "depth": rng.integers(0, 200, (count, 8, 16, 12, 1), dtype=np.uint8),
    }
    return Clips(arrays, np.arange(count) % 3, np.array(["1"] * count), 3)


@pytest.fixture
def student():
    torch.manual_seed(0)
    return build_student("acc-micro", 3, 128)


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return build_teacher("depth", 3)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: build_student("acc-wach", 3, 128), "No student called 'acc-wach'. Did you mean 'acc-watch'"),
        (lambda: build_teacher("dept", 3), "No teacher called 'dept'. Did you mean 'depth'"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(build, sentence):
    with pytest.raises(InputError) as error:
        build()
    assert sentence in str(error.value)


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_asking_keeps_the_order_whatever_the_batch(student, batch):
    whole = ask(student, clips(), batch=7)
    said = ask(student, clips(), batch=batch)
    assert said.logits.shape == (7, 3)
    assert said.maps == {}
    torch.testing.assert_close(said.logits, whole.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(said.embedding, whole.embedding, atol=1e-5, rtol=1e-5)


def test_asking_is_in_eval_mode_without_gradients(student):
    said = ask(student.train(), clips())
    assert not student.training
    assert not said.logits.requires_grad
    torch.testing.assert_close(ask(student, clips()).logits, said.logits, atol=0, rtol=0)
    (said.embedding * 2).sum()  # an ordinary tensor, which later training may use
    assert not said.embedding.is_inference()


@pytest.mark.parametrize("name", ["student", "teacher"])
def test_a_view_is_the_clip_warped(name, request):
    network = request.getfixturevalue(name)
    warps = augment.draw_warps(7, 0.4, 0.1, torch.Generator().manual_seed(1))
    warped = dict(clips().arrays)
    warped["acc"] = augment.warp_motion(torch.from_numpy(warped["acc"]), warps).numpy()
    none = torch.Generator()
    warped["depth"] = augment.warp_video(torch.from_numpy(warped["depth"]), warps, generator=none).numpy()
    expected = ask(network, Clips(warped, clips().labels, clips().subjects, 3))
    said = ask(network, clips(), warps, batch=3)
    torch.testing.assert_close(said.logits, expected.logits, atol=1e-5, rtol=1e-5)


def test_unchanged_time_is_the_clip_itself(teacher):
    said = ask(teacher, clips(), augment.no_warps(7))
    torch.testing.assert_close(said.logits, ask(teacher, clips()).logits, atol=1e-5, rtol=1e-5)


def test_a_network_that_diverged_is_told_and_not_scored(student):
    with torch.no_grad():
        student.fc.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="diverged"):
        ask(student, clips())


# Weights


def test_weights_go_into_a_folder_that_is_made(student, tmp_path):
    save_weights(student, tmp_path / "a" / "student.safetensors")
    torch.manual_seed(1)
    other = load_weights(build_student("acc-micro", 3, 128), tmp_path / "a" / "student.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(student.parameters(), other.parameters(), strict=True))


def test_there_is_no_pickle_in_the_file(student, tmp_path):
    save_weights(student, tmp_path / "w.safetensors")
    head = (tmp_path / "w.safetensors").read_bytes()[:64]
    assert head[8:9] == b"{"  # safetensors: a length, then JSON


def test_whoever_may_read_the_folder_may_read_the_weights(student, tmp_path):
    save_weights(student, tmp_path / "w.safetensors")
    (tmp_path / "text").write_text("")
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "text").stat().st_mode


def refused(network, path):
    with pytest.raises(InputError) as error:
        load_weights(network, path)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_missing_weights_are_named(student, tmp_path):
    assert "does not exist" in refused(student, tmp_path / "gone.safetensors")


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_weights_cut_short_are_refused(student, tmp_path, left):
    path = tmp_path / "w.safetensors"
    save_weights(student, path)
    path.write_bytes(path.read_bytes()[:left])
    assert "damaged" in refused(student, path)


def test_another_networks_weights_are_refused(student, tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(build_student("acc-watch", 3, 128), path)
    assert "another network" in refused(student, path)
    save_weights(build_student("acc-micro", 4, 128), path)
    assert "another network" in refused(student, path)


def test_a_weight_that_is_missing_in_the_file_is_refused(student, tmp_path):
    path = tmp_path / "w.safetensors"
    state = {k: v.contiguous() for k, v in student.state_dict().items() if k != "fc.bias"}
    save_file(state, path)
    assert "another network" in refused(student, path)


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_teacher_is_built_for_the_recordings_skeleton(graph):
    joints = len(GRAPHS[graph].joints)
    skeletons = torch.randn(2, 16, joints, 3, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        said = build_teacher("skeleton", 5, graph=graph).eval()(skeletons)
    assert said.logits.shape == (2, 5)
    assert build_teacher("depth", 5, graph=graph).find.joints == joints


@pytest.mark.parametrize("name", ["skeleton", "fusion"])
def test_a_preset_has_networks_of_its_own(name):
    """Ten blocks of 64, 128 and 256 channels, as in the paper; the toolkit's own has two ways of one."""
    ours, papers = build_teacher(name, 27), build_teacher(name, 27, "paper")
    assert [[len(way.net.blocks) for way in network.ways] for network in (ours, papers)] == [[1, 1], [10]]
    (way,) = papers.ways
    assert [block.time.conv.out_channels for block in way.net.blocks] == 4 * [64] + 3 * [128] + 3 * [256]
