import pytest
import torch

from edgehar.models.graphs import GRAPHS
from edgehar.models.posed import JointFinder, PosedVideo, video_teacher
from edgehar.models.video import Video21D

CLASSES = 5


def video(count=2, frames=8, height=32, width=20, channels=1, seed=0):
    drawn = torch.Generator().manual_seed(seed)
    return torch.randint(0, 200, (count, frames, height, width, channels), generator=drawn).byte()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = PosedVideo(CLASSES, graph="kinect").train()
    with torch.no_grad():
        for seed in range(3):
            made(video(4, seed=seed))
    return made.eval()


@pytest.mark.parametrize("size", [(64, 40), (32, 20), (17, 31)])
def test_every_frame_of_any_size_has_joints(size):
    finder = JointFinder(7, "depth").eval()
    with torch.inference_mode():
        assert finder(video(2, 6, *size)).shape == (2, 6, 7, 3)


def test_colour_has_joints_too():
    finder = JointFinder(4, "rgb").eval()
    with torch.inference_mode():
        assert finder(video(1, 4, channels=3)).shape == (1, 4, 4, 3)


@torch.inference_mode()
def test_its_opinion_is_the_mean_of_both_ways(network):
    said = network(video())
    ways = network.watch(video()).logits, network.name(network.find(video())).logits
    expected = sum(torch.log_softmax(logits.double(), 1) for logits in ways) / 2
    torch.testing.assert_close(said.logits.double(), expected, atol=1e-5, rtol=1e-5)
    assert said.embedding.shape == (2, sum(way.fc0.out_features for way in (network.watch, network.name.net)))


@torch.inference_mode()
def test_the_way_by_joints_sees_joints_alone(network, monkeypatch):
    """Two videos with the same joints in them are named alike by it."""
    joints = torch.randn(2, 8, 20, 3, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(network.find, "forward", lambda seen: joints)
    one, other = network(video()), network(video(seed=1))
    half = one.embedding.shape[1] // 2
    torch.testing.assert_close(one.embedding[:, half:], other.embedding[:, half:])
    assert not torch.allclose(one.embedding[:, :half], other.embedding[:, :half])


def test_a_graph_decides_whether_joints_are_found():
    assert isinstance(video_teacher(CLASSES, "rgb"), Video21D)
    for name, graph in GRAPHS.items():
        assert video_teacher(CLASSES, "depth", graph=name).find.joints == len(graph.joints)
