"""The calibration's file, its novelties and its bounds."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.costs import (
    DEFAULT,
    Interval,
    default_calibration,
    engine_in,
    line_of,
    log_interval,
    read_calibration,
    to_json,
)
from firmware_sim.errors import SimError
from firmware_sim.rows import known_works


def test_ours_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(to_json(default_calibration())))
    assert read_calibration(path) == default_calibration()


@pytest.mark.parametrize(
    ("core", "engine", "novelty"),
    [
        ("cortex-m4f", "x-cube-ai 9-10", "model"),
        ("cortex-m4", "x-cube-ai 9-10", "model"),  # integers do not ask for its floating-point unit
        ("cortex-m33", "hale int8", "pair"),
        ("cortex-m3", "hale int8", "core"),
        ("cortex-m55", "tflm+cmsis-nn", "core"),
        ("cortex-m7", "edgehar-c", "engine"),
        ("cortex-m3", "edgehar-c", "both"),
        ("cortex-a53", "litert-xnnpack", "model"),
    ],
)
def test_what_is_new(core: str, engine: str, novelty: str) -> None:
    costs = default_calibration().costs(core, engine, "int8")
    assert costs.novelty == novelty
    assert all(math.isfinite(cycles) and cycles > 0 for cycles in costs.cycles)


def test_the_less_is_known_the_wider_the_bounds() -> None:
    for family in default_calibration().families.values():
        order = [family.intervals[name] for name in ("model", "pair", "core", "both")]
        for narrow, wide in pairwise(order):
            assert wide.low <= narrow.low <= 1 <= narrow.high <= wide.high


def test_an_old_engine_does_not_speak_for_its_name() -> None:
    """TFLite-Micro of 2020 on the M4F is twice as slow as today's, which the M33 ran: the M7 gets today's."""
    calibration, works = default_calibration(), known_works()["kws_dscnn", "int8"]

    def cycles(core: str, engine: str) -> float:
        return sum(map(calibration.costs(core, engine, "int8").of, works))

    assert cycles("cortex-m4f", "tflm+cmsis-nn") > 1.8 * cycles("cortex-m33", "tflm+cmsis-nn")
    assert cycles("cortex-m7", "tflm+cmsis-nn") < cycles("cortex-m33", "tflm+cmsis-nn")


@given(st.lists(st.floats(-2, 2), min_size=20, max_size=200))
def test_an_interval_holds_four_fifths(errors: list[float]) -> None:
    interval = log_interval(errors)
    held = sum(math.log(interval.low) - 1e-9 <= e <= math.log(interval.high) + 1e-9 for e in errors)
    assert held >= 0.8 * len(errors)
    assert interval.low <= 1 <= interval.high


def test_widening_adds_squares_of_logarithms() -> None:
    wide = Interval(1 / math.e**3, math.e**3).wider(math.e**4)
    assert (math.log(wide.low), math.log(wide.high)) == pytest.approx((-5, 5))
    assert Interval(0.5, 3.0).wider(1.0) == Interval(0.5, pytest.approx(3.0))


def test_numbers_belong_to_engines() -> None:
    assert engine_in("litert-xnnpack", "float32") == "litert-xnnpack float32"
    assert engine_in("hale fp32", "float32") == "hale fp32"
    assert engine_in("hale int8", "float32") is None
    assert engine_in("tflm+cmsis-nn", "int16") is None
    assert [line_of(e) for e in ("x-cube-ai 9-10", "tflm+cmsis-nn", "hale fp32")] == [
        "x-cube-ai",
        "cmsis-nn",
        "hale fp32",
    ]


@pytest.mark.parametrize("change", [{"schema": 1}, {"kinds": []}, {"families": {}, "power": 3}])
def test_what_is_no_calibration_is_told(tmp_path: Path, change: dict) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(json.loads(DEFAULT.read_text()) | change))
    with pytest.raises(SimError, match="is no calibration"):
        read_calibration(path)
    path.write_text("no JSON")
    with pytest.raises(SimError, match="edgehar calibrate"):
        read_calibration(path)
    with pytest.raises(SimError, match="cannot be read"):
        read_calibration(tmp_path / "none.json")
