"""How models are called in a table, and that a file is read once."""

from __future__ import annotations

from pathlib import Path

from edgehar.cli.bench_view import Candidate, label_rows


def test_a_row_a_device_and_names_as_short_as_tell_them_apart() -> None:
    plain = [Candidate(Path("x/a.tflite"), None), Candidate(Path("x/b.tflite"), None)]
    assert label_rows(plain, 4) == ["a.tflite", "a.tflite", "b.tflite", "b.tflite"]
    files = [Candidate(Path(f"runs/{name}/export/s.tflite"), None) for name in ("walk", "run")]
    assert label_rows(files, 2) == ["walk/export/s.tflite", "run/export/s.tflite"]
    runs = [Candidate(Path(f"runs/{name}/export/s.tflite"), Path("runs") / name) for name in ("walk", "run")]
    assert label_rows(runs, 2) == ["walk/s.tflite", "run/s.tflite"]


def test_a_file_is_read_once(data_set) -> None:
    candidate = Candidate(data_set("mlperf_tiny") / "models" / "str_ww_ref_model.tflite", None)
    assert candidate.model is candidate.model
    assert candidate.model.operators[0].name == "DEPTHWISE_CONV_2D"
