"""`edgehar eval` through the command line: runs, files, other data, pictures, and what it refuses."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgehar.networks import ask, build_student, save_weights
from edgehar.plan import make_plan
from edgehar.runs import Run

STEPS = {("student", 3): 40, ("baseline", 3): 12, ("student", 5): 6, ("baseline", 5): 2}


@pytest.fixture(scope="module")
def trained(utd_mhad: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder of two seeds, each network taught for moments on the tiny UTD-MHAD."""
    plan, recordings = make_plan(
        student="acc-micro", data="utd-mhad", data_dir=str(utd_mhad), seeds=(3, 5), preset="quick"
    )
    folder = tmp_path_factory.mktemp("project") / "runs" / "walk"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"plan": plan.to_json(), "rate_hz": None}))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in recordings.labels))
    (folder / "metrics.json").write_text("{}")
    windows, labels = (torch.from_numpy(array) for array in Run(folder).windows("train"))
    for (which, seed), steps in STEPS.items():
        torch.manual_seed(seed)
        network = build_student("acc-micro", len(recordings.labels), plan.shape.window)
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(steps):
            optimiser.zero_grad()
            F.cross_entropy(network(windows).logits, labels).backward()
            optimiser.step()
        save_weights(network.eval(), folder / f"seed-{seed}" / f"{which}.safetensors")
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `trained` as runs/walk of the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, "runs/walk"))


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """The export folder of another run with the same student."""
    from edgehar.runs import open_run
    from export.artifacts import export_run

    copy = trained.parent / "exported"
    shutil.copytree(trained, copy)
    export_run(open_run(copy))
    return copy / "export"


def read(ended) -> dict:
    """The one JSON object of a command that went well."""
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


def expected(run: Path, which: str, seed: int) -> float:
    """Accuracy on the test clips, counted here."""
    clips = Run(run).clips("test", "acc")
    said = ask(Run(run).student(seed, which), clips).logits.argmax(1).numpy()
    return float((said == clips.labels).mean())


def png_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, from the file's header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_a_run_shows_its_student_beside_its_baseline(edgehar, run):
    told = read(edgehar("eval", "--json"))
    assert (told["schema"], told["run"], told["file"], told["seed"]) == (1, "runs/walk", None, 3)
    assert (told["dataset"], told["split"], told["framing"]) == ("utd-mhad", "cross-subject", "clip")
    assert told["clips"] == 16
    assert told["clips_per_subject"] == {"2": 8, "4": 8}
    assert (told["trained_on"], told["warnings"]) == (0, [])
    assert list(told["networks"]) == ["student", "baseline"]
    for which, judged in told["networks"].items():
        assert judged["accuracy"] == pytest.approx(expected(run, which, 3))
        matrix = np.array(judged["confusion"])
        assert matrix.sum() == 16
        assert matrix.trace() / 16 == pytest.approx(judged["accuracy"])
        assert np.mean(list(judged["per_subject"].values())) == pytest.approx(judged["accuracy"])
        assert judged["recall"]["swipe left"] == pytest.approx(matrix[0, 0] / 4)
        assert judged["recall"]["squat"] is None  # no clip shows one
        wrong = sum(pair["clips"] for pair in judged["confusions"])
        assert wrong == 16 - matrix.trace()


def test_another_seed_is_another_network_and_another_picture(edgehar, run):
    told = read(edgehar("eval", "runs/walk", "--seed", "5", "--json"))
    assert told["seed"] == 5
    assert told["networks"]["student"]["accuracy"] == pytest.approx(expected(run, "student", 5))
    assert told["picture"] == "runs/walk/eval/student-seed-5@cross-subject.png"


def test_the_table_names_subjects_classes_confusions_and_the_picture(edgehar, run):
    ended = edgehar("eval", "walk", "--seed", "5")
    assert ended.exit_code == 0
    assert "acc-micro on utd-mhad, cross-subject, 16 test clips" in ended.stdout
    for text in ("student", "baseline", "macro-F1", "swipe left", "taken for", "subject"):
        assert text in ended.stdout
    assert "squat" not in ended.stdout.partition("worst confusions")[0]
    picture = ended.stdout.strip().splitlines()[-1]
    assert picture == "runs/walk/eval/student-seed-5@cross-subject.png"
    width, height = png_size(Path(picture))
    assert width > 1.5 * height > 1000  # two maps side by side, 27 names each


def test_a_split_that_holds_clips_it_was_trained_on_says_so(edgehar, run, write_recordings, tmp_path):
    folder = write_recordings(tmp_path / "four", ["Inertial"], actions=(1, 2), trials=(1, 2, 3, 4))
    told = read(edgehar("eval", "--split", "cross-trial", "--data-dir", folder, "--json"))
    assert (told["split"], told["clips"]) == ("cross-trial", 16)  # 2 actions, 4 people, trials 3 and 4
    assert told["trained_on"] == 8  # those of subjects 1 and 3
    assert told["warnings"] == ["8 of the 16 test clips were trained on: these figures say too much."]
    assert told["picture"] == "runs/walk/eval/student@cross-trial.png"


def test_a_file_of_a_run_is_judged_on_the_runs_own_data(edgehar, run, exported):
    shutil.copytree(exported, run / "export")
    student = read(edgehar("eval", "--json"))["networks"]["student"]
    for name in ("student.tflite", "student.onnx"):
        told = read(edgehar("eval", run / "export" / name, "--json"))
        assert (told["run"], told["file"]) == ("runs/walk", f"runs/walk/export/{name}")
        assert (told["dataset"], told["split"], told["trained_on"]) == ("utd-mhad", "cross-subject", 0)
        assert list(told["networks"]) == [name]
        assert told["picture"] is None
        assert told["networks"][name] == student
    assert sorted(path.name for path in (run / "eval").iterdir()) == ["student@cross-subject.png"]


def test_a_file_of_no_run_takes_its_data_by_name(edgehar, exported, utd_mhad, tmp_path):
    file = tmp_path / "student.onnx"
    shutil.copy(exported / "student.onnx", file)
    told = read(edgehar("eval", file, "--data", "utd-mhad", "--data-dir", utd_mhad, "--json"))
    assert (told["run"], told["seed"], told["trained_on"]) == (None, None, None)
    assert told["warnings"] == [f"Whether {file} was trained on these clips is unknown: trained_on is null."]
    assert told["networks"]["student.onnx"]["accuracy"] > 0.5
    assert list(tmp_path.iterdir()) == [file]  # no picture unless asked for


def test_out_is_a_folder_or_a_picture(edgehar, run, exported, tmp_path):
    file = exported / "student.onnx"
    told = read(edgehar("eval", file, "--out", tmp_path / "kept", "--json"))
    assert told["picture"] == str(tmp_path / "kept" / "student@cross-subject.png")
    told = read(edgehar("eval", file, "--out", tmp_path / "one.png", "--json"))
    assert png_size(Path(told["picture"])) == png_size(tmp_path / "kept" / "student@cross-subject.png")
    assert read(edgehar("eval", run, "--out", tmp_path / "run", "--json"))["picture"].startswith(
        str(tmp_path)
    )
    assert not (run / "eval").exists()


def test_a_held_out_subject_is_the_exam_of_its_run(edgehar, run):
    config = json.loads((run / "config.json").read_text())
    config["plan"]["hold_out"] = "3"
    (run / "config.json").write_text(json.dumps(config))
    told = read(edgehar("eval", "--json"))
    assert told["split"] == "cross-subject, subject 3 held out"
    assert told["clips_per_subject"] == {"3": 8}
    assert Path(told["picture"]).name == "student@cross-subject-subject-3-held-out.png"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seed", "4"], "was not trained with seed 4: it has 3, 5."),
        (["nowhere"], "nowhere is not a run folder"),
        (["none.tflite"], "There is no file none.tflite"),
        (["--split", "cross-subjet"], "Did you mean 'cross-subject'?"),
        (["--data", "utd-mhda"], "Did you mean 'utd-mhad'?"),
        (["{file}", "--seed", "3"], "holds one network: leave --seed out"),
        (["{broken}"], "{broken}"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(edgehar, run, exported, tmp_path, arguments, sentence):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(np.random.default_rng(0).bytes(500))
    known = {"file": exported / "student.onnx", "broken": broken}
    ended = edgehar("eval", *(argument.format(**known) for argument in arguments))
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert sentence.format(**known) in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (run / "eval").exists()


def test_classes_that_are_not_the_datas_are_refused(edgehar, run):
    names = (run / "labels.txt").read_text()
    (run / "labels.txt").write_text(names.replace("wave", "greet"))
    ended = edgehar("eval", "--json")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "runs/walk calls class 2 'greet', and utd-mhad calls it 'wave'" in ended.stderr


def test_windows_at_a_native_rate_are_not_judged_on_clips_of_another(edgehar, run):
    config = json.loads((run / "config.json").read_text())
    config["plan"]["framing"], config["rate_hz"] = "window", 100.0
    (run / "config.json").write_text(json.dumps(config))
    ended = edgehar("eval", "--json")
    assert ended.exit_code == 2
    assert "takes windows of 128 samples at 100 Hz" in ended.stderr
    assert "has 50 Hz where others have 100 Hz" in ended.stderr
