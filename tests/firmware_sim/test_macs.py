"""MACs of single operators, worked by hand."""

from __future__ import annotations

import pytest

from firmware_sim.macs import count_macs


@pytest.mark.parametrize(
    ("name", "inputs", "output", "macs"),
    [
        ("CONV_2D", [(1, 8, 8, 3), (4, 3, 3, 3)], (1, 6, 6, 4), 6 * 6 * 4 * 27),
        ("CONV_2D", [(1, 1, 128, 4), (8, 1, 9, 2)], (1, 1, 128, 8), 128 * 8 * 9 * 2),  # two groups
        ("DEPTHWISE_CONV_2D", [(1, 1, 128, 6), (1, 1, 9, 6)], (1, 1, 64, 6), 64 * 6 * 9),
        ("FULLY_CONNECTED", [(1, 10), (5, 10)], (1, 5), 50),
        ("FULLY_CONNECTED", [(1, 7, 10), (5, 10)], (1, 7, 5), 350),
        ("TRANSPOSE_CONV", [(4,), (5, 2, 2, 3), (1, 4, 4, 3)], (1, 8, 8, 5), 4 * 4 * 3 * 5 * 2 * 2),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 5 * 4),
        ("CONV_3D", [(1, 4, 4, 4, 2), (3, 3, 3, 2, 6)], (1, 2, 2, 2, 6), 8 * 6 * 27 * 2),
        ("ADD", [(1, 8), (1, 8)], (1, 8), 0),
        ("SOFTMAX", [(1, 8)], (1, 8), 0),
        ("CUSTOM:Mine", [(1, 8)], (1, 8), None),
        ("STABLEHLO_CONVOLUTION", [(1, 8)], (1, 8), None),
        ("BUILTIN_999", [(1, 8)], (1, 8), None),
        ("WHILE", [(1, 8)], (1, 8), None),
    ],
)
def test_macs(name: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], macs: int | None) -> None:
    assert count_macs(name, inputs, output) == macs


def test_a_transposed_left_factor() -> None:
    assert count_macs("BATCH_MATMUL", [(2, 4, 3), (2, 4, 5)], (2, 3, 5), adjoint=True) == 2 * 3 * 5 * 4
