import pytest
import torch

from edgehar.models.graph_trunks import Met, Pooled
from edgehar.models.graphs import KINECT

SMALL = {"widths": (4, 6), "strides": (1, 2), "fc0": 5}
MEET = {"widths": (4,), "meet": (6, 5), "meet_strides": (2, 1)}
JOINTS = len(KINECT.joints)


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made(trunk, **options):
    torch.manual_seed(0)
    return trunk(4, 6, KINECT, **options).eval()


def test_what_meets_is_what_the_blocks_are_shown_and_what_they_make():
    """The first meeting by hand: all joints, as looked at and as made, in one convolution."""
    network, x = made(Met, **MEET), rand(2, JOINTS, 8, 6)
    said, shown = network(x), network.normalised(x)
    block = said.maps["block1"].permute(0, 3, 2, 1)  # (N, V, T, C)
    rows = [torch.cat([shown[:, v], block[:, v]], 2) for v in range(JOINTS)]  # of each joint (N, T, C)
    conv, norm, _ = network.meetings[0]
    expected = torch.conv1d(torch.cat(rows, 2).transpose(1, 2), conv.weight, stride=2, padding=4)
    expected = (expected / (1 + norm.eps) ** 0.5).relu()  # as batch norm is built
    torch.testing.assert_close(said.maps["meet1"], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(said.embedding, said.maps["meet2"].mean(2))


def test_each_channel_of_each_joint_is_normalised():
    network, x = made(Met, **MEET).train(), 3 + 2 * rand(5, JOINTS, 8, 6)
    shown = network.normalised(x)
    expected = (x - x.mean((0, 2), keepdim=True)) / x.std((0, 2), keepdim=True, correction=0)
    torch.testing.assert_close(shown, expected, atol=1e-4, rtol=1e-4)


def test_joints_apart_tell_who_moved_and_joints_averaged_do_not():
    """The last pooling: with joints apart, exchanging two of them in the last map changes the scores."""
    swapped = list(range(JOINTS))
    swapped[7], swapped[11] = 11, 7
    last = rand(2, JOINTS, 4, 6)
    for apart in (True, False):
        net = made(Pooled, **SMALL, apart=apart)
        pooled = [net.pool(x.permute(0, 3, 1, 2)) for x in (last, last[:, swapped])]
        assert torch.allclose(*pooled) is not apart


def test_as_many_strides_as_widths():
    with pytest.raises(ValueError, match="2 widths need as many strides, not 3"):
        made(Pooled, **SMALL | {"strides": (1, 2, 1)})


def test_as_many_strides_as_meetings():
    with pytest.raises(ValueError, match="argument"):
        made(Met, **MEET | {"meet_strides": (2,)})
