"""The peak and its hint by hand, and a picture that is one."""

from __future__ import annotations

from pathlib import Path

from firmware_sim.arena import plan_activations
from firmware_sim.model import read_model
from firmware_sim.picture import draw_arena, find_peak


def _hourglass(sketch, path: Path):
    graph = sketch("int8")
    x = graph.tensor(1, 16)
    a = graph.operator("FULLY_CONNECTED", [x, graph.weights(512, 16), -1], 1, 512)
    b = graph.operator("FULLY_CONNECTED", [a, graph.weights(256, 512), -1], 1, 256)
    c = graph.operator("SOFTMAX", [b], 1, 256)
    return read_model(graph.write(path, [x], [c]))


def test_the_peak_by_hand(sketch, tmp_path: Path) -> None:
    model = _hourglass(sketch, tmp_path / "m.tflite")
    peak = find_peak(model, plan_activations(model))
    assert (peak.operator, peak.name, peak.alive_bytes, peak.planned_bytes) == (
        1,
        "FULLY_CONNECTED",
        768,
        768,
    )
    assert [placed.buffer.bytes for placed in peak.alive] == [512, 256]
    assert "at operator 1, FULLY_CONNECTED: 0.8 KiB alive" in peak.hint
    assert "gaps" not in peak.hint


def test_pictures_of_every_kind(sketch, tmp_path: Path) -> None:
    model = _hourglass(sketch, tmp_path / "m.tflite")
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    for suffix, start in starts.items():
        for runtime in ("tflm+cmsis-nn", "litert-xnnpack"):
            peak = draw_arena(model, runtime, tmp_path / f"arena{suffix}")
            assert (tmp_path / f"arena{suffix}").read_bytes().startswith(start)
            assert peak.operator == 1


def test_a_model_without_activations_has_a_hint_too(sketch, tmp_path: Path) -> None:
    graph = sketch()
    y = graph.weights(4)
    model = read_model(graph.write(tmp_path / "m.tflite", [], [y]))
    assert "no activations" in find_peak(model, plan_activations(model)).hint
