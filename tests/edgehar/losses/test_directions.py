import pytest
import torch

from edgehar.losses.directions import unit


def test_by_hand():
    assert unit(torch.tensor([[3.0, 4.0], [0.0, -2.0]])).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, -1],
    ]


def test_gradient():
    rows = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(unit, rows.requires_grad_())


def test_a_row_without_direction_is_zero_and_has_no_gradient():
    rows = torch.tensor([[0.0, 0.0], [1e-20, 0.0], [1.0, 1.0]], requires_grad=True)
    directions = unit(rows)
    assert directions[:2].tolist() == [[0, 0], [0, 0]]
    (directions * torch.tensor([1.0, 2.0])).sum().backward()
    assert rows.grad[:2].tolist() == [[0, 0], [0, 0]]
    assert rows.grad[2].isfinite().all() and rows.grad[2].abs().sum() > 0
