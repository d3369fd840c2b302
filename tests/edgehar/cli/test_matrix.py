"""Points, fronts, the table and the picture of several models on several devices."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from edgehar.cli.matrix import Point, _on_front, draw_matrix, find_accuracy, matrix


def _point(
    model: str, latency_ms: float | None, size: int, accuracy: float | None, device: str = "d"
) -> Point:
    low, high = (latency_ms / 2, latency_ms * 2) if latency_ms else (None, None)
    return Point(model, device, accuracy, latency_ms, low, high, size)


POINTS = [
    _point("quick", 1.0, 100, 0.80),
    _point("right", 3.0, 300, 0.95),
    _point("worse", 3.5, 300, 0.94),
    _point("silent", None, 50, 0.99),
    _point("unsaid", 0.9, 400, None),
]


def test_the_front_by_hand() -> None:
    assert [p.model for p in POINTS if _on_front(p, POINTS)] == ["quick", "right", "unsaid"]


def test_devices_have_fronts_of_their_own() -> None:
    points = [_point("a", 2.0, 10, 0.9, "x"), _point("b", 1.0, 10, 0.9, "x"), _point("a", 1.0, 10, 0.9, "y")]
    assert [_on_front(point, points) for point in points] == [False, True, True]


def test_equals_do_not_beat_each_other() -> None:
    points = [_point("a", 1.0, 10, 0.9), _point("b", 1.0, 10, 0.9)]
    assert all(_on_front(point, points) for point in points)


def test_the_table_marks_the_front() -> None:
    marked = [Point(**{**vars(p), "on_front": _on_front(p, POINTS)}) for p in POINTS]
    out = io.StringIO()
    Console(width=120, file=out).print(matrix(marked))
    text = out.getvalue()
    assert "1 ms*" in text
    assert "3.5 ms " in text
    assert text.count("unknown") == 2


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture(tmp_path: Path, suffix: str) -> None:
    draw_matrix(POINTS, tmp_path / f"m{suffix}")
    assert (tmp_path / f"m{suffix}").stat().st_size > 5000


def test_accuracy_is_what_export_json_says(tmp_path: Path) -> None:
    file = tmp_path / "student.tflite"
    assert find_accuracy(file) is None
    told = {"files": {"student.tflite": {"accuracy": 0.875}, "other.tflite": {"accuracy": None}}}
    (tmp_path / "export.json").write_text(json.dumps(told))
    assert find_accuracy(file) == 0.875
    assert find_accuracy(tmp_path / "other.tflite") is None
    (tmp_path / "export.json").write_text("[]")
    assert find_accuracy(file) is None
