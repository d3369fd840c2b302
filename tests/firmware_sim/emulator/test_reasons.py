"""Why an operator costs more or less than was estimated."""

from __future__ import annotations

from firmware_sim.emulator.counts import CLASSES, InstructionCounts
from firmware_sim.emulator.cycles import CORE_MODELS
from firmware_sim.emulator.reasons import differences
from firmware_sim.report import OperatorCost

A53 = CORE_MODELS["cortex-a53"]


def _reason(
    counts: dict[str, int], macs: int | None, estimated: float, l1d: int = 0, l2: int = 0
) -> str | None:
    total = sum(counts.values())
    all_of_them = InstructionCounts(
        total, {**dict.fromkeys(CLASSES, 0), **counts}, l1d_misses=l1d, l2_misses=l2
    )
    before = OperatorCost(0, "CONV_2D", macs, estimated, 1.0)
    after = OperatorCost(0, "CONV_2D", macs, A53.cycles(all_of_them).value, 1.0)
    return differences([before], [after], {0: all_of_them}, A53)[0].reason


def test_close_ones_need_no_reason() -> None:
    assert _reason({"vector_mac": 100}, 800, 90.0) is None


def test_memory_is_named_where_it_waits() -> None:
    assert "65% of its cycles wait for memory (5 misses of L2)" in str(
        _reason({"alu": 400}, 800, 100.0, 0, 5)
    )


def test_padding_is_named_where_more_is_multiplied_than_needed() -> None:
    assert "4.0 products are computed for each one" in str(_reason({"vector_mac": 100}, 200, 30.0))


def test_moving_is_named_where_most_instructions_do() -> None:
    told = str(_reason({"load": 300, "vector_mac": 100}, 800, 100.0))
    assert "75% of its 0.50 instructions an MAC load, store or count" in told


def test_an_operator_without_macs_or_instructions() -> None:
    assert "multiply nothing" in str(_reason({"load": 300}, 0, 100.0))
    assert "adds no instructions" in str(_reason({"load": 0}, 0, 100.0))


def test_without_counts_or_estimate_there_is_no_ratio() -> None:
    cost = OperatorCost(3, "ADD", 0, None, None)
    told = differences([cost], [cost], {}, A53)[0]
    assert (told.index, told.ratio, told.reason) == (3, None, None)
