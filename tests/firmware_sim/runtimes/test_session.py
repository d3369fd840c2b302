"""Numbers in and out of a quantised file, and clips that do not fit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.errors import SimError
from firmware_sim.runtimes.session import Port, require, run_clips, silence

INT8 = Port("x", (1, 3), np.dtype(np.int8), 0.5, 10)


def test_encoding_by_hand() -> None:
    assert INT8.encode(np.array([0.0, 0.5, -1.0, 1000.0, -1000.0])).tolist() == [10, 11, 8, 127, -128]
    assert INT8.decode(np.array([10, 12], np.int8)).tolist() == [0.0, 1.0]
    plain = Port("x", (1, 3), np.dtype(np.float32))
    assert plain.encode(np.array([0.25])).tolist() == [0.25]


@given(st.floats(-58, 58), st.sampled_from([np.int8, np.int16, np.uint8]))
def test_a_value_in_range_comes_back_within_half_a_step(value: float, dtype: type) -> None:
    port = Port("x", (1,), np.dtype(dtype), 0.5, 0 if dtype is not np.uint8 else 128)
    assert abs(port.decode(port.encode(np.array([value], np.float32)))[0] - value) <= 0.25 + 1e-4


class _Double:
    """A session that doubles what is stored."""

    def __init__(self, *inputs: Port) -> None:
        self.inputs, self.outputs, self.calls = inputs, (inputs[0],), 0

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        self.calls += 1
        return [2 * inputs[0]]


FLOAT = Port("x", (1, 3), np.dtype(np.float32))


def test_clips_go_one_by_one() -> None:
    session = _Double(FLOAT)
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    scores = run_clips(session, Path("m"), x)
    assert scores.dtype == np.float32
    assert scores.tolist() == (2 * x).tolist()
    assert session.calls == 4


def test_no_clips_give_no_scores() -> None:
    assert run_clips(_Double(FLOAT), Path("m"), np.empty((0, 3))).shape == (0, 3)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(SimError, match=r"m: takes clips of shape \(N, 3\), not \(2, 4\)"):
        run_clips(_Double(FLOAT), Path("m"), np.zeros((2, 4)))
    with pytest.raises(SimError, match="NaN"):
        run_clips(_Double(FLOAT), Path("m"), np.full((2, 3), np.nan))
    with pytest.raises(SimError, match="one input"):
        run_clips(_Double(FLOAT, FLOAT), Path("m"), np.zeros((2, 3)))


def test_a_missing_package_says_what_to_type() -> None:
    with pytest.raises(SimError, match="Type: pip install some-package"):
        require("a_module_that_is_not_there", "some-package")


def test_silence_keeps_what_native_code_prints(capfd: pytest.CaptureFixture[str]) -> None:
    with silence() as printed:
        os.write(2, b"chatter\n")
    os.write(2, b"heard\n")
    assert printed == ["chatter\n"]
    assert capfd.readouterr().err == "heard\n"
