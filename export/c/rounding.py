"""Real factors as integers, as TensorFlow Lite's quantisation specification has them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from export.c.graph import scale_of, zero_point_of
from firmware_sim.model import Tensor

LIMITS = (-128, 127)
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)  # the schema's ActivationFunctionType


def multiplier_of(factor: float) -> tuple[int, int]:
    """`factor` as (m, shift) with factor = m / 2^31 * 2^shift, 2^30 <= m < 2^31; (0, 0) if it is too small.

    TFLite's `QuantizeMultiplier`.

    >>> multiplier_of(0.75)
    (1610612736, 0)
    """
    if factor == 0.0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def multipliers_of(factors: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """`multiplier_of` each: int32 multipliers and int8 shifts."""
    pairs = [multiplier_of(factor) for factor in factors]
    return np.array([m for m, _ in pairs], np.int32), np.array([shift for _, shift in pairs], np.int8)


def rescale(value: int, multiplier: int, shift: int) -> int:
    """`rescale` of kernels/rescale.c, for any size of number."""
    value = (value * 2 ** max(shift, 0) * multiplier + 2**30) >> 31
    right = max(-shift, 0)
    return value if right == 0 else (value + 2 ** (right - 1) - (value < 0)) >> right


def limits_of(activation: int, output: Tensor) -> tuple[int, int] | None:
    """The lowest and highest stored value that a fused activation lets through; None if it is not known."""
    scale, zero_point = scale_of(output), zero_point_of(output)
    low, high = LIMITS

    def stored(real: float) -> int:
        return zero_point + round(real / scale)

    ranges: dict[int, tuple[int, int]] = {
        NONE: (low, high),
        RELU: (stored(0.0), high),
        RELU_N1_TO_1: (stored(-1.0), stored(1.0)),
        RELU6: (stored(0.0), stored(6.0)),
    }
    if activation not in ranges:
        return None
    least, most = ranges[activation]
    return max(low, least), min(high, most)
