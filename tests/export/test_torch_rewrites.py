import pytest
import torch
import torch.nn.functional as F
from torch import nn

from export.torch_rewrites import rewritten

X = torch.randn(4, 7, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
@pytest.mark.parametrize(
    "softmax",
    [
        lambda x, dim: x.softmax(dim),
        lambda x, dim: torch.softmax(x, dim=dim),
        lambda x, dim: F.softmax(x, dim),
        lambda x, dim: nn.Softmax(dim)(x),
    ],
)
def test_a_softmax_over_any_axis_is_the_same(softmax, dim):
    with rewritten():
        found = softmax(X, dim)
    assert torch.allclose(found, softmax(X, dim), atol=1e-7)


@pytest.mark.parametrize(
    "total",
    [
        lambda x: x.sum(1),
        lambda x: x.sum(dim=(0, 2), keepdim=True),
        lambda x: torch.sum(x, 2, True),
        lambda x: x.sum(),
        lambda x: x.sum(1, dtype=torch.float64),
        lambda x: x.round().long().sum(1),
    ],
)
def test_a_sum_is_the_same(total):
    with rewritten():
        found = total(X)
    wanted = total(X)
    assert found.dtype == wanted.dtype and torch.allclose(found, wanted, atol=1e-5)


class Pooling(nn.Module):
    def forward(self, x):
        with rewritten():
            return (x * x.softmax(1)).sum(1)


def operators(module):
    program = torch.export.export(module.eval(), (X,))
    return [str(node.target) for node in program.graph.nodes if node.op == "call_function"]


def test_what_a_converter_sees_has_neither():
    names = operators(Pooling())
    assert not any("sum" in name for name in names)
    nodes = torch.export.export(Pooling(), (X,)).graph.nodes
    softmax = [node for node in nodes if "softmax" in str(node.target)]
    assert [node.args[1] for node in softmax] == [-1]


def test_outside_nothing_is_changed():
    with rewritten():
        pass
    assert any("sum" in name for name in operators(Plain()))


class Plain(nn.Module):
    def forward(self, x):
        return x.sum(1)
