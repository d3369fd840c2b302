import json

import pytest

from edgehar.data import DATASETS
from edgehar.data.prepare import Shape
from edgehar.losses import LOSSES
from edgehar.methods import METHODS
from edgehar.models import STUDENTS, TEACHERS
from edgehar.plan import Plan
from edgehar.training.recipe import Recipe
from firmware_sim.profile import profile_names


def m(mean):
    return {name: {"per_seed": [mean], "mean": mean, "std": None} for name in ("accuracy", "macro_f1")}


METRICS = {
    "schema": 1, "dataset": "synthetic", "split": "cross-subject", "framing": "clip", "method": "vskd",
    "seeds": [0], "teachers": {"depth": m(0.875)}, "baseline": m(0.75), "student": m(0.8125),
}  # fmt: skip


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """`make_run("a", METRICS)` writes a run folder runs/a below the current folder, as distill does."""
    monkeypatch.chdir(tmp_path)
    plan = Plan(
        data="synthetic", data_dir=None, split="cross-subject", hold_out=None, framing="clip", method="vskd",
        teachers=("depth",), student="acc-micro", loss="dask", preset="quick", seeds=(0,), shape=Shape(),
        teacher_recipe=Recipe(epochs=1), student_recipe=Recipe(epochs=1), views=1,
    )  # fmt: skip

    def make(name, metrics=None):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        config = {"schema": 1, "plan": plan.to_json(), "rate_hz": 50.0, "versions": {}}
        (folder / "config.json").write_text(json.dumps(config))
        if metrics is not None:
            (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return make


def listed(edgehar):
    told = edgehar("ls", "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    return json.loads(told.stdout)


def test_every_registry_is_listed(edgehar, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    everything = listed(edgehar)
    names = {kind: [row["name"] for row in rows] for kind, rows in everything.items() if kind != "schema"}
    assert names == {
        "datasets": list(DATASETS), "teachers": list(TEACHERS), "students": list(STUDENTS),
        "methods": list(METHODS), "losses": list(LOSSES), "devices": list(profile_names()), "runs": [],
    }  # fmt: skip


def test_in_a_process_of_its_own_stdout_is_one_json_object(edgehar_cli):
    told = edgehar_cli("ls", "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    assert json.loads(told.stdout)["schema"] == 1


def test_recordings_are_found_where_edgehar_data_says(edgehar, tmp_path, monkeypatch):
    (tmp_path / "UTD-MHAD").mkdir()
    monkeypatch.setenv("EDGEHAR_DATA", str(tmp_path))
    rows = {row["name"]: row for row in listed(edgehar)["datasets"]}
    assert rows["utd-mhad"]["folder"] == str(tmp_path / "UTD-MHAD")
    assert rows["synthetic"]["here"]
    monkeypatch.setenv("EDGEHAR_DATA", str(tmp_path / "nowhere"))
    assert not {row["name"]: row for row in listed(edgehar)["datasets"]}["utd-mhad"]["here"]


def test_a_finished_run_shows_what_came_of_it(edgehar, make_run):
    folder = make_run("a", METRICS)
    (folder / "export").mkdir()
    for name in ("student.tflite", "student.int8.tflite", "labels.txt"):
        (folder / "export" / name).write_bytes(b"")
    (run,) = listed(edgehar)["runs"]
    assert run == {
        "folder": "runs/a", "finished": True, "method": "vskd", "data": "synthetic", "split": "cross-subject",
        "student_name": "acc-micro", "seeds": 1, "teachers": {"depth": 0.875}, "baseline": 0.75,
        "student": 0.8125, "exported": ["student.int8.tflite", "student.tflite"], "note": None,
    }  # fmt: skip
    text = edgehar("ls").stdout
    for shown in ("runs/a", "depth 87.5%", "75.0%", "acc-micro 81.2%", "2 files"):
        assert shown in text


def test_runs_that_are_not_whole_are_listed_with_the_reason(edgehar, make_run):
    make_run("unfinished")
    (make_run("cut", METRICS) / "metrics.json").write_text('{"schema": 1, "te')
    (make_run("torn", METRICS) / "config.json").write_text("{")
    make_run("old", {key: value for key, value in METRICS.items() if key != "baseline"})
    runs = {run["folder"]: run for run in listed(edgehar)["runs"]}
    assert not any(run["finished"] for run in runs.values())
    assert "--resume runs/unfinished" in runs["runs/unfinished"]["note"]
    assert "runs/cut/metrics.json" in runs["runs/cut"]["note"]
    assert "runs/torn/config.json" in runs["runs/torn"]["note"]
    assert "baseline" in runs["runs/old"]["note"]
    assert edgehar("ls").exit_code == 0


def test_it_needs_no_torch(tmp_path):
    import subprocess
    import sys

    code = "import sys; sys.modules['torch'] = None; from edgehar.cli.main import run; sys.exit(run(['ls']))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
