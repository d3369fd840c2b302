import math

import pytest
import torch

from edgehar.models.agcn import AdaptiveGraphConvolution, Block, Temporal
from edgehar.models.graphs import COCO

A = torch.from_numpy(COCO.adjacency())


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
