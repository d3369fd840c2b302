import math

import pytest
import torch

from edgehar.errors import InputError
from edgehar.models.agcn import (
    PAPER,
    AdaptiveGraphConvolution,
    Block,
    FusionTeacher,
    SkeletonTeacher,
    Temporal,
)
from edgehar.models.graphs import COCO, GRAPHS, KINECT

A = torch.from_numpy(COCO.adjacency())
SMALL = {"looks": ("position", "velocity"), "widths": (4, 6), "strides": (1, 2), "steps": 8, "fc0": 5}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed))


def layer(width_in=3, width_out=8, adjacency=A, spread=1.0):
    """A layer none of whose parts is 0, in double precision."""
    torch.manual_seed(0)
    made = AdaptiveGraphConvolution(width_in, width_out, adjacency).double()
    made.learned.data = 0.1 * spread * rand(*adjacency.shape, seed=1).double()
    made.skeletal = adjacency.double()
    return made


def by_the_equations(layer, x):
    """2s-AGCN eq. 3 to 5, joint by joint, in loops: (A + B + C) and f_out of one clip (V, T, C)."""
    joints, steps, _ = x.shape
    ways, embedding = len(layer.skeletal), layer.heard.out_features // len(layer.skeletal)
    graph = torch.zeros(ways, joints, joints, dtype=torch.float64)
    out = torch.zeros(joints, steps, layer.weight.shape[2], dtype=torch.float64)
    for k in range(ways):
        of_way = slice(k * embedding, (k + 1) * embedding)
        theta, phi = layer.heard.weight[of_way], layer.hearing.weight[of_way]
        for w in range(joints):
            hears = [phi @ x[w, t] + layer.hearing.bias[of_way] for t in range(steps)]
            likeness = []
            for v in range(joints):
                total = sum(float(theta @ x[v, t] @ hears[t]) for t in range(steps))
                likeness.append(math.exp(total / (steps * embedding)))
            for v in range(joints):
                graph[k, v, w] = (
                    layer.skeletal[k, v, w] + layer.learned[k, v, w] + likeness[v] / sum(likeness)
                )
        for w in range(joints):
            for t in range(steps):
                out[w, t] += sum(graph[k, v, w] * x[v, t] for v in range(joints)) @ layer.weight[k]
    return graph, out


@torch.no_grad()
def test_a_graph_convolution_is_the_papers_equations():
    made, x = layer(adjacency=A[:, :7, :7]), rand(2, 7, 3, 3).double()
    graphs, said = made.graph(x), made(x)
    assert graphs.shape == (2, 3, 7, 7)
    for clip in range(2):
        graph, out = by_the_equations(made, x[clip])
        torch.testing.assert_close(graphs[clip], graph)
        torch.testing.assert_close(said[clip], out)


def test_its_gradients_are_right():
    small = torch.from_numpy(COCO.adjacency()[:, :4, :4]).double()
    made, x = layer(2, 4, small), rand(2, 4, 3, 2).double().requires_grad_()
    parameters = dict(made.named_parameters())

    def said(x, *values):
        return torch.func.functional_call(made, dict(zip(parameters, values, strict=True)), x)

    assert torch.autograd.gradcheck(said, (x, *parameters.values()))


def test_at_first_the_learned_graph_is_zero_and_the_clips_own_adds_up_to_one():
    torch.manual_seed(0)
    made = AdaptiveGraphConvolution(3, 8, A)
    assert (made.learned == 0).all()
    own = made.graph(rand(2, 17, 5, 3)) - A
    torch.testing.assert_close(own.sum(2), torch.ones(2, 3, 17))
    assert (own > 0).all()


def test_each_clip_has_a_graph_of_its_own():
    made, x = layer().float(), rand(3, 17, 5, 3)
    together = made.graph(x)
    torch.testing.assert_close(together, torch.cat([made.graph(clip[None]) for clip in x]))
    assert not torch.allclose(together[0], together[1], atol=1e-4)


def test_a_joint_hears_only_whom_the_graph_lets_it_hear():
    """Without B and C, a change of the left wrist reaches the joints one bone away, and no others."""
    made, x = layer(spread=0.0).float(), rand(1, 17, 5, 3)
    made.graph = lambda x: made.skeletal.float().expand(len(x), -1, -1, -1)
    other = x.clone()
    wrist = COCO.joints.index("left_wrist")
    other[:, wrist] += 1
    reached = ((made(x) - made(other)).abs() > 1e-6).any(3).any(2)[0]
    assert {COCO.joints[joint] for joint in reached.nonzero().flatten()} == {"left_wrist", "left_elbow"}


@pytest.mark.parametrize("kernel", [1, 3, 9])
@pytest.mark.parametrize(("stride", "steps"), [(1, 8), (2, 8), (2, 7), (1, 1)])
def test_time_is_convolved_joint_by_joint(kernel, stride, steps):
    made, x = Temporal(3, 4, kernel, stride).eval(), rand(2, 5, steps, 3)
    got = made(x)
    assert got.shape == (2, 5, -(-steps // stride), 4)
    weight = made.conv.weight[:, :, 0]
    for joint in range(5):
        plain = torch.conv1d(x[:, joint].transpose(1, 2), weight, stride=stride, padding=kernel // 2)
        expected = plain.transpose(1, 2) / (1 + made.norm.eps) ** 0.5  # as batch norm is built
        torch.testing.assert_close(got[:, joint], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("first", [True, False])
def test_a_fresh_block_lets_joints_be_and_goes_past_unless_it_is_the_first(first):
    """The graph's batch norm begins near 0, so what comes in goes on; the first block has no way past."""
    block, x = Block(4, 4, 1, 9, A, first=first).eval(), rand(2, 17, 6, 4)
    y = block.time(x.relu())
    torch.testing.assert_close(block(x), (y if first else y + x).relu(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("stride", "steps"), [(1, 8), (2, 8), (2, 5)])
def test_both_ways_through_a_block_have_one_shape(stride, steps):
    made = Block(4, 6, stride, 9, A, first=False).eval()
    assert made(rand(2, 17, steps, 4)).shape == (2, 17, -(-steps // stride), 6)


# Teachers


def teacher(kind=SkeletonTeacher, **changes):
    torch.manual_seed(0)
    return kind(4, **(SMALL | changes))


def body(count=2, steps=16, joints=20, seed=0):
    """Skeletons that stand about 2.5 m away and move."""
    still = rand(count, 1, joints, 3, seed=seed) * 0.4 + torch.tensor([0.1, 0, 2.5])
    return still + rand(count, steps, joints, 3, seed=seed + 1).cumsum(1) * 0.03


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_table_makes_both_teachers(graph):
    joints = len(GRAPHS[graph].joints)
    skeleton, acc = body(joints=joints), rand(2, 16, 3)
    for kind, streams in ((SkeletonTeacher, (skeleton,)), (FusionTeacher, (skeleton, acc))):
        said = teacher(kind, graph=graph).eval()(*streams)
        assert said.logits.shape == (2, 4)
        assert said.embedding.shape == (2, 5)
        shapes = {name: tuple(m.shape) for name, m in said.maps.items()}
        assert shapes == {"block1": (2, 4, 8, joints), "block2": (2, 6, 4, joints)}


def test_neither_place_nor_size_of_a_person_matters():
    network, skeleton = teacher().eval(), body()
    said = network(skeleton).logits
    for other in (skeleton + torch.tensor([0.5, -0.2, 1.0]), skeleton * 1.2, skeleton * 1000):
        torch.testing.assert_close(network(other).logits, said, atol=1e-4, rtol=1e-4)


def test_the_accelerometer_stands_on_every_joint():
    """Fusion (PSKD 3.1): its input is the skeleton's channels and three more, the same on all joints."""
    network, seen = teacher(FusionTeacher), []
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
    assert teacher(FusionTeacher, looks=("position",)).net.blocks[0].space.weight.shape[1] == 6
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


def test_joints_apart_tell_who_moved_and_joints_averaged_do_not():
    """The last pooling: with joints apart, exchanging two of them in the last map changes the scores."""
    swapped = list(range(20))
    swapped[7], swapped[11] = 11, 7
    last = rand(2, 20, 4, 6)
    for apart in (True, False):
        net = teacher(apart=apart).eval().net
        pooled = [net.pool(x.permute(0, 3, 1, 2)) for x in (last, last[:, swapped])]
        assert torch.allclose(*pooled) is not apart


def test_as_many_strides_as_widths():
    with pytest.raises(ValueError, match="2 widths need as many strides, not 3"):
        teacher(strides=(1, 2, 1))


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
    assert sum(p.numel() for p in network.net.blocks.parameters()) == expected
    said = network.eval()(body(steps=128), rand(2, 128, 3))
    assert {name: tuple(m.shape[1:3]) for name, m in said.maps.items()} == {
        **{f"block{n}": (64, 128) for n in range(1, 5)},
        **{f"block{n}": (128, 64) for n in range(5, 8)},
        **{f"block{n}": (256, 32) for n in range(8, 11)},
    }
    assert said.embedding.shape == (2, 512)


def test_it_learns_which_way_a_hand_went():
    """Right hand out and back to one side or the other, by other bodies than it was trained on."""
    labels = torch.arange(32) % 2
    sway = torch.linspace(0, 3.14, 16).sin()[None, :] * (labels[:, None] * 2.0 - 1)

    def bodies(seed):
        moving = body(1, 1) + 0.05 * rand(32, 1, 20, 3, seed=seed) + 0.02 * rand(32, 16, 20, 3, seed=seed + 1)
        moving[:, :, KINECT.joints.index("right_hand"), 0] += 0.5 * sway
        return moving

    network = teacher(widths=(8, 8), fc0=32, dropout=0.0).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
    for step in range(30):
        loss = torch.nn.functional.cross_entropy(network(bodies(3 + 2 * step)).logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right = network.eval()(bodies(101)).logits.argmax(1) == labels
    assert right.float().mean() > 0.9
