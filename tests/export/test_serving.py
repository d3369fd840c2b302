"""Training and serving cannot disagree: what a watch's ring buffer sees is what training saw."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edgehar.data.streams import Source
from edgehar.data.utd_mhad import read
from edgehar.evaluation import vote
from edgehar.runs import Run
from edgehar.signals.ring import replay
from export.contract import read_contract
from export.parity import file_scores
from export.predict import predict_file
from firmware_sim.report import Latency
from firmware_sim.stream.contract import read_stream_contract
from firmware_sim.stream.day import simulate_day
from firmware_sim.stream.decisions import Recording, decide
from firmware_sim.stream.settings import settings_for

HOP_S, WINDOW_S = 0.3, 1.28


@pytest.fixture(scope="module")
def windowed(tmp_path_factory):
    """A run of windows on a tiny UTD-MHAD, exported."""
    from edgehar.cli.main import run

    folder = tmp_path_factory.mktemp("windowed")
    data = write_tiny(folder / "UTD-MHAD")
    options = (
        f"distill --data utd-mhad --data-dir {data} --teacher sensors --student acc-micro --preset quick "
        f"--epochs 40 --teacher-epochs 2 --accelerator cpu --framing window --window {WINDOW_S} "
        f"--hop {HOP_S} --out {folder / 'run'}"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder / "cache"))
        assert run(options.split()) == 0
        assert run(["export", str(folder / "run"), "--format", "tflite"]) == 0
        yield Run(folder / "run"), data


def write_tiny(folder):
    """Three actions by four people; the third person's clips are shorter than a window."""
    from scipy.io import savemat

    (folder / "Inertial").mkdir(parents=True)
    for action in (1, 2, 3):
        for subject in (1, 2, 3, 4):
            for trial in (1, 2):
                rng = np.random.default_rng([action, subject, trial])
                count = 50 if subject == 3 else 140 + 3 * action + subject
                swing = np.sin(2 * np.pi * action * np.arange(count) / 50)[:, None]
                values = np.hstack([[0, -1, 0] + 0.5 * swing * [1, 0.2, 0.5], 90 * swing * np.ones(3)])
                values += rng.normal(0, 0.02, values.shape)
                savemat(
                    folder / "Inertial" / f"a{action}_s{subject}_t{trial}_inertial.mat", {"d_iner": values}
                )
    return folder


def test_what_is_exported_states_framing_rate_and_window(windowed):
    run, _ = windowed
    contract = read_contract(run.folder / "export" / "student.tflite")
    assert (contract.framing, contract.rate_hz, contract.window) == ("window", 50.0, 64)


def test_a_recording_replayed_sample_by_sample_gives_trainings_logits(windowed):
    """Raw samples through the ring, window by window, against the rows that training and export had."""
    run, data = windowed
    contract = read_contract(run.folder / "export" / "student.tflite")
    assert contract.rate_hz is not None
    prepared, of = run.windows("test")[0], run.clips("test", "acc").of
    tested = [clip for clip in read(data).clips if clip.subject in ("2", "4")]
    student = run.student()
    _, scores = file_scores(run.folder / "export" / "student.tflite", prepared)
    row = 0
    for clip in tested:
        raw = clip.streams["acc"]().values
        served = np.stack(list(replay(raw, contract.window, round(HOP_S * contract.rate_hz))))
        rows = slice(row, row + len(served))
        assert len(set(of[rows].tolist())) == 1
        np.testing.assert_array_equal(served, prepared[rows])
        with torch.inference_mode():
            one_by_one = torch.cat([student(torch.from_numpy(window[None])).logits for window in served])
            as_trained = student(torch.from_numpy(np.array(prepared[rows]))).logits
        torch.testing.assert_close(one_by_one, as_trained, rtol=1e-5, atol=1e-5)
        _, given = file_scores(run.folder / "export" / "student.tflite", served)
        np.testing.assert_array_equal(given, scores[rows])
        row += len(served)
    assert row == len(prepared)


def test_predict_and_the_simulated_watch_judge_what_the_ring_gives(windowed, tmp_path):
    """A raw file through `predict`, and through the simulator's day, against the ring's own windows."""
    run, data = windowed
    file = run.folder / "export" / "student.tflite"
    raw = next(clip for clip in read(data).clips if clip.subject == "2").streams["acc"]()
    seconds = np.arange(len(raw.values)) / raw.rate_hz
    np.savetxt(tmp_path / "a.csv", np.c_[seconds, raw.values], "%.9g", ",", header="t,x,y,z", comments="")
    hop = round(HOP_S * raw.rate_hz)
    _, expected = file_scores(file, np.stack(list(replay(raw.values, 64, hop))))
    told, _ = predict_file(file, Source("a test", tmp_path / "a.csv", "acc", "m/s^2"), hop_s=HOP_S)
    np.testing.assert_allclose([d.probability for d in told.decisions], expected.max(1), atol=1e-4)
    settings = settings_for(64, 50.0, hop, 1, gaps_per_hour=0.0, hours=len(raw.values) / 50 / 3600)
    day = simulate_day(settings, Latency(1.0, 1.0, 1.0, None, "stated"))
    played = Recording(raw.values, seconds)
    said = decide(file, read_stream_contract(file), played, settings, day.lasts, day.finishes)
    np.testing.assert_allclose([d.score for d in said.decisions], expected.max(1), atol=1e-4)
    assert [d.label for d in said.decisions] == [d.label for d in told.decisions]


def test_both_accuracies_are_reported_and_are_what_the_windows_say(windowed):
    run, _ = windowed
    metrics, test = run.metrics, run.clips("test", "acc")
    with torch.inference_mode():
        said = run.student()(torch.from_numpy(np.array(test.arrays["acc"]))).logits.argmax(1).numpy()
    begin = np.flatnonzero(np.diff(test.of, prepend=-1))
    by_vote = (vote(said, test.of) == test.labels[begin]).mean()
    assert metrics["framing"] == "window"
    assert metrics["student"]["accuracy"]["mean"] == pytest.approx(by_vote)
    windows = metrics["windows"]
    assert windows["student"]["accuracy"]["mean"] == pytest.approx((said == test.labels).mean())
    assert (windows["window_s"], windows["hop_s"], windows["rate_hz"]) == (1.28, 0.3, 50.0)
    assert (windows["train"], windows["test"]) == (len(run.windows("train")[0]), len(test))
    assert windows["padded"] == 6  # the third person's


def test_evaluation_of_run_and_file_votes_too(windowed, edgehar):
    run, _ = windowed
    told = json.loads(edgehar("eval", run.folder, "--json").stdout)
    assert told["clips"] == 12
    assert told["networks"]["student"]["accuracy"] == pytest.approx(
        run.metrics["student"]["accuracy"]["mean"]
    )
    assert told["networks"]["student"]["windows"] == pytest.approx(
        run.metrics["windows"]["student"]["accuracy"]["mean"]
    )
    of_file = json.loads(edgehar("eval", run.folder / "export" / "student.tflite", "--json").stdout)
    ours, theirs = of_file["networks"]["student.tflite"], told["networks"]["student"]
    assert (ours["accuracy"], ours["windows"]) == (theirs["accuracy"], theirs["windows"])
