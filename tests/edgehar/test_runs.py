import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import pytest
import torch

from edgehar.data.prepare import Shape
from edgehar.errors import InputError
from edgehar.networks import build_student, save_weights
from edgehar.plan import Plan
from edgehar.runs import Run, find_run, list_runs, new_folder, open_run, read_json
from edgehar.training.recipe import Recipe

PLAN = Plan(
    data="utd-mhad", data_dir=None, split="cross-subject", hold_out=None, framing="clip", method="vskd",
    teachers=("depth",), student="acc-micro", loss="dask", preset="quick", seeds=(4, 2), shape=Shape(),
    teacher_recipe=Recipe(epochs=1), student_recipe=Recipe(epochs=1), views=1,
)  # fmt: skip
LABELS = ("wave", "größer")


@pytest.fixture
def make_run(tmp_path):
    """`make_run("a")` writes a finished run runs/a with two seeds, as distill does."""

    def make(name, finished=True, plan=PLAN):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
        config = {"schema": 1, "plan": plan.to_json(), "rate_hz": 50.0, "versions": {}}
        (folder / "config.json").write_text(json.dumps(config))
        for seed in plan.seeds:
            for number, which in enumerate(("baseline", "student")):
                torch.manual_seed(10 * seed + number)
                network = build_student(plan.student, len(LABELS), plan.shape.window)
                save_weights(network, folder / f"seed-{seed}" / f"{which}.safetensors")
        if finished:
            (folder / "metrics.json").write_text(json.dumps({"schema": 1}))
        return folder

    return make


def refused(call):
    with pytest.raises(InputError) as error:
        call()
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_run_tells_what_it_is(make_run, utd_mhad):
    folder = make_run("a", plan=replace(PLAN, data_dir=str(utd_mhad)))
    run = open_run(folder)
    assert run.finished
    assert run.labels == LABELS
    assert (run.seeds, run.framing, run.window, run.rate_hz) == ((4, 2), "clip", 128, 50.0)
    acc, labels = run.windows("test")
    assert acc.shape == (16, 128, 3)
    assert sorted(set(labels.tolist())) == [0, 1, 2, 3]


def test_the_student_is_that_of_the_first_seed_unless_another_is_named(make_run):
    run = open_run(make_run("a"))
    weights = {
        (seed, which): run.student(seed, which).fc.weight.detach()
        for seed in (None, 4, 2)
        for which in ("student", "baseline")
    }
    assert torch.equal(weights[None, "student"], weights[4, "student"])
    distinct = [weights[key] for key in weights if key[0] is not None]
    assert not any(torch.equal(a, b) for i, a in enumerate(distinct) for b in distinct[:i])
    assert not run.student().training


def test_a_seed_that_was_not_trained_names_those_that_were(make_run):
    run = open_run(make_run("a"))
    assert "not trained with seed 0: it has 4, 2" in refused(lambda: run.student(0))


# Making


def test_runs_begun_in_one_second_have_folders_of_their_own(monkeypatch, tmp_path):
    """`for seed in 0 1 2; do edgehar distill --seed $seed & done`"""

    class Stopped(datetime):
        @classmethod
        def now(cls):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edgehar.runs.datetime", Stopped)
    names = [new_folder(PLAN).as_posix() for _ in range(3)]
    first = "runs/20260102-030405-vskd-acc-micro"
    assert names == [first, f"{first}-2", f"{first}-3"]


def test_where_a_run_is_to_be_written_is_not_made_before_it_is(tmp_path):
    assert new_folder(PLAN, tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not (tmp_path / "a").exists()


def test_a_run_is_not_written_over_and_a_file_is_no_place_for_one(make_run, tmp_path):
    folder = make_run("a", finished=False)
    assert f"--resume {folder}" in refused(lambda: new_folder(PLAN, folder))
    (tmp_path / "file").write_text("")
    for name in ("file", "file/run"):
        assert "is a file" in refused(lambda name=name: new_folder(PLAN, tmp_path / name))


# Finding


def age(folder, name, seconds):
    os.utime(folder / name, (1_700_000_000 - seconds, 1_700_000_000 - seconds))


def test_a_run_is_found_by_its_folder_or_by_its_name(make_run, tmp_path, monkeypatch):
    folder = make_run("a")
    monkeypatch.chdir(tmp_path)
    assert find_run(folder) == folder
    assert find_run("a").resolve() == find_run("runs/a").resolve() == folder
    assert find_run("a", tmp_path / "runs") == folder


def test_without_a_name_it_is_the_one_finished_last(make_run, tmp_path):
    runs = tmp_path / "runs"
    first, second, unfinished = make_run("z"), make_run("a"), make_run("m", finished=False)
    for folder, begun in ((first, 300), (second, 200), (unfinished, 100)):
        age(folder, "config.json", begun)
    age(first, "metrics.json", 20)
    age(second, "metrics.json", 50)
    assert find_run(None, runs) == first  # begun earlier, but taken up again and finished later
    assert [run.folder for run in list_runs(runs)] == [first, second, unfinished]


@pytest.mark.parametrize("finished", [None, False])
def test_where_no_run_is_finished_the_sentence_says_what_to_type(make_run, tmp_path, finished):
    if finished is not None:
        make_run("a", finished)
    assert "edgehar distill --teacher video" in refused(lambda: find_run(None, tmp_path / "runs"))


def test_a_folder_that_is_no_run_is_said(tmp_path):
    assert "has no config.json" in refused(lambda: find_run(tmp_path))
    assert "nothing" in refused(lambda: find_run("nothing"))
    assert "is not a run folder" in refused(lambda: open_run(tmp_path / "nothing"))


def test_stray_files_among_the_runs_are_no_runs(make_run, tmp_path):
    make_run("a")
    (tmp_path / "runs" / "notes.txt").write_text("hello")
    (tmp_path / "runs" / "empty").mkdir()
    assert [run.folder.name for run in list_runs(tmp_path / "runs")] == ["a"]


# A folder cut short


def test_a_run_that_is_not_finished_says_how_to_go_on(make_run):
    folder = make_run("a", finished=False)
    assert not Run(folder).finished
    assert f"edgehar distill --resume {folder}" in refused(lambda: open_run(folder))


@pytest.mark.parametrize("name", ["config.json", "labels.txt", "metrics.json"])
def test_a_missing_file_is_named(make_run, name):
    folder = make_run("a")
    (folder / name).unlink()
    assert str(folder / name) in refused(lambda: open_run(folder))


@pytest.mark.parametrize("name", ["config.json", "labels.txt", "metrics.json"])
@pytest.mark.parametrize("left", [0, 1, 7, -1])
def test_a_file_cut_short_is_named(make_run, name, left):
    folder = make_run("a")
    (folder / name).write_bytes((folder / name).read_bytes()[:left])
    assert str(folder / name) in refused(lambda: open_run(folder))


@pytest.mark.parametrize("name", ["config.json", "labels.txt", "metrics.json"])
def test_bytes_that_are_no_text_are_said(make_run, name):
    folder = make_run("a")
    (folder / name).write_bytes(b"\xff\xfe\x00rubbish\n")
    assert str(folder / name) in refused(lambda: open_run(folder))


@pytest.mark.parametrize("content", ["[]", "3", '"text"', "null"])
def test_json_that_is_no_object_is_said(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    assert "holds no JSON object" in refused(lambda: read_json(tmp_path / "config.json", "train again"))


def test_a_label_lost_is_told_when_the_student_is_built(make_run):
    folder = make_run("a")
    (folder / "labels.txt").write_text("wave\n")
    assert "labels.txt" in refused(lambda: open_run(folder).student())


def test_missing_and_damaged_weights_are_named(make_run):
    folder = make_run("a")
    path = folder / "seed-4" / "student.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert str(path) in refused(lambda: open_run(folder).student())
    path.unlink()
    assert str(path) in refused(lambda: open_run(folder).student())


def test_finding_a_run_imports_no_torch(make_run):
    folder = make_run("a")
    code = f"""
import sys
from edgehar.runs import find_run, list_runs, open_run
run = open_run(find_run({str(folder)!r}))
run.labels, run.metrics, run.plan, list_runs(run.folder.parent)
assert "torch" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)
