"""Dead channels: worked by hand on small graphs, and beside what was reported of a published model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.model import read_model


def _two_points(sketch, path: Path, first: np.ndarray, second: np.ndarray):
    """Two convolutions of 1 x 1 with weights (out, in), on 2 x 2 points of 3 channels."""
    graph = sketch("int8")
    x = graph.tensor(1, 2, 2, first.shape[1])
    layer = x
    for weights in (first, second):
        held = graph.tensor(len(weights), 1, 1, weights.shape[1], data=weights.astype(np.int8))
        layer = graph.operator("CONV_2D", [layer, held, -1], 1, 2, 2, len(weights))
    return read_model(graph.write(path, [x], [layer]))


def test_a_filter_of_zeros_is_dead_and_so_is_what_reads_it_alone(sketch, tmp_path: Path) -> None:
    first, second = np.ones((4, 3)), np.ones((5, 4))
    first[1] = 0
    model = _two_points(sketch, tmp_path / "m.tflite", first, second)
    assert model.macs == 4 * (4 * 3 + 5 * 4)
    assert [o.macs_executed for o in model.operators] == [4 * 3 * 3, 4 * 5 * 3]
    assert [o.live_outputs for o in model.operators] == [0.75, 1.0]
    assert model.macs_executed == 4 * (9 + 15)


def test_what_nobody_reads_is_dead_backwards(sketch, tmp_path: Path) -> None:
    first, second = np.ones((4, 3)), np.ones((5, 4))
    second[:, 2:] = 0
    model = _two_points(sketch, tmp_path / "m.tflite", first, second)
    assert [o.macs_executed for o in model.operators] == [4 * 2 * 3, 4 * 5 * 2]


def test_a_model_without_zeros_has_no_dead_channel(sketch, tmp_path: Path) -> None:
    model = _two_points(sketch, tmp_path / "m.tflite", np.ones((4, 3)), np.ones((5, 4)))
    assert model.macs_executed == model.macs
    assert {o.live_outputs for o in model.operators} == {1.0}


def test_the_published_model_with_dead_channels(data_set) -> None:
    model = read_model(data_set("mlperf_tiny") / "models" / "vww_96_int8.tflite")
    assert model.macs_executed == pytest.approx(3_727_313, rel=0.002)  # what ONNC and Plumerai ran
    others = ("kws_ref_model.tflite", "str_ww_ref_model.tflite", "ad01_int8.tflite")
    for name in others:
        whole = read_model(data_set("mlperf_tiny") / "models" / name)
        assert whole.macs_executed == whole.macs
