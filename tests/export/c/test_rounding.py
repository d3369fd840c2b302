"""Factors as integers, against exact arithmetic and the published examples."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.c.rounding import limits_of, multiplier_of, multipliers_of, rescale
from firmware_sim.model import Quantisation, Tensor


def tensor(scale: float, zero_point: int) -> Tensor:
    return Tensor(0, "t", (1,), "int8", 1, False, False, Quantisation((scale,), (zero_point,), 0))


@given(st.floats(1e-9, 1e3))
def test_a_factor_is_met_to_31_bits(factor):
    multiplier, shift = multiplier_of(factor)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier, 2**31) * Fraction(2) ** shift / Fraction(factor) - 1) <= Fraction(
        1, 2**31
    )


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(0.75, (1610612736, 0)), (0.5, (2**30, 0)), (3.0, (1610612736, 2)), (0.0, (0, 0)), (2.0**-40, (0, 0))],
)
def test_factors_worked_by_hand(factor, expected):
    assert multiplier_of(factor) == expected


def test_a_fraction_that_rounds_up_to_one_is_halved():
    assert multiplier_of(1 - 2**-40) == (2**30, 1)


@given(st.integers(-(2**30), 2**30), st.integers(2**30, 2**31 - 1), st.integers(-20, -1))
def test_rescale_rounds_first_half_up_then_half_away_from_zero(value, multiplier, shift):
    once = int((Fraction(value * multiplier, 2**31) + Fraction(1, 2)).__floor__())
    half_up = (abs(Fraction(once, 2**-shift)) + Fraction(1, 2)).__floor__()
    assert rescale(value, multiplier, shift) == (half_up if once >= 0 else -half_up)


def test_rescale_is_nearly_the_real_product():
    values = np.random.default_rng(0).integers(-(2**20), 2**20, 300)
    for value in values.tolist():
        assert abs(rescale(value, *multiplier_of(0.00123)) - value * 0.00123) <= 1


def test_many_factors_at_once():
    multipliers, shifts = multipliers_of([0.75, 3.0])
    assert multipliers.dtype == np.int32 and multipliers.tolist() == [1610612736, 1610612736]
    assert shifts.dtype == np.int8 and shifts.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("activation", "expected"), [(0, (-128, 127)), (1, (-10, 127)), (2, (-20, 0)), (3, (-10, 50)), (4, None)]
)
def test_an_activation_is_a_pair_of_limits(activation, expected):
    assert limits_of(activation, tensor(0.1, -10)) == expected
