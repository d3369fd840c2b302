import pytest
import torch

from edgehar.errors import InputError
from edgehar.models.graph_teachers import PAPER, FusionTeacher, FusionWay, SkeletonTeacher, SkeletonWay
from edgehar.models.graphs import GRAPHS, KINECT

LOOKS = ("position", "velocity")
SMALL = {"looks": LOOKS, "trunk": "pooled", "widths": (4, 6), "strides": (1, 2), "steps": 8, "fc0": 5}
MET = {"looks": LOOKS, "trunk": "met", "widths": (4,), "meet": (6, 5), "meet_strides": (2, 1), "steps": 8}


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def teacher(kind=SkeletonWay, small=SMALL, **changes):
    torch.manual_seed(0)
    return kind(4, **(small | changes))


def body(count=2, steps=16, joints=20, seed=0):
    """Skeletons that stand about 2.5 m away and move."""
    still = rand(count, 1, joints, 3, seed=seed) * 0.4 + torch.tensor([0.1, 0, 2.5])
    return still + rand(count, steps, joints, 3, seed=seed + 1).cumsum(1) * 0.03


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_table_makes_both_teachers(graph):
    joints = len(GRAPHS[graph].joints)
    skeleton, acc = body(joints=joints), rand(2, 16, 3)
    for kind, streams in ((SkeletonWay, (skeleton,)), (FusionWay, (skeleton, acc))):
        said = teacher(kind, graph=graph).eval()(*streams)
        assert said.logits.shape == (2, 4)
        assert said.embedding.shape == (2, 5)
        shapes = {name: tuple(m.shape) for name, m in said.maps.items()}
        assert shapes == {"block1": (2, 4, 8, joints), "block2": (2, 6, 4, joints)}


@pytest.mark.parametrize("graph", GRAPHS)
def test_joints_of_every_table_can_meet(graph):
    joints = len(GRAPHS[graph].joints)
    for kind, streams in ((SkeletonWay, 1), (FusionWay, 2)):
        said = teacher(kind, MET, graph=graph).eval()(*(body(joints=joints), rand(2, 16, 3))[:streams])
        assert said.logits.shape == (2, 4)
        shapes = {name: tuple(m.shape) for name, m in said.maps.items()}
        assert shapes == {"block1": (2, 4, 8, joints), "meet1": (2, 6, 4), "meet2": (2, 5, 4)}
        torch.testing.assert_close(said.embedding, said.maps["meet2"].mean(2))


@pytest.mark.parametrize("kind", [SkeletonTeacher, FusionTeacher])
def test_a_teacher_says_the_mean_of_its_ways_log_probabilities(kind):
    looks = (LOOKS, ("bone", "velocity"))
    network, streams = teacher(kind, MET, looks=looks).eval(), (body(), rand(2, 16, 3))[: len(kind.streams)]
    said, ways = network(*streams), [way(*streams) for way in network.ways]
    assert [way.looks for way in network.ways] == list(looks)
    expected = sum(torch.log(way.logits.double().softmax(1)) for way in ways) / 2
    torch.testing.assert_close(said.logits.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(said.embedding, torch.cat([way.embedding for way in ways], 1))
    assert said.maps.keys() == ways[0].maps.keys()
    for opinion, way in zip(network.opinions(*streams), ways, strict=True):
        torch.testing.assert_close(opinion, way.logits)


@pytest.mark.parametrize("small", [SMALL, MET])
def test_neither_place_nor_size_of_a_person_matters(small):
    network, skeleton = teacher(small=small).eval(), body()
    said = network(skeleton).logits
    for other in (skeleton + torch.tensor([0.5, -0.2, 1.0]), skeleton * 1.2, skeleton * 1000):
        torch.testing.assert_close(network(other).logits, said, atol=1e-4, rtol=1e-4)


def test_the_accelerometer_stands_on_every_joint():
    """Fusion (PSKD 3.1): its input is the skeleton's channels and three more, the same on all joints."""
    network, seen = teacher(FusionWay), []
    network.net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    skeleton, acc = body(), rand(2, 24, 3)  # another number of samples
    network(skeleton, acc)
    (x,) = seen
    assert x.shape == (2, 20, 8, 9)
    torch.testing.assert_close(x[..., :6], network.seen(skeleton))
    expected = acc.view(2, 8, 3, 3).mean(2)  # each of 8 steps the mean of 3 samples
    for joint in range(20):
        torch.testing.assert_close(x[:, joint, :, 6:], expected)


def test_a_fusion_of_positions_has_the_papers_six_channels():
    assert teacher(FusionWay, looks=("position",)).net.blocks[0].space.weight.shape[1] == 6
    assert teacher(looks=("position",)).net.blocks[0].space.weight.shape[1] == 3


@pytest.mark.parametrize(("looks", "wide"), [(("position",), 3), (("position", "bone", "velocity"), 9)])
def test_looks_are_channels(looks, wide):
    network = teacher(looks=looks).eval()
    assert network.seen(body()).shape == (2, 20, 8, wide)
    assert network(body()).logits.shape == (2, 4)


def test_another_number_of_joints_is_refused_in_one_sentence():
    with pytest.raises(InputError) as error:
        teacher()(body(joints=25))
    assert "25 joints" in str(error.value) and "kinect, has 20" in str(error.value)


def test_clips_of_any_length_and_of_one_frame_are_taken():
    network = teacher().eval()
    for steps in (1, 5, 8, 100):
        assert torch.isfinite(network(body(steps=steps)).logits).all()


def test_the_papers_network_is_2s_agcns():
    """Its ten blocks, counted out by hand from the paper's widths for K = 3 and V = 20."""
    torch.manual_seed(0)
    network = FusionTeacher(27, **PAPER)
    widths, expected = (6, *PAPER["widths"]), 0
    for before, after in zip(widths, PAPER["widths"], strict=False):
        embeddings = 3 * (2 * before + 1) * (after // 4)
        expected += 3 * 20 * 20 + embeddings + 3 * before * after + 2 * after  # B, theta, phi, W, norm
        expected += 9 * after * after + 2 * after  # over time
        if before != after:
            expected += before * after + 2 * after  # past the graph
            expected += (before * after + 2 * after) if before != 6 else 0  # past the block
    assert sum(p.numel() for p in network.ways[0].net.blocks.parameters()) == expected
    said = network.eval()(body(steps=128), rand(2, 128, 3))
    assert {name: tuple(m.shape[1:3]) for name, m in said.maps.items()} == {
        **{f"block{n}": (64, 128) for n in range(1, 5)},
        **{f"block{n}": (128, 64) for n in range(5, 8)},
        **{f"block{n}": (256, 32) for n in range(8, 11)},
    }
    assert said.embedding.shape == (2, 512)


@pytest.mark.parametrize("small", [SMALL | {"widths": (8, 8), "fc0": 32}, MET | {"meet": (16, 32)}])
def test_it_learns_which_way_a_hand_went(small):
    """Right hand out and back to one side or the other, by other bodies than it was trained on."""
    labels = torch.arange(32) % 2
    sway = torch.linspace(0, 3.14, 16).sin()[None, :] * (labels[:, None] * 2.0 - 1)

    def bodies(seed):
        moving = body(1, 1) + 0.05 * rand(32, 1, 20, 3, seed=seed) + 0.02 * rand(32, 16, 20, 3, seed=seed + 1)
        moving[:, :, KINECT.joints.index("right_hand"), 0] += 0.5 * sway
        return moving

    network = teacher(small=small, dropout=0.0).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
    for step in range(30):
        loss = torch.nn.functional.cross_entropy(network(bodies(3 + 2 * step)).logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right = network.eval()(bodies(101)).logits.argmax(1) == labels
    assert right.float().mean() > 0.9
