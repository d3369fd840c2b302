"""`edgehar bench --stream` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgehar.cli.stream import read_recording
from edgehar.errors import InputError
from firmware_sim.profile import DEVICES
from firmware_sim.stream.contract import StreamContract

CONTRACT = StreamContract(20, 10.0, ("left", "right"), "m/s^2", ("x", "y", "z"))


def write_csv(path: Path, seconds: int = 30) -> Path:
    lines = ["t,x,y,z,label"]
    for i in range(10 * seconds):
        x, label = (-1, "left") if i < 5 * seconds else (1, "right")
        lines.append(f"{i / 10},{x},0,9.81,{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_day_s_figures(edgehar, sign_model) -> None:
    ended = edgehar("bench", sign_model(), "--stream", "--set", "hours=2", "--set", "seed=3", "--json")
    assert ended.exit_code == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["schema"] == 1 and report["hours"] == 2 and report["settings"]["seed"] == 3
    assert 0 < report["duty_cycle"] < 1 and report["missed_deadlines"] == 0
    assert report["motion_to_decision_ms"]["p50"] > 1000
    assert report["decisions"] is None and report["picture"] is None
    assert "duty cycle" in edgehar("bench", sign_model(), "--stream", "--set", "hours=1").stdout


def test_a_recording_gives_decisions_accuracy_and_a_picture(edgehar, sign_model, tmp_path: Path) -> None:
    recording = write_csv(tmp_path / "r.csv")
    out = tmp_path / "out"
    ended = edgehar("bench", sign_model(), "--stream", "--recording", recording, "--out", out, "--json")
    assert ended.exit_code == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["accuracy"] >= 0.9 and len(report["decisions"]) == 29
    assert report["hours"] == pytest.approx(30 / 3600)
    assert Path(report["picture"]).is_file()
    kept = json.loads((out / "sign@cpu-arm.stream.json").read_text())
    assert kept == report


def test_several_devices_come_in_order(edgehar, sign_model, tmp_path: Path) -> None:
    ours = (DEVICES / "cpu-arm.toml").read_text()
    (tmp_path / "mine.toml").write_text(ours.replace('name = "cpu-arm"', 'name = "mine"'))
    devices = ("--device", tmp_path / "mine.toml", "--device", "cpu-arm")
    ended = edgehar("bench", sign_model(), "--stream", "--set", "hours=0.1", *devices, "--json")
    assert [report["device"] for report in json.loads(ended.stdout)["reports"]] == ["mine", "cpu-arm"]


def test_what_is_refused_in_a_sentence(edgehar, sign_model, tmp_path: Path) -> None:
    path = sign_model()
    for words, said in (
        (("--set", "hop=0"), "hop is 0 and must be above 0"),
        (("--set", "hopp=3"), "there is no 'hopp'; there are: hop, fifo"),
        (("--set", "hop=x"), "--set hop=x: give a whole number"),
        (("--recording", tmp_path / "absent.csv"), "absent.csv: there is no such file"),
    ):
        ended = edgehar("bench", path, "--stream", *words)
        assert ended.exit_code == 2 and said in ended.stderr, ended.stderr
    ended = edgehar("bench", sign_model(rate_hz=None), "--stream")
    assert ended.exit_code == 2 and "cannot stream" in ended.stderr


def test_recordings_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    good = read_recording(write_csv(tmp_path / "r.csv"), CONTRACT)
    assert good.values.shape == (300, 3) and good.truth is not None and good.truth[-1] == "right"
    np.save(tmp_path / "a.npy", good.values)
    assert read_recording(tmp_path / "a.npy", CONTRACT).times_s[10] == pytest.approx(1.0)
    np.save(tmp_path / "b.npy", np.column_stack([good.times_s, good.values]))
    assert np.array_equal(read_recording(tmp_path / "b.npy", CONTRACT).values, good.values)
    (tmp_path / "no.csv").write_text("t,x,y\n0,1,2\n")
    with pytest.raises(InputError, match=r"no\.csv: lacks the column z"):
        read_recording(tmp_path / "no.csv", CONTRACT)
    (tmp_path / "bad.csv").write_text("t,x,y,z\n0,1,2,3\n1,a,2,3\n")
    with pytest.raises(InputError, match=r"bad\.csv line 3: give numbers"):
        read_recording(tmp_path / "bad.csv", CONTRACT)
    (tmp_path / "x.wav").write_text("")
    with pytest.raises(InputError, match=r"a recording is a \.csv or \.npy file"):
        read_recording(tmp_path / "x.wav", CONTRACT)
