import pytest
import torch

from edgehar.losses.precision import widen


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(dtype):
    values = torch.tensor([1.0, -2.5], dtype=dtype)
    assert widen(values).dtype == torch.float32
    assert widen(values).tolist() == [1.0, -2.5]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wider_values_are_left_alone(dtype):
    values = torch.ones(2, dtype=dtype)
    assert widen(values) is values
