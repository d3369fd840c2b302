"""Units as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.data.units import OWN, UNITS, factor_of
from edgehar.errors import InputError


@pytest.mark.parametrize(
    ("unit", "modality", "factor"),
    [
        ("g", "acc", 9.80665),
        ("mg", "acc", 0.00980665),
        ("m/s²", "acc", 1.0),
        (" m/s2 ", "acc", 1.0),
        ("Gal", "acc", 0.01),
        ("1/16384 g", "acc", 9.80665 / 16384),
        ("1 / 2048 g", "acc", 9.80665 / 2048),
        ("0.000598 m/s^2", "acc", 0.000598),
        ("5.98e-4*m/s^2", "acc", 0.000598),
        ("-1 m/s^2", "acc", -1.0),
        ("dps", "gyro", math.pi / 180),
        ("0.07 deg/s", "gyro", 0.07 * math.pi / 180),
        ("mm", "skeleton", 0.001),
        ("mm", "depth", 255 / 5000),
        ("5 m / 255", "depth", 1.0),
        ("", "rgb", 1.0),
    ],
)
def test_a_unit_is_a_factor(unit, modality, factor):
    assert factor_of(unit, modality, "here") == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("modality", UNITS)
def test_every_modality_knows_its_own_unit(modality):
    assert factor_of(OWN[modality], modality, "here") == 1.0


@given(st.text(max_size=12))
def test_any_text_is_a_factor_or_a_sentence(text):
    try:
        assert math.isfinite(factor_of(text, "acc", "clips.csv line 2"))
    except InputError as error:
        assert str(error).startswith("clips.csv line 2: ")
