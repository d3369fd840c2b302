"""`edgehar distill` as it is typed: bad input is one sentence, and a kill loses nothing."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from edgehar.cli.distill import percent

SLOWER = ("--epochs", "40", "--teacher-epochs", "12")


def refused(told, *words):
    """The one sentence on stderr of a command that could not use its input."""
    assert told.exit_code == 2, told.stderr
    assert told.stdout == ""
    assert "Traceback" not in told.stderr
    sentence = told.stderr.splitlines()[-1]
    for word in words:
        assert word in sentence, sentence
    return sentence


def replace(path: Path, key: str, values) -> None:
    path.unlink()
    savemat(path, {key: values})


@pytest.fixture
def run_on(distill, utd_copy, tmp_path, own_cache):
    """`distill` on recordings that the test has damaged, into `tmp_path / "run"`."""
    return lambda *arguments: distill("--out", tmp_path / "run", *arguments, data_dir=utd_copy)


# Recordings


def test_a_missing_depth_file_is_counted_and_its_clip_named(run_on, utd_copy, tmp_path):
    (utd_copy / "Depth" / "a2_s3_t1_depth.mat").unlink()
    refused(run_on(), "1 of 32 clips have no depth", "a2_s3_t1")
    assert not (tmp_path / "run").exists()


def test_a_clip_that_was_only_seen_is_named(run_on, utd_copy):
    (utd_copy / "Inertial" / "a2_s3_t1_inertial.mat").unlink()
    refused(run_on(), "1 of 32 clips have no acc", "a2_s3_t1")


def test_one_modality_only_says_which_is_missing(distill, tmp_path, write_recordings):
    folder = write_recordings(tmp_path / "felt", ["Inertial"])
    refused(distill("--out", tmp_path / "run", data_dir=folder), "32 of 32 clips have no depth")
    folder = write_recordings(tmp_path / "seen", ["Skeleton"])
    refused(distill("--out", tmp_path / "run", data_dir=folder), "32 of 32 clips have no acc")


@pytest.mark.parametrize("kind", ["Inertial", "Depth"])
def test_a_truncated_mat_is_named(run_on, utd_copy, kind):
    path = next((utd_copy / kind).glob("a3_s2_t2_*"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    refused(run_on(), str(path), "copy it again")


def test_a_nan_a_wrong_key_and_a_wrong_shape_are_named(run_on, utd_copy):
    path = utd_copy / "Inertial" / "a1_s2_t1_inertial.mat"
    for key, values, word in (
        ("d_iner", np.full((60, 6), np.nan), "NaN"),
        ("d_skel", np.zeros((60, 6)), "no array called d_iner"),
        ("d_iner", np.zeros((60, 4)), "(60, 4)"),
    ):
        replace(path, key, values)
        refused(run_on(), str(path), word)


def test_an_empty_and_a_missing_folder_are_said(distill, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(distill(data_dir=tmp_path / "empty"), "holds no UTD-MHAD clip")
    refused(distill(data_dir=tmp_path / "gone"), "gone is not a folder", "--data-dir")


def test_what_was_prepared_before_a_bad_file_is_used_when_it_is_mended(run_on, utd_copy, own_cache):
    path = utd_copy / "Depth" / "a3_s2_t2_depth.mat"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:1000])
    refused(run_on(), str(path))
    assert [p.name.split("-")[2] for p in (own_cache / "prepared").iterdir()] == ["acc"]


def test_framing_by_windows_needs_one_rate(run_on, monkeypatch, tmp_path):
    from edgehar.data import utd_mhad

    def at_100(path):
        stream = utd_mhad.read_acc(path)
        return dataclasses.replace(stream, rate_hz=100.0) if "a2_s1" in path.name else stream

    monkeypatch.setitem(utd_mhad._READERS, "acc", at_100)
    refused(run_on("--framing", "window"), "clip a2_s1_t1 has 100 Hz where others have 50 Hz")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--window", "2"), ["--window and --hop are for --framing window"]),
        (("--framing", "window", "--window", "0.05"), ["at 50 Hz make 0 and 25 samples"]),
        (("--framing", "window", "--hop", "0"), ["make 128 and 0 samples"]),
        (("--framing", "window", "--window", "-1"), ["a window has 8 or more"]),
        (("--student-stream", "acc.left_wrist"), ["no stream 'acc.left_wrist' for --student-stream"]),
        (("--teacher-streams", "gyro"), ["--teacher-streams gyro is for --teacher sensors"]),
        (("--teacher", "sensors", "--teacher-streams", "gyros"), ["no stream 'gyros'", "name of acc, gyro"]),
        (("--split", "leave-one-subject-out", "--hold-out", "1"), ["--hold-out 1 is for one fold"]),
        (("--split", "cross-subject:9"), ["has no subject '9'"]),
    ],
)
def test_windows_streams_and_splits_that_cannot_be_are_refused(run_on, tmp_path, options, words):
    refused(run_on(*options), *words)
    assert not (tmp_path / "run").exists()


def test_a_split_file_that_leaks_is_refused_unless_forced(run_on, utd_copy, tmp_path):
    from edgehar.data.utd_mhad import read

    clips = read(utd_copy).clips
    path = tmp_path / "parts.csv"
    parts = [f"{clip.id},{'train' if clip.trial == '1' else 'test'}" for clip in clips]
    path.write_text("\n".join(["clip,part", *parts]) + "\n")
    split = ("--split", f"file:{path}", "--teacher", "sensors")
    refused(run_on(*split), "leaks: subject 1, 2, 3, 4 both train and test", "--force")
    assert not (tmp_path / "run").exists()
    told = run_on(*split, "--force", "--json")
    assert told.exit_code == 0, told.stderr
    assert "forced: subject 1, 2, 3, 4 both train and test" in json.loads(told.stdout)["split"]


# Names and folders


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--teacher", "dept"), ["No teacher called 'dept'", "Did you mean 'depth'"]),
        (("--student", "acc-wach"), ["No student called 'acc-wach'", "Did you mean 'acc-watch'"]),
        (("--teacher", "rgb"), ["32 of 32 clips have no rgb"]),
        (("--accelerator", "gpu"), ["No accelerator called 'gpu'"]),
        (("--weight", "angle"), ["--weight angle is not NAME=VALUE"]),
        (("--weight", "angle=much"), ["angle=much is no weight"]),
        (("--weight", "angel=3"), ["takes no 'angel'"]),
        (("--epochs", "0"), ["0 epochs"]),
        (("--seed", "1", "--seed", "1"), ["name one twice"]),
        (("--seed", "99999999999999999999"), ["is no seed"]),
        (("--hold-out", "2"), ["hold out one of 1, 3"]),
        (("--resume", "nothing"), ["nothing is not a run folder"]),
    ],
)
def test_a_wrong_name_or_value_is_one_sentence(distill, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    refused(distill(*options), *words)
    assert not [path for path in tmp_path.rglob("*") if path.name != "runs"]


def test_a_folder_that_holds_a_run_is_not_written_over(distill, tmp_path):
    config = tmp_path / "config.json"
    config.write_text("{}")
    refused(distill("--out", tmp_path), "holds a run already", f"--resume {tmp_path}")
    assert config.read_text() == "{}"


@pytest.mark.parametrize("name", ["notes.txt", "notes.txt/run"])
def test_a_file_is_no_place_for_a_run(distill, tmp_path, name):
    (tmp_path / "notes.txt").write_text("mine")
    refused(distill("--out", tmp_path / name), "notes.txt is a file", "--out")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_cannot_be_trained_leaves_no_empty_folder(distill, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(distill("--hold-out", "2"), "hold out one of 1, 3")
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "runs"])


# A whole run, killed three times on its way


def start(arguments, folder, cache):
    """The command in a process of its own that hears signals, whatever this one has switched off."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("edgehar"), "distill", *arguments],
        env={**os.environ, "EDGEHAR_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stop(process, folder, stage, sent):
    """Sends the signal once the stage has a checkpoint; returns exit code, stdout and stderr."""
    checkpoint = folder / "seed-0" / "checkpoints" / f"{stage}.ckpt"
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.send_signal(sent)
    stdout, stderr = process.communicate()
    assert not (folder / "seed-0" / f"{stage}.safetensors").exists(), "too late: the stage was done"
    return process.returncode, stdout, stderr


@pytest.fixture(scope="module")
def told_whole(distill, tmp_path_factory):
    """(folder, what was told) of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder / "cache"))
        told = distill(*SLOWER, "--json", "--out", folder / "run")
    assert told.exit_code == 0, told.stderr
    return folder / "run", told


def test_json_is_the_metrics_and_the_run_and_nothing_else(told_whole):
    folder, told = told_whole
    printed = json.loads(told.stdout)
    assert printed.pop("run") == str(folder)
    assert printed == json.loads((folder / "metrics.json").read_text())


def bits(folder):
    kept = [
        *folder.rglob("*.safetensors"),
        folder / "log.csv",
        folder / "metrics.json",
        folder / "labels.txt",
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def test_killed_thrice_it_ends_with_the_same_bits(told_whole, distill, utd_mhad, tmp_path, monkeypatch):
    """kill -9 at the teacher, Ctrl-C at the baseline, kill -9 at the student, each taken up again."""
    folder, cache = tmp_path / "a [run]", tmp_path / "cache"
    options = ("--data", "utd-mhad", "--data-dir", utd_mhad, "--preset", "quick", "--student", "acc-micro")
    resume = ("--resume", folder, "--accelerator", "cpu")

    first = start([*options, *SLOWER, "--accelerator", "cpu", "--out", folder], folder, cache)
    assert stop(first, folder, "teacher-depth", signal.SIGKILL)[0] == -signal.SIGKILL

    code, stdout, stderr = stop(start(resume, folder, cache), folder, "baseline", signal.SIGINT)
    assert (code, stdout) == (130, "")
    assert f"Go on: edgehar distill --resume {folder}" in stderr
    assert "Traceback" not in stderr

    assert stop(start(resume, folder, cache), folder, "student", signal.SIGKILL)[0] == -signal.SIGKILL
    assert not (folder / "metrics.json").exists()

    monkeypatch.setenv("EDGEHAR_CACHE", str(cache))
    told = distill("--resume", folder)
    assert told.exit_code == 0, told.stderr
    assert f"Next: edgehar export {folder} --int8" in told.stderr
    assert bits(folder) == bits(told_whole[0])
    assert not list(folder.rglob("checkpoints"))

    again = bits(folder)
    assert distill("--resume", folder).exit_code == 0  # of a finished run: nothing is lost
    assert bits(folder) == again


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (("--epochs", "3"), "--epochs"),
        (("--seed", "1"), "--seed"),
        (("--loss", "ce"), "--loss"),
        (("--weight", "kd=2"), "--weight"),
        (("--student", "acc-micro"), "--student"),
        (("--data", "utd-mhad"), "--data"),
        (("--data-dir", "elsewhere"), "--data-dir"),
        (("--hold-out", "1"), "--hold-out"),
        (("--out", "elsewhere"), "--out"),
    ],
)
def test_a_run_is_taken_up_as_it_was_begun(edgehar, told_whole, options, flag):
    folder, _ = told_whole
    before = bits(folder)
    sentence = refused(
        edgehar("distill", "--resume", folder, *options), "--resume takes a run up as it was begun"
    )
    assert f"leave out {flag}," in sentence
    assert bits(folder) == before


def test_a_run_whose_config_was_cut_short_is_said(edgehar, tmp_path):
    (tmp_path / "config.json").write_text('{"schema": 1, "plan": {"da')
    refused(edgehar("distill", "--resume", tmp_path), str(tmp_path / "config.json"), "is not whole")


def test_percent_has_a_spread_where_there_is_one():
    assert percent({"mean": 0.91234, "std": None}) == "91.23 %"
    assert percent({"mean": 0.91234, "std": 0.0123}) == "91.23 ± 1.2 %"
