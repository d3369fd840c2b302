"""The tables beside what the runtimes themselves say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from firmware_sim.operator_tables import CHEAP, EDGEHAR_C, TFLM, TFLM_FAST
from firmware_sim.schema import OPERATOR_NAMES

UNARY = """ABS COS ELU EXP FLOOR LOG NEG RELU ROUND RSQRT SIN SQRT SQUARE HARD_SWISH"""
NOT_BUILT_IN = {"CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
# Each file in a process of its own: the interpreter crashes on operators whose options are missing.
PROGRAM = """
import os, resource, sys
import numpy as np
from tflite_micro import runtime
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for path in sys.stdin.read().split():
    if os.fork() == 0:
        os.dup2(os.open(path + ".said", os.O_CREAT | os.O_WRONLY), 2)
        interpreter = runtime.Interpreter.from_file(path)
        detail = interpreter.get_input_details(0)
        interpreter.set_input(np.full(detail["shape"], 2, detail["dtype"]), 0)
        interpreter.invoke()
        os.write(2, b"it ran")
        os._exit(0)
    os.wait()
"""


@pytest.fixture
def said_by_tflm(sketch: Callable, tmp_path: Path) -> Callable[[list[tuple[str, str]]], list[str]]:
    """What TFLite-Micro says of files of one operator, given (its name, dtype)."""
    if find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")

    def ask(wanted: list[tuple[str, str]]) -> list[str]:
        paths = []
        for name, dtype in wanted:
            graph = sketch(dtype)
            x = graph.tensor(1, 8)
            paths.append(
                graph.write(tmp_path / f"{name}-{dtype}.tflite", [x], [graph.operator(name, [x], 1, 8)])
            )
        told = "\n".join(map(str, paths))
        subprocess.run(
            [sys.executable, "-c", PROGRAM], input=told, text=True, capture_output=True, check=True
        )
        return [Path(f"{path}.said").read_text("utf-8", "replace") for path in paths]

    return ask


def test_tflm_has_the_kernels_of_the_table_and_no_others(said_by_tflm) -> None:
    names = sorted(set(OPERATOR_NAMES.values()) - NOT_BUILT_IN)
    said = said_by_tflm([(name, "float32") for name in names])
    known = {name for name, words in zip(names, said, strict=True) if "Didn't find op" not in words}
    assert known == set(TFLM)


def test_tflm_runs_an_operator_in_the_dtypes_of_the_table(said_by_tflm) -> None:
    wanted = [(name, dtype) for name in UNARY.split() for dtype in ("float32", "int8", "int16")]
    said = said_by_tflm(wanted)
    ran = {pair for pair, words in zip(wanted, said, strict=True) if "it ran" in words}
    assert ran == {(name, dtype) for name, dtype in wanted if dtype in (TFLM[name] or ())}


def test_what_is_fast_or_cheap_exists() -> None:
    assert set(TFLM) >= TFLM_FAST | CHEAP


def test_edgehar_c_has_code_for_what_the_table_says() -> None:
    if find_spec("export.c") is None:
        pytest.skip("no C generator here")
    from export.c.layers import LAYERS

    assert set(EDGEHAR_C) == set(LAYERS)
