"""The plugin's lines, read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_sim.emulator.counts import CLASSES, InstructionCounts, read_markers
from firmware_sim.emulator.places import SOURCES
from firmware_sim.errors import SimError


def _line(marker: int, first: int, *misses: int) -> str:
    counts = [first] + [1] * (len(CLASSES) - 1)
    return " ".join(map(str, ["M", marker, sum(counts), *counts, *misses]))


def test_markers_are_sums_and_their_difference_is_the_work_between(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    path.write_text("\n".join([_line(0, 10, 1, 20, 3, 4), _line(2, 110, 2, 60, 5, 9)]) + "\n")
    (first, before), (second, after) = read_markers(path)
    assert (first, second) == (0, 2)
    between = after - before
    assert between.total == 100
    assert between.by_class == {name: 100 if name == CLASSES[0] else 0 for name in CLASSES}
    assert (between.l1i_misses, between.l1d_accesses, between.l1d_misses, between.l2_misses) == (1, 40, 2, 5)


def test_a_part_of_the_work_is_whole_and_never_negative() -> None:
    whole = InstructionCounts(1004, {name: 7 for name in CLASSES}, l2_misses=-9)
    assert whole.divided(10).total == 100
    assert whole.divided(10).by_class["alu"] == 1
    assert whole.divided(10).l2_misses == 0


def test_the_classes_are_those_of_the_plugin_in_its_order() -> None:
    text = (SOURCES / "armcount.c").read_text()
    enum = re.search(r"enum instruction_class \{([^}]*)\}", text)
    assert enum is not None
    names = [name.strip().lower() for name in enum[1].split(",")]
    assert tuple(names[:-1]) == CLASSES and names[-1] == "classes"


def test_nothing_counted_is_said(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="counted nothing"):
        read_markers(tmp_path / "absent")
