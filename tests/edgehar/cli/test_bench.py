"""`edgehar bench` through the command line: files, runs, devices, where reports go, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

SKETCHES = Path(__file__).parents[2] / "firmware_sim" / "conftest.py"
Call = Callable[..., object]


@pytest.fixture
def write_model() -> Callable[[Path], Path]:
    """Writes a small float `.tflite` file, one dense layer of 32 MACs, as firmware_sim's tests do."""
    spec = importlib.util.spec_from_file_location("sketches", SKETCHES)
    sketches = importlib.util.module_from_spec(spec)
    sys.modules["sketches"] = sketches  # dataclasses look their module up
    spec.loader.exec_module(sketches)

    def write(path: Path) -> Path:
        graph = sketches.Sketch()
        x = graph.tensor(1, 8)
        y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
        path.parent.mkdir(parents=True, exist_ok=True)
        return graph.write(path, [x], [y])

    return write


@pytest.fixture
def model(write_model, tmp_path: Path) -> Path:
    return write_model(tmp_path / "dense.tflite")


@pytest.fixture
def make_run(write_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`make_run("a", "student.tflite")` makes runs/a in an empty folder: finished, with those exports."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, *exports: str) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "metrics.json").write_text("{}")
        for export in exports:
            write_model(folder / "export" / export)
        return folder

    return make


def _json(ended) -> dict:
    assert (ended.exit_code, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_a_file_on_the_default_device(edgehar: Call, model: Path) -> None:
    report = _json(edgehar("bench", model, "--json"))
    assert report["device"]["name"] == "cpu-arm"
    assert report["model"]["macs"] == 32
    assert report["method"] == "estimated"
    assert report["latency_ms"]["bounds"] == "stated"
    assert list(model.parent.iterdir()) == [model]  # nothing is written for a file


def test_files_and_devices_come_in_the_order_given(
    edgehar: Call, model: Path, write_model, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other.tflite")
    result = _json(edgehar("bench", other, model, "--device", "ek-ra6m4", "--device", "cpu-arm", "--json"))
    assert result["schema"] == 1
    seen = [(Path(r["model"]["path"]).name, r["device"]["name"]) for r in result["reports"]]
    assert seen == [
        ("other.tflite", "ek-ra6m4"), ("other.tflite", "cpu-arm"),
        ("dense.tflite", "ek-ra6m4"), ("dense.tflite", "cpu-arm"),
    ]  # fmt: skip


def test_the_table_shows_latency_with_its_bounds_and_what_is_unknown(edgehar: Call, model: Path) -> None:
    ended = edgehar("bench", model, "--device", "cpu-arm", "--device", "nucleo-l4r5zi")
    assert ended.exit_code == 0
    for text in ("dense.tflite", "cpu-arm", "estimated", " ms", "stated", "KiB", "unknown"):
        assert text in ended.stdout
    assert "No power is known for cpu-arm" in ended.stdout
    assert "No speed is known for FULLY_CONNECTED in float32 on cortex-m4f" in ended.stdout


def test_the_host_is_measured(edgehar: Call, model: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    report = _json(edgehar("bench", model, "--device", "host", "--json"))
    assert (report["method"], report["latency_ms"]["bounds"]) == ("measured", "measured")
    assert report["latency_ms"]["p95"] is not None


def test_an_onnx_file_is_for_the_host_only(edgehar: Call, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"whatever")
    ended = edgehar("bench", path)
    assert ended.exit_code == 2
    assert "--device host" in ended.stderr


def test_a_run_is_judged_by_its_int8_file_and_keeps_the_report(edgehar: Call, make_run) -> None:
    run = make_run("a", "student.tflite", "student.int8.tflite")
    report = _json(edgehar("bench", run, "--json"))
    kept = run / "bench" / "student.int8@cpu-arm.json"
    assert json.loads(kept.read_text()) == report
    assert Path(report["model"]["path"]).name == "student.int8.tflite"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_run_without_int8_is_judged_by_its_float_file(edgehar: Call, make_run) -> None:
    run = make_run("a", "student.tflite")
    _json(edgehar("bench", run, "--json"))
    assert (run / "bench" / "student@cpu-arm.json").exists()


def test_no_run_is_the_latest_finished_one(edgehar: Call, make_run) -> None:
    old, new = make_run("old", "student.tflite"), make_run("new", "student.tflite")
    unfinished = make_run("unfinished", "student.tflite")
    (unfinished / "metrics.json").unlink()
    for age, run in enumerate((unfinished, new, old)):
        moment = 1_700_000_000 - 1000 * age
        os.utime(run / "config.json", (moment, moment))
    report = _json(edgehar("bench", "--json"))
    assert "runs/new/export" in report["model"]["path"]


def test_a_run_that_was_not_exported_says_what_to_type(edgehar: Call, make_run) -> None:
    run = make_run("a")
    ended = edgehar("bench", run)
    assert ended.exit_code == 2
    assert ended.stderr.strip() == f"{run} has no exported model. Type: edgehar export {run}"


def test_out_takes_a_folder_or_one_json_file(edgehar: Call, model: Path, tmp_path: Path) -> None:
    report = _json(edgehar("bench", model, "--out", tmp_path / "kept", "--json"))
    assert json.loads((tmp_path / "kept" / "dense@cpu-arm.json").read_text()) == report
    _json(edgehar("bench", model, "--out", tmp_path / "one.json", "--json"))
    assert json.loads((tmp_path / "one.json").read_text()) == report
    ended = edgehar("bench", model, model, "--out", tmp_path / "two.json")
    assert ended.exit_code == 2
    assert "give a folder" in ended.stderr


def test_several_models_and_devices_make_a_matrix(
    edgehar: Call, model: Path, write_model, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other.tflite")
    (tmp_path / "export.json").write_text(json.dumps({"files": {"other.tflite": {"accuracy": 0.905}}}))
    picture = tmp_path / "matrix.png"
    devices = ("--device", "cpu-arm", "--device", "galaxy-watch4")
    ended = edgehar("bench", model, other, *devices, "--picture", picture)
    assert ended.exit_code == 0
    assert "90.5%" in ended.stdout
    assert " ms*" in ended.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_one_model_has_a_hint_and_a_picture_of_its_arena(edgehar: Call, model: Path, tmp_path: Path) -> None:
    ended = edgehar("bench", model, "--device", "ek-ra6m4", "--picture", tmp_path / "arena.svg")
    assert ended.exit_code == 0
    assert "The arena is fullest" in ended.stderr.replace("\n", " ")
    assert (tmp_path / "arena.svg").read_text().startswith("<?xml")
    ended = edgehar("bench", model, "--picture", tmp_path / "arena.doc")
    assert ended.exit_code == 2
    assert ".png, .svg, .pdf" in ended.stderr


def test_killed_while_it_writes_it_leaves_no_half_report(model: Path, tmp_path: Path) -> None:
    """The process is stopped dead at the moment at which the report is being written."""
    program = (
        "import os, pathlib, sys; from edgehar.cli.main import run; write = pathlib.Path.write_text\n"
        "def half(self, text, **options):\n"
        "    write(self, text[: len(text) // 2], **options)\n"
        "    os.kill(os.getpid(), 9)\n"
        "pathlib.Path.write_text = half; run(sys.argv[1:])"
    )
    out = tmp_path / "kept"
    command = [sys.executable, "-c", program, "bench", str(model), "--out", str(out)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    assert not (out / "dense@cpu-arm.json").exists()
    assert [path for path in out.iterdir() if not path.name.startswith(".")] == []


def test_a_device_of_ones_own(edgehar: Call, model: Path, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'name = "mine"\ndescription = "d"\nsource = "s"\ncore = "cortex-a53"\nclock_mhz = 1000\n'
        'engine = "litert-xnnpack"\nram_bytes = 100\nflash_bytes = 100\n'
    )
    report = _json(edgehar("bench", model, "--device", profile, "--json"))
    assert report["device"] == {
        "name": "mine", "core": "cortex-a53", "clock_mhz": 1000.0, "engine": "litert-xnnpack",
    }  # fmt: skip
    assert sum(warning.startswith("Too large for mine") for warning in report["warnings"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.tflite"], "none.tflite: there is no such file"),
        (["nowhere"], "nowhere is not a run folder"),
        (["{model}", "--device", "cpu-amr"], "Did you mean 'cpu-arm'?"),
        (["{model}", "--device", "none.toml"], "no such device profile"),
        (["{broken}"], "is not a .tflite file"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(
    edgehar: Call, model: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(np.random.default_rng(0).bytes(500))
    ended = edgehar("bench", *(a.format(model=model, broken=broken) for a in arguments))
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_bad_device_is_refused_before_anything_is_written(edgehar: Call, make_run) -> None:
    run = make_run("a", "student.tflite")
    assert edgehar("bench", run, "--device", "cpu-arm", "--device", "nope").exit_code == 2
    assert not (run / "bench").exists()


def test_the_installed_command_needs_no_torch(edgehar_cli: Call, model: Path) -> None:
    assert edgehar_cli("bench", model, "--json").exit_code == 0
    program = (
        "import sys; from edgehar.cli.main import run; code = run(sys.argv[1:]); "
        "sys.exit(code or 10 * any(m in sys.modules for m in ('torch', 'ai_edge_litert', 'onnxruntime')))"
    )
    command = [sys.executable, "-c", program, "bench", str(model), "--json"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_help_gives_an_example(edgehar: Call) -> None:
    ended = edgehar("bench", "--help")
    assert ended.exit_code == 0
    assert "Example: edgehar bench student.tflite --device cpu-arm --device host" in " ".join(
        ended.stdout.split()
    )
