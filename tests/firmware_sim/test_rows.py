"""Tables of measured rows: ours, a model of one's own, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.rows import LATENCIES, read_rows

HEAD = "core,clock_mhz,runtime_family,model,latency_ms,dtype\n"


def test_ours() -> None:
    rows = read_rows(LATENCIES)
    assert len(rows) == 163
    first = rows[0]
    assert (first.core, first.engine, first.numbers) == ("cortex-a72", "leip fp32", "float32")
    assert first.cycles == pytest.approx(0.1685 * 1.5e6)
    measured = [row for row in rows if row.power_mw is not None]
    assert 4 < min(row.power_mw for row in measured) < max(row.power_mw for row in measured) < 200


def test_a_model_of_ones_own_lies_beside_the_table(sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 8)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
    graph.write(tmp_path / "mine.tflite", [x], [y])
    table = tmp_path / "rows.csv"
    table.write_text(HEAD + "cortex-m4f,64,tflm,mine.tflite,0.5,\n")
    (row,) = read_rows(table)
    assert (row.engine, row.numbers, [work.macs for work in row.works]) == ("tflm+cmsis-nn", "int8", [32])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("cortex-z,64,tflm,sww,1,int8", "line 2: core is 'cortex-z' and must be one of cortex-m0+"),
        ("cortex-m7,-1,tflm,sww,1,int8", "line 2: clock_mhz is '-1' and must be a number above 0"),
        ("cortex-m7,64,tflm,sww,nan,int8", "latency_ms is 'nan'"),
        ("cortex-m7,64,magic,sww,1,int8", "runtime_family is 'magic'"),
        ("cortex-m7,64,tflm,swww,1,int8", "Did you mean sww?"),
        ("cortex-m7,64,tflm,none.tflite,1,int8", "none.tflite: there is no such file"),
        ("cortex-m7,64,tflm,sww,1,int4", "dtype is 'int4' and must be one of int8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(HEAD + line + "\n")
    with pytest.raises(SimError) as caught:
        read_rows(table)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_that_are_none(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    with pytest.raises(SimError, match="cannot be read"):
        read_rows(table)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(SimError, match="lacks the columns core, clock_mhz"):
        read_rows(table)
    table.write_text(HEAD)
    with pytest.raises(SimError, match="holds no row"):
        read_rows(table)
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SimError, match="no CSV table"):
        read_rows(table)
