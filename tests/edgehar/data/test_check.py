"""What `edgehar data check` finds, each against recordings in which exactly that is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edgehar.data import manifest, utd_mhad
from edgehar.data.check import check_recordings
from edgehar.data.manifest import REQUIRED
from edgehar.data.measure import flat_axes, gravity_says, saturation, stillest

RATE = 50
G = 9.80665


def moving(seed: int, seconds: float = 4.0) -> np.ndarray:
    """A wrist in g: still for a second, then swinging."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    swing = np.where(t < 1, 0, np.sin(2 * np.pi * 2 * t))[:, None] * random.normal(0, 1, 3)
    return np.array([0, 0, 1]) + swing + random.normal(0, 0.002, (len(t), 3))


def save(folder: Path, name: str, values, times=None) -> str:
    times = np.arange(len(values)) / RATE if times is None else times
    np.savetxt(folder / name, np.c_[times, values], "%.6f", ",", header="t,x,y,z", comments="")
    return name


@pytest.fixture
def rows(tmp_path) -> list[list[str]]:
    """Two labels by four people, five times each: nothing is wrong with them."""
    rows = []
    for number, (label, who, trial) in enumerate(
        (label, who, trial) for label in ("sit", "walk") for who in "abcd" for trial in "12345"
    ):
        name = save(tmp_path, f"{label}_{who}_{trial}.csv", moving(number))
        rows.append([f"{label}_{who}_{trial}", label, who, trial, "acc", name, "", "g"])
    return rows


def check(folder: Path, rows, header=REQUIRED):
    path = folder / "clips.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return check_recordings(manifest.read(path), str(path))


def said(report, grave=None) -> str:
    return "\n".join(f.what for f in report.findings if grave in (None, f.grave))


def test_sound_recordings_have_nothing_but_a_note_on_trials(tmp_path, rows):
    report = check(tmp_path, rows)
    assert report.passed
    assert [f.what for f in report.findings] == [
        "cross-trial has 4 subjects in train and test: it does not say how new people fare."
    ]
    assert (report.clips, report.samples) == (40, 40 * 200)
    assert report.labels == {"sit": 20, "walk": 20}
    assert report.subjects == dict.fromkeys("abcd", 10)
    acc = report.streams["acc"]
    assert acc["real_hz"] == pytest.approx([50, 50, 50], abs=0.01)
    assert acc["rests_at"] == pytest.approx(G, rel=0.01)
    assert (acc["gaps"], acc["saturated_clips"], acc["flat_clips"]) == (0, 0, 0)
    assert report.splits["cross-subject"] == {
        "train": 20, "test": 20, "subjects_in_both": [], "labels_only_trained": [], "labels_only_tested": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "scale", "stated"),
    [("g", 1.0, "m/s^2"), ("mg", 1000.0, "m/s^2"), ("m/s^2", G, "g"), ("mg", 1000.0, "g"), ("g", 1.0, "mg")],
)
def test_gravity_tells_the_unit(tmp_path, rows, unit, scale, stated):
    for number, row in enumerate(rows):
        save(tmp_path, row[5], moving(number) * scale)
        row[7] = stated
    assert f"these seem to be {unit}: write {unit}" in said(check(tmp_path, rows), "warning")


def test_linear_acceleration_is_told_from_a_wrong_unit():
    assert "taken out" in gravity_says(0.3)
    assert "write g" in gravity_says(G / 1000, "mg")
    assert gravity_says(9.7) is None
    assert gravity_says(30.0) == "the unit or the scale is wrong"


def test_what_never_lies_still_is_not_judged():
    t = np.arange(200) / RATE
    assert stillest(np.c_[10 * np.sin(20 * t), t, t], RATE) is None
    assert stillest(moving(0) * G, RATE) == pytest.approx(G, rel=0.01)


def test_saturation_and_flat_axes():
    values = moving(3)
    assert saturation(values) == 0
    clipped = np.clip(values, -0.5, 0.5)
    share = max((np.abs(clipped[:, axis]) == 0.5).mean() for axis in range(3))
    assert 0 < saturation(clipped) <= share + 1e-9
    values[:, 1] = 2.0
    assert flat_axes(values) == "y"


def test_a_clipped_and_a_dead_axis_are_found(tmp_path, rows):
    save(tmp_path, rows[0][5], np.clip(moving(0) * 3, -2, 2))
    dead = moving(1)
    dead[:, 0] = 0
    save(tmp_path, rows[1][5], dead)
    report = check(tmp_path, rows)
    assert "axis x never changes" in said(report, "warning")
    assert "raise its range" in said(report, "warning")


def test_gaps_jitter_and_repairs_are_counted(tmp_path, rows):
    t = np.arange(200) / RATE
    save(tmp_path, rows[0][5], moving(0), np.where(t < 2, t, t + 0.5))
    save(tmp_path, rows[1][5], moving(1), np.where(t < 2, t, t + 30))
    late = t + np.random.default_rng(0).uniform(0, 0.015, 200)
    save(tmp_path, rows[2][5], moving(2), np.maximum.accumulate(late) + np.arange(200) * 1e-5)
    report = check(tmp_path, rows)
    assert "gaps above 1 s: cut the clips there" in said(report, "error")
    assert "gaps filled by straight lines" in said(report, "note")
    assert report.repairs["gaps"] == 2 and report.repairs["smoothed"] == 200
    assert report.streams["acc"]["longest_gap_s"] == pytest.approx(30.02, abs=0.01)
    assert report.measured[2].jitter > 0.2
    assert not report.passed


def test_a_copy_in_train_and_test_stops_training(tmp_path, rows):
    rows[25][5] = rows[0][5]  # walk of b, sit of a
    report = check(tmp_path, rows)
    assert "acc is the same in train and test of cross-subject" in said(report, "error")
    rows[25][5], rows[1][5] = "walk_b_1.csv", rows[0][5]  # two trials of a
    assert "the same in several clips" in said(check(tmp_path, rows), "warning")


def test_a_stated_rate_that_the_stamps_deny(tmp_path, rows):
    for row in rows:
        row[6] = "100"
    report = check(tmp_path, rows)
    assert "stated at 100 Hz and stamped otherwise" in said(report, "warning")
    assert report.measured[0].drift_s == pytest.approx(2.0, abs=0.03)


def test_streams_that_drift_and_a_video_that_is_cut(tmp_path, rows):
    t = np.arange(1000) / RATE
    save(tmp_path, "wrist.csv", moving(0, 20), t)
    save(tmp_path, "hip.csv", moving(1, 20), t * 1.05)
    np.save(tmp_path / "film.npy", np.zeros((75, 4, 4, 3), np.uint8))
    of = ["long", "walk", "a", "1"]
    rows += [
        [*of, "acc.wrist", "wrist.csv", "", "g"],
        [*of, "acc.hip", "hip.csv", "", "g"],
        [*of, "rgb", "film.npy", "30", ""],
    ]
    report = check(tmp_path, rows)
    assert "acc.wrist and acc.hip differ in length by more than 2%" in said(report, "note")
    assert "acc.wrist and rgb differ by more than a tenth in length: is the video cut?" in said(
        report, "warning"
    )


def test_labels_and_people_are_counted(tmp_path, rows):
    few = [row for row in rows if row[2] == "a"] + [r for r in rows if r[2] == "b" and r[1] == "walk"][:1]
    few[-1][1] = "run"
    report = check(tmp_path, few)
    assert "cross-subject tests 'run' and never trains it" in said(report, "error")
    assert "'run' has 1 clips: five is little" in said(report, "warning")
    alone = check(tmp_path, [row for row in rows if row[2] == "a"])
    assert "one subject alone" in said(alone, "warning")
    assert "one label alone" in said(check(tmp_path, rows[:20]), "error")


def test_what_cannot_be_read_is_one_finding_and_the_rest_is_read(tmp_path, rows):
    (tmp_path / rows[3][5]).write_text("t,x,y,z\n0,1,2,fall\n")
    report = check(tmp_path, rows)
    assert "line 2: z holds 'fall'" in said(report, "error")
    assert len(report.measured) == 39


def test_the_command_line_draws_and_ends_with_1_where_training_would_stop(tmp_path, rows, edgehar):
    check(tmp_path, rows)
    ended = edgehar("data", "check", tmp_path / "clips.csv", "--json")
    told = json.loads(ended.stdout)
    assert ended.exit_code == 0
    assert (told["schema"], told["clips"], told["streams"]["acc"]["clips"]) == (1, 40, 40)
    assert (tmp_path / "clips.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / rows[3][5]).write_text("t,x,y,z\n0,1,2,fall\n")
    ended = edgehar("data", "check", tmp_path / "clips.csv")
    assert ended.exit_code == 1
    assert "x " in ended.stdout and "holds 'fall'" in ended.stdout.replace("\n", " ")


def test_a_published_data_set_is_checked_by_name(edgehar, utd_mhad):
    ended = edgehar("data", "check", "utd-mhad", "--data-dir", utd_mhad, "--json")
    told = json.loads(ended.stdout)
    assert set(told["streams"]) >= {"acc", "gyro", "skeleton", "depth"}
    assert told["picture"] is None


def test_real_wrists_rest_near_gravity(data_set):
    read = utd_mhad.read(data_set("UTD-MHAD"))
    some = [clip.streams["acc"]() for clip in read.clips[::40]]
    rests = [rest for s in some if (rest := stillest(s.values, s.rate_hz)) is not None]
    assert rests and gravity_says(float(np.median(rests))) is None
