"""`edgehar compare` through the command line: several runs, one class by class, some classes alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.cli.compare import _points, _ranges

A = {"baseline": [0.90, 0.92, 0.91], "student": [0.91, 0.94, 0.94], "depth": [0.8, 0.9, 0.7]}
B = {"baseline": [0.90, 0.92, 0.91], "student": [0.93, 0.95, 0.98], "name": "acc-micro"}


@pytest.fixture
def make(write_run, tmp_path, monkeypatch):
    """`make(walk=A)`: the finished run runs/walk below the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(**runs):
        for name, options in runs.items():
            write_run(Path("runs", name), **options)

    return write


@pytest.fixture
def trained(taught, tmp_path, monkeypatch):
    """A copy of a run with all its weights as runs/walk of the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(taught, "runs/walk"))


def read(ended) -> dict:
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


def is_png(path) -> bool:
    return Path(path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_several_runs_are_one_object_and_one_picture(edgehar, make):
    make(a=A, b=B)
    ended = edgehar("compare", "runs/b", "a", "--json")
    told = read(ended)
    assert ended.stderr == ""
    assert (told["schema"], told["level"], told["dataset"]) == (1, 0.9, "utd-mhad")
    assert [row["run"] for row in told["runs"]] == ["runs/b", "runs/a"]
    first, second = told["runs"]
    assert (first["method"], first["student_name"], first["loss"]) == ("vskd", "acc-micro", "dask")
    assert (first["seeds"], second["teachers"]["depth"]["mean"]) == ([0, 1, 2], pytest.approx(0.8))
    assert (first["over_first"], first["not_comparable"]) == (None, None)
    assert second["over_first"]["mean"] == pytest.approx(-0.07 / 3)
    # Gains of 1, 2 and 3 points: 2 plus or minus 2.919986 / sqrt(3).
    assert (second["gain"]["low"], second["gain"]["high"]) == (
        pytest.approx(0.0031415, abs=1e-6),
        pytest.approx(0.0368585, abs=1e-6),
    )
    assert told["picture"] == "runs/b/compare/runs.png"
    assert is_png(told["picture"])


def test_the_table_has_a_line_a_run_with_means_spreads_gains_and_intervals(edgehar, make):
    make(a=A, b=B)
    ended = edgehar("compare", "a", "b", "--out", "both.png")
    assert ended.exit_code == 0
    for shown in (
        "utd-mhad, cross-subject: accuracy in %, gains in points",
        "vskd", "dask", "acc-watch", "acc-micro", "80.00 ± 10.0", "0-2", "91.00 ± 1.0", "93.00 ± 1.7",
        "+2.00", "+0.31 to +3.69", "+2.33",
    ):  # fmt: skip
        assert shown in ended.stdout
    assert ended.stdout.strip().splitlines()[-1] == "both.png"
    assert is_png("both.png")
    assert sorted(path.name for path in Path("runs/a").iterdir()) == [
        "config.json",
        "labels.txt",
        "metrics.json",
    ]


def test_without_names_all_finished_runs_are_compared_oldest_first(edgehar, make):
    make(second=A)
    make(first=B, unfinished=A)
    Path("runs/unfinished/metrics.json").unlink()
    os.utime("runs/first/config.json", (1, 1))
    told = read(edgehar("compare", "--json"))
    assert [row["run"] for row in told["runs"]] == ["runs/first", "runs/second"]


def test_without_names_a_run_that_cannot_be_read_is_left_out_with_a_line(edgehar, make):
    make(a=A, cut=A, old=A)
    Path("runs/cut/metrics.json").write_text('{"schema": 1, "te')
    Path("runs/old/metrics.json").write_text("{}")
    ended = edgehar("compare", "--json")
    assert [row["run"] for row in read(ended)["runs"]] == ["runs/a"]
    assert len(ended.stderr.splitlines()) == 2
    assert all(line.startswith("Left out: runs/") for line in ended.stderr.splitlines())
    shutil.rmtree("runs/a")
    ended = edgehar("compare")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines()[-1].startswith("No finished run in runs can be read")


def test_a_run_named_twice_is_one_line(edgehar, make):
    make(a=A)
    assert len(read(edgehar("compare", "a", "runs/a", "./runs/a", "--json"))["runs"]) == 1


def test_runs_of_one_name_are_told_apart_by_their_paths(edgehar, make, write_run):
    make(a=A)
    write_run(Path("old/a"), **B)
    shown = edgehar("compare", "runs/a", "old/a").stdout
    assert "runs/a" in shown
    assert "old/a" in shown


def test_one_seed_and_another_split_say_why_there_is_no_figure(edgehar, make):
    make(
        a=A, one={"baseline": [0.8], "student": [0.9], "split": "cross-trial"}, few={**B, "seeds": [0, 2, 7]}
    )
    ended = edgehar("compare", "a", "one", "few")
    assert ended.exit_code == 0
    assert "! one: no interval: only seed 0: an interval needs two" in ended.stdout
    assert "! few: over the first with what both have, seeds 0, 2" in ended.stdout
    for shown in ("not comparable:", "other split", "(cross-trial)", "0, 2, 7"):
        assert shown in ended.stdout
    row = read(edgehar("compare", "a", "one", "--json"))["runs"][1]
    assert (row["gain"]["low"], row["gain"]["high"], row["over_first"]) == (None, None, None)
    assert row["gain"]["note"] == "only seed 0: an interval needs two"
    assert row["not_comparable"] == "other split"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere is not a run folder"),
        (["a", "unfinished"], "--resume runs/unfinished"),
        (["a", "other"], "runs/a is a run on utd-mhad and runs/other one on synthetic"),
        (["a", "b", "--classes"], "--classes looks into one run: leave out all but one of the 2."),
        (["a", "--data-dir", "x"], "--data-dir is read with --classes or --labels alone"),
        (["a", "--labels", "wav"], "runs/a has no label 'wav'. Did you mean 'wave'?"),
        (["a", "--labels", "1-3"], "--labels 1-3 is no range of the labels of runs/a, which are 1-2."),
        (["a", "--classes", "--data-dir", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(edgehar, make, arguments, sentence):
    make(a=A, b=B, unfinished=A, other={**A, "dataset": "synthetic"})
    Path("runs/unfinished/metrics.json").unlink()
    ended = edgehar("compare", *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not Path("runs/a/compare").exists()


def test_no_run_at_all_says_what_to_type(edgehar, make):
    make()
    ended = edgehar("compare")
    assert ended.exit_code == 2
    assert "No finished run in runs. Type: edgehar distill" in ended.stderr


def test_several_runs_need_no_torch(make):
    make(a=A, b=B)
    verb = "from edgehar.cli.main import run; sys.exit(run(['compare']))"
    code = f"import sys; sys.modules['torch'] = None; {verb}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_one_run_class_by_class(edgehar, trained):
    told = read(edgehar("compare", "--classes", "--json"))
    (row,) = told["runs"]
    assert row["run"] == "runs/walk"
    assert [line["label"] for line in row["classes"]] == ["swipe left", "swipe right", "wave", "clap"]
    judged = [read(edgehar("eval", "--seed", seed, "--json"))["networks"] for seed in (0, 3)]
    for line in row["classes"]:
        for name in ("baseline", "student"):
            assert line[name]["per_seed"] == [networks[name]["recall"][line["label"]] for networks in judged]
    assert told["picture"] == "runs/walk/compare/classes.png"
    assert is_png(told["picture"])
    lines = edgehar("compare", "walk", "--classes").stdout.splitlines()
    shown = [line.split("  ")[1] for line in lines if line.startswith(("  swipe", "  wave", "  clap"))]
    by_gain = sorted(row["classes"], key=lambda line: -line["gain"]["mean"])
    assert shown == [line["label"] for line in by_gain]


def test_some_classes_alone(edgehar, trained):
    told = read(edgehar("compare", "walk", "--labels", "1-2,clap", "--json"))
    (row,) = told["runs"]
    assert (row["labels"], row["clips"]) == (["swipe left", "swipe right", "clap"], 12)
    assert told["picture"] == "runs/walk/compare/runs@1-2-clap.png"
    judged = read(edgehar("eval", "--json"))["networks"]["student"]
    recalls = [judged["recall"][label] for label in row["labels"]]
    assert row["student"]["per_seed"][0] == pytest.approx(sum(recalls) / 3)  # 4 clips each
    shown = edgehar("compare", "walk", "--labels", "1-2,clap").stdout
    assert "cross-subject, 3 classes alone (swipe left, swipe right, clap), 12 test clips" in shown


@pytest.mark.parametrize(
    ("seeds", "text"), [((2, 0, 1, 5), "0-2, 5"), ((4,), "4"), ((0, 2, 4), "0, 2, 4"), (range(10), "0-9")]
)
def test_seeds_in_short(seeds, text):
    assert _ranges(tuple(seeds)) == text


@pytest.mark.parametrize(("value", "text"), [(-0.0123, "-1.23"), (-1e-17, "+0.00"), (0.1, "+10.00")])
def test_points(value, text):
    assert _points(value) == text
