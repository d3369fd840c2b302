"""The tables beside what the runtimes themselves say."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.operator_tables import CHEAP, EDGEHAR_C, TFLM, TFLM_FAST
from firmware_sim.runtimes.session import silence
from firmware_sim.runtimes.tflm import TflmSession
from firmware_sim.schema import OPERATOR_NAMES

UNARY = """ABS COS ELU EXP FLOOR HARD_SWISH LOG LOGISTIC NEG RELU ROUND RSQRT SIN SQRT SQUARE TANH"""
NOT_BUILT_IN = {"CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES"}


@pytest.fixture
def one_operator(sketch, tmp_path: Path):
    def make(name: str, dtype: str = "float32") -> Path:
        graph = sketch(dtype)
        x = graph.tensor(1, 8)
        y = graph.operator(name, [x], 1, 8)
        return graph.write(tmp_path / f"{name}-{dtype}.tflite", [x], [y])

    return make


@pytest.mark.parametrize("name", sorted(set(OPERATOR_NAMES.values()) - NOT_BUILT_IN))
def test_tflm_has_the_kernels_of_the_table_and_no_others(name, one_operator) -> None:
    try:
        TflmSession(one_operator(name))
        said = ""
    except SimError as error:
        said = str(error)
        if "pip install" in said:
            pytest.skip("tflite-micro is not installed")
    assert ("Didn't find op" in said) == (name not in TFLM), said


@pytest.mark.parametrize("name", UNARY.split())
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
def test_tflm_runs_an_operator_in_the_dtypes_of_the_table(name, dtype, one_operator) -> None:
    path = one_operator(name, dtype)
    try:
        session = TflmSession(path)
        with silence():
            session.infer([session.inputs[0].encode(0.5 + 0 * session.outputs[0].decode(_zeros(session)))])
        runs = True
    except (SimError, RuntimeError):
        runs = False
    assert runs == (dtype in TFLM[name])


def _zeros(session: TflmSession):
    import numpy as np

    return np.zeros(session.outputs[0].shape, session.outputs[0].dtype)


def test_what_is_fast_or_cheap_exists() -> None:
    assert TFLM_FAST | (CHEAP - {"VAR_HANDLE"}) <= set(TFLM)


@pytest.mark.skipif(find_spec("export") is None or find_spec("export.c") is None, reason="no export.c here")
def test_edgehar_c_has_code_for_what_the_table_says() -> None:
    from export.c.layers import LAYERS

    assert set(EDGEHAR_C) == set(LAYERS)
