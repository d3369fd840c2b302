"""A first evening through the command line: scan, distill, eval and predict on one folder of recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

LABELS, PEOPLE, RATE = ("rest", "shake"), ("anna", "bea", "cem", "dan"), 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two labels by four people by two trials: two wrists in g, of which one always rests, and a skeleton."""
    random = np.random.default_rng(0)
    place = tmp_path_factory.mktemp("evening")
    for number, label in enumerate(LABELS):
        for who in PEOPLE:
            for trial in "12":
                clip = place / "own" / who / label / trial
                clip.mkdir(parents=True)
                t = np.arange(120) / RATE
                for wrist, size in (("left", number), ("right", 0)):
                    values = random.normal(0, 0.02, (120, 3)) + np.array([0, 0, 1])
                    values[:, 0] += size * np.sin(2 * np.pi * 3 * t)
                    rows = np.c_[1_600_000_000_000 + 1000 * t, values]
                    np.savetxt(clip / f"acc.{wrist}.csv", rows, "%.4f", ",", header="t,x,y,z", comments="")
                np.save(clip / "skeleton.npy", random.normal(1, 0.1, (60, 20, 3)))
    return place


@pytest.fixture(scope="module")
def manifest(folder) -> Path:
    from edgehar.data.scan import scan

    path = folder / "own" / "manifest.csv"
    scan(folder / "own", "{subject}/{label}/{trial}/{stream}.*", path, unit="g", rate_hz=25)
    return path


def distill(edgehar, manifest, out, *options):
    return edgehar(
        "distill", "--data", manifest, "--teacher", "skeleton", "--student", "acc-micro", "--preset", "quick",
        "--epochs", 1, "--teacher-epochs", 1, "--schedule", "pretrained", "--out", out, "--json", *options,
    )  # fmt: skip


def test_several_accelerometers_are_listed_and_refused(manifest, tmp_path, edgehar):
    ended = distill(edgehar, manifest, tmp_path / "run")
    assert ended.exit_code == 2
    assert "name it with --student-stream, one of acc.left, acc.right" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_what_a_teacher_lacks_is_said_before_training(manifest, tmp_path, edgehar):
    ended = edgehar("distill", "--data", manifest, "--teacher", "depth", "--student-stream", "acc.left")
    assert ended.exit_code == 2
    assert "16 of 16 clips have no depth" in ended.stderr and "the teacher depth needs it" in ended.stderr


def test_a_run_on_a_manifest_is_judged_from_anywhere(manifest, tmp_path, edgehar, monkeypatch):
    monkeypatch.chdir(manifest.parent)
    ended = distill(edgehar, "manifest.csv", tmp_path / "run", "--student-stream", "acc.left")
    assert ended.exit_code == 0, ended.stderr
    told = json.loads(ended.stdout)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["plan"]["student_stream"] == "acc.left"
    assert (tmp_path / "run" / "labels.txt").read_text().split() == list(LABELS)
    monkeypatch.chdir(tmp_path)
    judged = json.loads(edgehar("eval", "run", "--json").stdout)
    assert judged["clips"] == 8 and set(judged["clips_per_subject"]) == {"bea", "dan"}
    assert judged["networks"]["student"]["accuracy"] == told["student"]["accuracy"]["mean"]
    right = edgehar("eval", "run", "--student-stream", "acc.right", "--json")
    assert right.exit_code == 0, right.stderr
    only = {"rest": 0, "shake": 0}
    for label, row in zip(LABELS, json.loads(right.stdout)["networks"]["student"]["confusion"], strict=True):
        only[label] = row
    assert only["rest"] == only["shake"]  # the right wrist rests whatever is done: one decision for all


def test_recordings_of_some_classes_are_judged_by_name(manifest, tmp_path, edgehar):
    ended = distill(edgehar, manifest, tmp_path / "run", "--student-stream", "acc.left")
    assert ended.exit_code == 0, ended.stderr
    lines = manifest.read_text().splitlines(keepends=True)
    few = manifest.with_name("few.csv")
    few.write_text("".join(line for line in lines if ",shake," in line or line.startswith("clip,")))
    ended = edgehar("eval", tmp_path / "run", "--data", few, "--student-stream", "acc.left", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["networks"]["student"]["recall"]["rest"] is None
    few.write_text(few.read_text().replace(",shake,", ",swim,"))
    ended = edgehar("eval", tmp_path / "run", "--data", few, "--student-stream", "acc.left")
    assert ended.exit_code == 2
    assert "'swim'" in ended.stderr and "does not know" in ended.stderr
