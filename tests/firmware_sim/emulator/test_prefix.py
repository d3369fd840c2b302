"""Files cut after an operator still run, and give that operator's output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.emulator.prefix import prefixes
from firmware_sim.model import read_model
from firmware_sim.runtimes.litert import LiteRtSession


@pytest.fixture
def chain(sketch, tmp_path: Path) -> Path:
    """RELU, then a dense layer of ones, then RELU again."""
    graph = sketch()
    x = graph.tensor(1, 4)
    a = graph.operator("RELU", [x], 1, 4)
    b = graph.operator("FULLY_CONNECTED", [a, graph.weights(2, 4), -1], 1, 2)
    c = graph.operator("RELU", [b], 1, 2)
    return graph.write(tmp_path / "chain.tflite", [x], [c])


def test_each_prefix_gives_what_the_whole_file_holds_there(chain: Path, tmp_path: Path) -> None:
    cuts = dict(prefixes(chain.read_bytes()))
    assert list(cuts) == [0, 1]
    x = np.array([[-1.0, 2.0, 3.0, -4.0]], np.float32)
    expected = {0: [[0.0, 2.0, 3.0, 0.0]], 1: [[5.0, 5.0]]}
    for index, data in cuts.items():
        path = tmp_path / f"{index}.tflite"
        path.write_bytes(data)
        assert len(read_model(path).operators) == index + 1
        assert np.array_equal(LiteRtSession(path).infer([x])[0], expected[index])


def test_a_file_with_two_outputs_is_not_cut(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 4)
    outputs = [graph.operator("RELU", [x], 1, 4), graph.operator("RELU", [x], 1, 4)]
    path = graph.write(tmp_path / "two.tflite", [x], outputs)
    assert list(prefixes(path.read_bytes())) == []
