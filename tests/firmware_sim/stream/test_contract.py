"""The contract inside a model file, as this room reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.stream.contract import StreamContract, read_stream_contract


def test_what_the_file_says(sign_model) -> None:
    expected = StreamContract(20, 10.0, ("left", "right"), "m/s^2", ("x", "y", "z"))
    assert read_stream_contract(sign_model()) == expected


def test_a_file_of_whole_clips_cannot_stream(sign_model) -> None:
    with pytest.raises(
        SimError, match=r"whole clips of mixed length \(rate_hz is null\), so it cannot stream"
    ):
        read_stream_contract(sign_model(rate_hz=None, framing="clip"))


def test_a_file_without_or_with_a_damaged_contract(sign_model, sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 4)
    path = graph.write(tmp_path / "plain.tflite", [x], [graph.operator("RELU", [x], 1, 4)])
    with pytest.raises(SimError, match="no edgehar contract"):
        read_stream_contract(path)
    with pytest.raises(SimError, match="its edgehar contract is damaged"):
        read_stream_contract(sign_model(window="many"))
    with pytest.raises(SimError, match="there is no such file"):
        read_stream_contract(tmp_path / "absent.tflite")
