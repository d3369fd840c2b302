import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgehar.cli.output import kib, plain, show


@dataclass(frozen=True)
class Part:
    name: str
    macs: int | None


@dataclass(frozen=True)
class Whole:
    schema: int
    path: Path
    latency_ms: float
    parts: tuple[Part, ...]


WHOLE = Whole(1, Path("a/b.tflite"), 0.25, (Part("CONV_2D", 1200), Part("SOFTMAX", None)))


def test_json_has_the_fields_as_keys(capsys):
    show(WHOLE, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "path": "a/b.tflite",
        "latency_ms": 0.25,
        "parts": [{"name": "CONV_2D", "macs": 1200}, {"name": "SOFTMAX", "macs": None}],
    }


def test_arrays_and_their_scalars_become_plain():
    assert plain({"mean": np.float32(0.5), "rows": np.arange(4).reshape(2, 2)}) == {
        "mean": 0.5,
        "rows": [[0, 1], [2, 3]],
    }


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        show({"accuracy": float("nan")}, as_json=True)


def test_tables_show_every_value_and_a_dash_for_the_unknown(capsys):
    show(WHOLE, as_json=False)
    text = capsys.readouterr().out
    for shown in ("path", "a/b.tflite", "latency ms", "0.25", "CONV_2D", "1200", "SOFTMAX", "-"):
        assert shown in text
    assert "schema" not in text


def test_a_mapping_of_records_is_a_table_with_their_names(capsys):
    show({"teachers": {"depth": {"accuracy": 0.5}, "rgb": {"accuracy": 0.75}}}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any("rgb" in line and "0.75" in line for line in lines)


def test_square_brackets_are_text_and_not_markup(capsys):
    show({"name": "[red]a[/red]"}, as_json=False)
    assert "[red]a[/red]" in capsys.readouterr().out


def test_only_results_reach_stdout_below_python_too():
    code = """
import os, subprocess, sys
from edgehar.cli.output import only_results_on_stdout, show
print("before", flush=True)
with only_results_on_stdout():
    print("a library")
    os.write(1, b"a library's C++\\n")
    subprocess.run(["echo", "a child"])
    show({"x": 1}, as_json=True)
print("after")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == 'before\n{\n  "x": 1\n}\nafter\n'
    assert sorted(ended.stderr.splitlines()) == ["a child", "a library", "a library's C++"]


@pytest.mark.parametrize(("size", "text"), [(0, "0.0 KiB"), (102_400, "100.0 KiB"), (None, "-")])
def test_kib(size, text):
    assert kib(size) == text
