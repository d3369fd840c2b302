"""The fit against costs that are known because the rows were made from them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from firmware_sim.calibrate import MICROCONTROLLER
from firmware_sim.costs import groups_of
from firmware_sim.crossval import predict
from firmware_sim.fit import Observation, believed, fit
from firmware_sim.work import KINDS

LOOSE = dataclasses.replace(MICROCONTROLLER, noise=0.001)


def _rows(scales: dict[tuple[str, str], float], count: int = 6) -> list[Observation]:
    """Rows of pairs whose unit costs are the prior's times one scale, on random models."""
    random = np.random.default_rng(0)
    costs = np.exp([MICROCONTROLLER.costs[kind] for kind in KINDS])
    rows = []
    for (core, engine), scale in scales.items():
        for amounts in random.uniform(0, 1, (count, len(KINDS))) * [
            1e6,
            1e5,
            1e6,
            1e5,
            1e5,
            1e4,
            1e4,
            20,
            1e5,
        ]:
            cycles = scale * float(amounts @ costs)
            rows.append(Observation(tuple(amounts), cycles, groups_of(core, engine)))
    return rows


def test_no_rows_no_effects() -> None:
    assert all(not groups for groups in fit([], MICROCONTROLLER).values())


def test_rows_that_follow_the_model_are_met() -> None:
    rows = _rows({("cortex-m4f", "x-cube-ai 7.1"): 1.3, ("cortex-m7", "x-cube-ai 7.1"): 0.7})
    effects = fit(rows, LOOSE)
    for row in rows:
        assert predict(row, effects, LOOSE) == pytest.approx(row.cycles, rel=0.01)


def test_an_unmeasured_pair_is_its_core_and_its_engine() -> None:
    """Two cores, two engines, three pairs: the fourth is near the product, as logarithms add."""
    known = {
        ("cortex-m4f", "hale int8"): 1.0,
        ("cortex-m7", "hale int8"): 0.6,
        ("cortex-m4f", "plumerai 2022"): 1.4,
    }
    effects = fit(_rows(known), LOOSE)
    fourth = _rows({("cortex-m7", "plumerai 2022"): 0.6 * 1.4})[0]
    assert math.log(predict(fourth, effects, LOOSE) / fourth.cycles) == pytest.approx(0, abs=0.1)


def test_a_strange_core_starts_from_what_is_believed_of_it() -> None:
    row = _rows({("cortex-m0+", "hale int8"): 1.0})[0]
    ordinary = _rows({("cortex-m4f", "hale int8"): 1.0})[0]
    ratio = predict(row, fit([], LOOSE), LOOSE) / predict(ordinary, fit([], LOOSE), LOOSE)
    assert ratio == pytest.approx(math.exp(1.5))


def test_a_cheaper_kind_is_found() -> None:
    """Depthwise work at a third of its price: a model of it alone is estimated at nearly that."""
    pair = ("cortex-m4f", "hale int8")
    rows = []
    for row in _rows({pair: 1.0}, count=12):
        place = KINDS.index("depthwise")
        saved = row.amounts[place] * math.exp(LOOSE.costs["depthwise"]) * 2 / 3
        rows.append(dataclasses.replace(row, cycles=row.cycles - saved))
    amounts = tuple(1e6 if kind == "depthwise" else 0.0 for kind in KINDS)
    alone = Observation(amounts, 1e6 * math.exp(LOOSE.costs["depthwise"]) / 3, groups_of(*pair))
    assert predict(alone, fit(rows, LOOSE), LOOSE) == pytest.approx(alone.cycles, rel=0.15)


def test_the_optimum_stands_and_does_not_hang_on_where_it_was_begun() -> None:
    """From nothing, and from effects of other rows: the same. Full steps swung between two answers here."""
    pairs = {
        (core, engine): 1.0
        for core in ("cortex-m4f", "cortex-m7")
        for engine in ("hale int8", "x-cube-ai 7.1")
    }
    rows = [
        dataclasses.replace(row, cycles=row.cycles * (1.3 if n % 3 else 0.8))
        for n, row in enumerate(_rows(pairs))
    ]
    afresh, begun = fit(rows, MICROCONTROLLER), fit(rows, MICROCONTROLLER, fit(rows[:8], MICROCONTROLLER))
    for row in rows:
        assert predict(row, afresh, MICROCONTROLLER) == pytest.approx(
            predict(row, begun, MICROCONTROLLER), rel=1e-4
        )


def test_vectors_shorten_dot_products_more_than_what_streams_weights() -> None:
    groups = {core: groups_of(core, "tflm+cmsis-nn") for core in ("cortex-m85", "cortex-m4f")}
    ratio = believed(MICROCONTROLLER, groups["cortex-m85"]) - believed(MICROCONTROLLER, groups["cortex-m4f"])
    assert ratio[KINDS.index("dense")] < ratio[KINDS.index("depthwise")] < ratio[KINDS.index("weight")] == 0
