"""`edgehar export` through the command line: what it writes, shows, and refuses."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from rich.console import Console

from edgehar.cli.export_view import file_to_ship, view
from edgehar.networks import build_student, save_weights
from edgehar.plan import make_plan
from edgehar.runs import Run
from export.across import RuntimeReport
from export.audit import OperatorReport
from export.auto import AutoReport, Step
from export.contract import InputContract, TensorContract
from export.held_back import HeldBack
from export.report import ExportReport, FileReport, HeldBackReport


@pytest.fixture(scope="module")
def trained(utd_mhad: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of `acc-micro`, taught for seconds on the few recordings of `utd_mhad`."""
    plan, recordings = make_plan(student="acc-micro", data="utd-mhad", data_dir=str(utd_mhad), seeds=(3, 5))
    folder = tmp_path_factory.mktemp("project") / "runs" / "walk"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"plan": plan.to_json(), "rate_hz": None}))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in recordings.labels))
    (folder / "metrics.json").write_text("{}")
    torch.manual_seed(0)
    student = build_student("acc-micro", len(recordings.labels), plan.shape.window)
    windows, labels = (torch.from_numpy(array) for array in Run(folder).windows("train"))
    optimiser = torch.optim.Adam(student.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        F.cross_entropy(student(windows).logits, labels).backward()
        optimiser.step()
    save_weights(student.eval(), folder / "seed-3" / "student.safetensors")
    return folder


@pytest.fixture
def in_project(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `trained`'s project is the current one."""
    monkeypatch.chdir(trained.parent.parent)
    return trained


def test_the_latest_run_is_exported_in_all_formats(edgehar, in_project):
    ended = edgehar("export", "--int8", "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    files = ["student.tflite", "student.int8.tflite", "student.onnx", "student.int8.onnx"]
    assert list(told["files"]) == files
    assert told["passed"] is True and told["seed"] == 3
    assert told["contract"]["student"] == "acc-micro"
    assert told["student"]["accuracy"] > 0.6
    folder = in_project / "export"
    reports = ["labels.txt", "export.json", "operators.json", "operators.png"]
    assert sorted(os.listdir(folder)) == sorted([*files, *reports])
    assert json.loads((folder / "export.json").read_text("utf-8")) == told


def test_the_table_ends_with_the_file_to_ship(edgehar, in_project):
    ended = edgehar("export", "runs/walk", "--format", "onnx")
    assert ended.exit_code == 0
    assert "student.onnx" in ended.stdout and "100.00%" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "runs/walk/export/student.onnx"


def test_a_student_that_int8_ruins_is_told_and_exits_with_1(edgehar, trained, tmp_path):
    """Untrained, all scores are near 1/27: closer together than an int8 step of 1/256."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in ("config.json", "labels.txt", "metrics.json"):
        (folder / name).write_bytes((trained / name).read_bytes())
    torch.manual_seed(0)
    save_weights(build_student("acc-micro", 27, 128), folder / "seed-3" / "student.safetensors")
    ended = edgehar("export", folder, "--format", "tflite", "--int8")
    assert ended.exit_code == 1
    assert "failed" in ended.stdout
    assert "is allowed." in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("student.tflite")
    assert (folder / "export" / "student.int8.tflite").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere is not a run folder"),
        (["runs/walk", "--format", "tflit"], "no format called 'tflit'; choose of: tflite, onnx"),
        (["runs/walk", "--format", ","], "No format was chosen"),
        (["runs/walk", "--io", "float"], "--io float is a way to write an int8 file: add --int8."),
        (["runs/walk", "--int8", "--io", "int4"], "--io int4 is neither int8 nor float"),
        (["runs/walk", "--qat"], "--qat is about files in int8: add --int8."),
        (["runs/walk", "--fp16", "--format", "onnx"], "fp16 is a kind of .tflite file only"),
        (["runs/walk", "--int8", "--keep-float", "fcc"], "Did you mean 'fc'"),
        (["runs/walk", "--seed", "4"], "was not trained with seed 4: it has 3, 5"),
        (["runs/walk", "--seed", "5"], "the run folder is not whole"),
    ],
)
def test_what_cannot_be_exported_is_told_in_one_sentence(arguments, said, edgehar, in_project):
    before = sorted(os.listdir(in_project))
    ended = edgehar("export", *arguments)
    assert ended.exit_code == 2 and ended.stdout == ""
    assert said in ended.stderr and len(ended.stderr.splitlines()) == 1
    assert sorted(os.listdir(in_project)) == before


CONTRACT = InputContract(
    input=TensorContract("acc", (1, 128, 3), "float32"),
    output=TensorContract("scores", (1, 2), "float32"),
    labels=("rest", "wave"),
    window=128,
    framing="clip",
    rate_hz=None,
    student="acc-watch",
)
GOOD = FileReport(
    input=CONTRACT.input,
    output=CONTRACT.output,
    bytes=2048,
    sha256="",
    operators={},
    float_parts=(),
    seed=0,
    runtime="litert",
    kind="float",
    arena_bytes=None,
    kept_float=(),
    fine_tuned=False,
    accuracy=0.9,
    agreement=1.0,
    max_difference=2e-6,
    passed=True,
    why=None,
)
BAD = replace(GOOD, agreement=0.25, passed=False, max_difference=None, why="a score is not finite")


def report(**files: FileReport) -> ExportReport:
    named = {
        f"student.{name.replace('_', '.')}": replace(entry, kind="int8" if "int8" in name else "float")
        for name, entry in files.items()
    }
    return ExportReport(Path("runs/a/export"), 0, CONTRACT, 0.9, 430, named)


def drawn(found: ExportReport) -> str:
    console = Console(
        width=120, color_system="standard", force_terminal=True, record=True, file=io.StringIO()
    )
    console.print(view(found))
    return console.export_text(styles=True)


def test_a_failed_row_is_red_with_its_reason():
    red = [line for line in drawn(report(tflite=GOOD, int8_tflite=BAD)).splitlines() if "\x1b[31m" in line]
    assert any("student.int8.tflite" in line and "25.00%" in line for line in red)
    assert any("a score is not finite." in line for line in red)
    assert not any("student.tflite" in line for line in red)


def test_a_good_row_is_green_with_its_size():
    (row,) = [line for line in drawn(report(tflite=GOOD)).splitlines() if "2.0 KiB" in line]
    assert "\x1b[32mok" in row and "2.0e-06" in row and "90.00%" in row


def test_what_runs_nowhere_else_and_what_may_help_is_told():
    held = HeldBackReport(HeldBack(431, 4, True, 1.0, 0.97, 0.97))
    refused = replace(GOOD, runtimes={"tflm": RuntimeReport(refused="Hybrid models are not supported")})
    told = drawn(replace(report(int8_tflite=refused), held_back=held))
    assert "On 431 held-back training clips int8 loses 3.00 points." in told
    assert "try --qat" in told and "--auto" in told
    assert "student.int8.tflite is not for tflm: Hybrid models are not supported" in told


def test_what_auto_did_is_told():
    steps = (Step(None, 4.0, 0.9), Step("stem.3", 0.1, 0.99))
    told = drawn(replace(report(int8_tflite=GOOD), auto=AutoReport(steps, True)))
    assert "--auto took out of int8, worst first: stem.3; then 0.10 points lost." in told


def operator(name, **changes):
    return replace(
        OperatorReport(0, name, "CONV_2D", "int8", "int8", True, None, 25.5, 0.01, 0.05, -128, 0.0, 12.6),
        **changes,
    )


def test_the_worst_operators_are_shown_or_all():
    found = (
        operator("stem.3"),
        operator("fc", added_noise=0.0),
        operator("gaf", quantised=False, reason="taken out by --keep-float", added_noise=None),
    )
    whole = replace(report(int8_tflite=GOOD), operators={"student.int8.tflite": found})
    short = drawn(whole)
    assert "stem.3" in short and "25.5" in short and "0 to 12.6" in short
    assert "1 of 3 operators are not quantised; gaf: taken out by --keep-float" in short
    assert "│ fc" not in short
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(view(whole, all_operators=True))
    assert "│ fc" in console.export_text()


def test_files_of_an_earlier_export_are_shown_as_such():
    kept = replace(report(onnx=GOOD), kept=report(tflite=BAD).to_json()["files"])
    assert "from an earlier export" in drawn(kept)
    assert "not finite" not in drawn(kept)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tflite": GOOD, "int8_tflite": GOOD, "onnx": GOOD}, "student.int8.tflite"),
        ({"tflite": GOOD, "int8_tflite": BAD}, "student.tflite"),
        ({"onnx": GOOD, "int8_onnx": GOOD}, "student.int8.onnx"),
        ({"tflite": BAD, "int8_tflite": BAD}, "student.int8.tflite"),
    ],
)
def test_the_file_to_ship_is_the_smallest_that_passed(files, expected):
    assert file_to_ship(report(**files)).name == expected


def test_c_of_a_run_and_of_a_file_and_the_bundle(edgehar, in_project, tmp_path):
    ended = edgehar("export", "runs/walk", "--bundle", "--json")
    assert ended.exit_code == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["c"]["passed"] is True and told["c"]["golden"] == 13
    assert (in_project / "export" / "c" / "student.c").is_file()
    assert Path(told["bundle"]["path"]) == Path("runs/walk/export/bundle.zip")
    file = "runs/walk/export/student.int8.tflite"
    ended = edgehar("export", file, "--c", "--out", str(tmp_path / "c"))
    assert ended.exit_code == 0 and ended.stdout.splitlines()[-1] == str(tmp_path / "c" / "student.c")
    for words, said in {
        ("export", file): "with --c",
        ("export", "runs/walk", "--out", "x"): "--out is for --module or for a FILE",
        ("export", "runs/walk/export/student.tflite", "--c", "--out", str(tmp_path / "d")): "takes float32",
    }.items():
        ended = edgehar(*words)
        assert ended.exit_code == 2 and said in ended.stderr and "Traceback" not in ended.stderr
