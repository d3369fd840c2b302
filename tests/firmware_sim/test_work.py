"""Amounts by hand; the published models' amounts as they lie in the package; nothing is free but reshapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.mobilenets import NAMES, mobilenet_works
from firmware_sim.model import read_model
from firmware_sim.rows import known_works
from firmware_sim.work import KINDS, Work, read_works, total, work_of, write_works

FILES = {
    ("ad_autoencoder", "int8"): "ad01_int8.tflite",
    ("ic_resnet8", "int8"): "pretrainedResnet_quant.tflite",
    ("kws_dscnn", "int8"): "kws_ref_model.tflite",
    ("vww_mobilenet_v1_0.25_96", "int8"): "vww_96_int8.tflite",
    ("sww", "int8"): "str_ww_ref_model.tflite",
    ("ad_autoencoder", "float32"): "ad01_fp32.tflite",
    ("vww_mobilenet_v1_0.25_96", "float32"): "vww_96_float.tflite",
}


def _amounts(work: Work, dropped: float = 0.0) -> dict[str, float]:
    return {k: v for k, v in zip(KINDS, work.amounts(dropped), strict=True) if v}


def test_amounts_by_hand(sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 1, 8, 3)
    a = graph.operator("CONV_2D", [x, graph.weights(4, 1, 3, 3), -1], 1, 1, 8, 4)
    b = graph.operator("DEPTHWISE_CONV_2D", [a, graph.weights(1, 1, 3, 4), -1], 1, 1, 8, 4)
    c = graph.operator("CONV_2D", [b, graph.weights(6, 1, 1, 4), -1], 1, 1, 8, 6)
    d = graph.operator("AVERAGE_POOL_2D", [c], 1, 1, 1, 6)
    e = graph.operator("RESHAPE", [d, graph.numbers(1, 6)], 1, 6)
    f = graph.operator("CUSTOM:Mine", [e], 1, 6)
    works = work_of(read_model(graph.write(tmp_path / "m.tflite", [x], [f])))
    assert _amounts(works[0]) == {"unaligned": 8 * 4 * 9, "output": 32, "operator": 1, "weight": 36}
    assert _amounts(works[1]) == {"depthwise": 8 * 4 * 3, "output": 32, "operator": 1, "weight": 12}
    assert _amounts(works[2]) == {"pointwise": 8 * 6 * 4, "output": 48, "operator": 1, "weight": 24}
    assert _amounts(works[3]) == {"element": 48, "operator": 1}
    assert _amounts(works[4]) == {}
    assert _amounts(works[5]) == {"element": 12, "operator": 1}  # unknown: its bytes, in and out
    assert [work.kind for work in works][-2:] == ["free", "unknown"]


def test_a_runtime_that_drops_dead_channels_has_less_to_do() -> None:
    work = Work("CONV_2D", "pointwise", 100, 40, 50, 0.5, 20, 0, "int8")
    assert _amounts(work, 1.0) == {"pointwise": 40, "output": 25, "operator": 1, "weight": 8}
    assert _amounts(work, 0.5) == {"pointwise": 70, "output": 37.5, "operator": 1, "weight": 14}


@pytest.mark.parametrize("name", FILES)
def test_the_table_that_ships_is_what_the_files_say(data_set, name: tuple[str, str]) -> None:
    assert known_works()[name] == work_of(read_model(data_set("mlperf_tiny") / "models" / FILES[name]))


@pytest.mark.parametrize("numbers", ["int8", "float32"])
def test_our_students_in_the_table_are_what_export_writes(student_files, numbers: str) -> None:
    found, listed = (
        work_of(read_model(student_files("acc-watch", numbers))),
        known_works()["acc-watch", numbers],
    )
    assert [work.amounts() for work in found] == [work.amounts() for work in listed]
    assert [work.kind for work in found] == [work.kind for work in listed]


def test_mobilenets_have_the_published_macs_and_lie_in_the_table() -> None:
    for name, macs in zip(NAMES, (568_740_352, 300_774_272), strict=True):
        for numbers in ("int8", "float32"):
            works = mobilenet_works(name, numbers)
            assert sum(work.macs for work in works) == macs
            assert known_works()[name, numbers] == works


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    works = {"a int8": mobilenet_works(NAMES[1], "int8")}
    write_works(tmp_path / "t.csv", works)
    assert read_works(tmp_path / "t.csv") == works
    assert total(works["a int8"])[KINDS.index("operator")] == len(works["a int8"])
