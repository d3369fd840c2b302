"""Whole runs on the tiny UTD-MHAD: what is written, and what is reused."""

import csv
import json
import shutil

import pytest
import torch

from edgehar.evaluation import score
from edgehar.networks import ask, build_teacher, load_weights
from edgehar.plan import Plan
from edgehar.runs import open_run

STAGES = ("teacher-depth", "baseline", "student")


@pytest.fixture
def filled_cache(two_seeds, own_cache):
    """A copy of the cache that those seeds filled."""
    shutil.copytree(two_seeds.cache, own_cache)
    return own_cache


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def weights(folder, seed=0):
    return {path.name: path.read_bytes() for path in (folder / f"seed-{seed}").iterdir()}


def log_of(folder):
    return list(csv.DictReader((folder / "log.csv").open()))


# What is written


def test_the_folder_holds_what_the_design_says_and_nothing_else(two_seeds):
    seeds = {f"seed-{seed}/{stage}.safetensors" for seed in (0, 3) for stage in STAGES}
    assert files(two_seeds.folder) == {"config.json", "metrics.json", "labels.txt", "log.csv"} | seeds
    assert not any(path.name == "checkpoints" for path in two_seeds.folder.rglob("*"))


def test_metrics_have_the_agreed_keys(two_seeds):
    metrics = json.loads((two_seeds.folder / "metrics.json").read_text())
    assert list(metrics) == [
        "schema", "dataset", "split", "framing", "method", "seeds", "teachers", "baseline", "student",
    ]  # fmt: skip
    assert metrics["schema"] == 1
    assert (metrics["dataset"], metrics["split"], metrics["framing"]) == ("utd-mhad", "cross-subject", "clip")
    assert (metrics["method"], metrics["seeds"], list(metrics["teachers"])) == ("vskd", [0, 3], ["depth"])
    for m in (metrics["teachers"]["depth"], metrics["baseline"], metrics["student"]):
        assert list(m) == ["accuracy", "macro_f1"]
        for spread in m.values():
            assert list(spread) == ["per_seed", "mean", "std"]
            assert len(spread["per_seed"]) == 2
            assert all(0 <= value <= 1 for value in (*spread["per_seed"], spread["mean"]))
            assert spread["std"] == pytest.approx(abs(spread["per_seed"][0] - spread["per_seed"][1]) / 2**0.5)


def test_metrics_are_what_the_kept_weights_say_of_the_test_clips(two_seeds, monkeypatch):
    monkeypatch.setenv("EDGEHAR_CACHE", str(two_seeds.cache))
    run = open_run(two_seeds.folder)
    test = run.clips("test", "acc", "depth")
    assert set(test.subjects) == {"2", "4"}
    for number, seed in enumerate(run.seeds):
        networks = {
            "student": (run.metrics["student"], run.student(seed)),
            "baseline": (run.metrics["baseline"], run.student(seed, "baseline")),
            "depth": (
                run.metrics["teachers"]["depth"],
                load_weights(build_teacher("depth", 27), run.seed_folder(seed) / "teacher-depth.safetensors"),
            ),
        }
        for m, network in networks.values():
            said = ask(network, test).logits.argmax(1).numpy()
            scores = score(said, test.labels, list(test.subjects), 27)
            assert m["accuracy"]["per_seed"][number] == scores.accuracy
            assert m["macro_f1"]["per_seed"][number] == scores.macro_f1


def test_the_log_has_every_epoch_of_every_stage(two_seeds):
    rows = [(row["seed"], row["stage"], row["epoch"]) for row in log_of(two_seeds.folder)]
    assert rows == [(seed, stage, epoch) for seed in "03" for stage in STAGES for epoch in "12"]
    assert all(float(row["loss"]) > 0 for row in log_of(two_seeds.folder))


def test_the_config_can_repeat_the_run(two_seeds, utd_mhad):
    config = json.loads((two_seeds.folder / "config.json").read_text())
    plan = Plan.from_json(config["plan"], two_seeds.folder)
    assert (plan.data, plan.data_dir, plan.seeds) == ("utd-mhad", str(utd_mhad), (0, 3))
    assert (plan.student_recipe.epochs, plan.teacher_recipe.epochs) == (2, 2)
    assert config["rate_hz"] is None  # clips of mixed length
    assert config["versions"]["torch"] == torch.__version__
    assert {"edgehar", "python", "torch", "lightning", "numpy", "threads"} <= set(config["versions"])


def test_labels_are_one_a_line(two_seeds):
    lines = (two_seeds.folder / "labels.txt").read_text().splitlines()
    assert len(lines) == 27
    assert (lines[0], lines[26]) == ("swipe left", "squat")


def test_seeds_teacher_baseline_and_student_are_all_different(two_seeds):
    found = [path.read_bytes() for path in two_seeds.folder.rglob("*.safetensors")]
    assert len(set(found)) == 6


def test_two_teachers_on_a_training_subject(distill, utd_mhad_rgb, tmp_path):
    """Depth and colour teach at once, tested on a training subject who was held out: the way to choose."""
    told = distill(
        "--teacher", "rgb,video,depth", "--hold-out", "3", "--out", tmp_path / "run", data_dir=utd_mhad_rgb
    )
    assert told.exit_code == 0, told.stderr
    run = open_run(tmp_path / "run")
    assert list(run.metrics["teachers"]) == ["rgb", "depth"]
    assert run.metrics["split"] == "cross-subject, subject 3 held out"
    assert run.metrics["student"]["accuracy"]["std"] is None
    assert {p.stem for p in run.seed_folder().iterdir()} == {
        "teacher-rgb",
        "teacher-depth",
        "baseline",
        "student",
    }
    assert set(run.clips("train", "acc").subjects) == {"1"}
    assert set(run.clips("test", "acc").subjects) == {"3"}


def test_clips_too_few_to_compare_are_said(distill, tmp_path, write_recordings):
    """The relational terms look at triples of clips."""
    folder = write_recordings(tmp_path / "few", actions=(1,), subjects=(1, 2))
    told = distill("--out", tmp_path / "run", data_dir=folder)
    assert told.exit_code == 2, told.stderr
    assert "2 clips to train on" in told.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


# What is reused


def test_teachers_and_baselines_are_reused_with_a_line(two_seeds, filled_cache, distill, tmp_path):
    told = distill("--out", tmp_path / "run")
    for stage in ("teacher-depth", "baseline"):
        assert f"{stage}, seed 0: trained before" in told.stderr
    assert weights(tmp_path / "run") == weights(two_seeds.folder)
    assert {row["stage"] for row in log_of(tmp_path / "run")} == {"student"}


def test_fresh_trains_again_to_the_same_bits(two_seeds, filled_cache, distill, tmp_path):
    told = distill("--fresh", "--out", tmp_path / "run")
    assert "trained before" not in told.stderr
    assert weights(tmp_path / "run") == weights(two_seeds.folder)
    assert {row["stage"] for row in log_of(tmp_path / "run")} == set(STAGES)


@pytest.mark.parametrize("left", [0, 2000])
def test_what_is_damaged_in_the_cache_is_trained_again(two_seeds, filled_cache, distill, tmp_path, left):
    kept = {path: path.read_bytes() for path in (filled_cache / "trained").iterdir()}
    for path, content in kept.items():
        path.write_bytes(content[:left])
    told = distill("--out", tmp_path / "run")
    assert told.exit_code == 0, told.stderr
    assert "teacher-depth, seed 0: damaged in the cache" in told.stderr
    assert weights(tmp_path / "run") == weights(two_seeds.folder)
    mended = [path for path in kept if path.read_bytes() == kept[path]]
    assert len(mended) == 2  # seed 0's; nobody asked for seed 3


@pytest.mark.parametrize(
    ("options", "reused"),
    [
        (("--loss", "ce"), {"teacher-depth", "baseline"}),
        (("--weight", "angle=5"), {"teacher-depth", "baseline"}),
        (("--epochs", "1"), {"teacher-depth"}),
        (("--teacher-epochs", "1"), {"baseline"}),
        (("--student", "acc-watch"), {"teacher-depth"}),
        (("--split", "cross-trial", "--hold-out", "2"), set()),
        (("--hold-out", "3"), set()),
        (("--seed", "1"), set()),
    ],
)
@pytest.mark.slow
def test_only_what_was_made_in_the_same_way_is_reused(filled_cache, distill, tmp_path, options, reused):
    told = distill("--out", tmp_path / "run", *options)
    assert told.exit_code == 0, told.stderr
    seed = 1 if "--seed" in options else 0
    assert {stage for stage in STAGES if f"{stage}, seed {seed}: trained before" in told.stderr} == reused


def test_a_teacher_of_the_best_preset_finds_joints_too(own_cache, distill, tmp_path):
    told = distill("--preset", "best", "--teacher-epochs", 1, "--epochs", 1, "--out", tmp_path / "run")
    assert told.exit_code == 0, told.stderr
    run = open_run(tmp_path / "run")
    assert run.plan.teacher_recipe.pose > 0
    told = next(row for row in log_of(tmp_path / "run") if row["stage"] == "teacher-depth")
    assert float(told["loss"]) > 8  # the two namings of 27 classes alone begin near 2 log 27 = 6.6
    teacher = build_teacher("depth", 27, graph=run.plan.graph)
    load_weights(teacher, tmp_path / "run" / "seed-0" / "teacher-depth.safetensors")


# PSKD

PSKD = ("--teacher", "skeleton,fusion", "--student", "acc-micro")


def test_teachers_and_student_trained_in_turns_are_all_kept(own_cache, distill, tmp_path):
    quick = ("--preset", "quick", "--epochs", "2")
    told = distill(*PSKD, "--every", 2, "--out", tmp_path / "run", quick=quick)
    assert told.exit_code == 0, told.stderr
    run = open_run(tmp_path / "run")
    assert set(run.metrics["teachers"]) == {"skeleton", "fusion"}
    assert [row["epoch"] for row in log_of(run.folder) if row["stage"] == "together"] == list("123456")
    stages = ("teacher-skeleton", "teacher-fusion", "baseline", "student")
    assert {path.stem for path in (run.folder / "seed-0").iterdir()} == set(stages)


def test_one_seeds_teachers_may_teach_all_students(own_cache, distill, tmp_path):
    shared = ("--schedule", "pretrained", "--teacher-seed", 5, "--seed", 0, "--seed", 1)
    told = distill(*PSKD, *shared, "--out", tmp_path / "run")
    assert told.exit_code == 0, told.stderr
    assert told.stderr.count("teacher-fusion, seed 5: trained before") == 1  # for the second student
    assert told.stderr.count("Asking the skeleton teacher, seed 5") == 1
    first, second = weights(tmp_path / "run", 0), weights(tmp_path / "run", 1)
    assert first["teacher-fusion.safetensors"] == second["teacher-fusion.safetensors"]
    assert first["student.safetensors"] != second["student.safetensors"]
    alone = distill(*PSKD, "--schedule", "pretrained", "--seed", 5, "--out", tmp_path / "alone")
    assert "teacher-fusion, seed 5: trained before" in alone.stderr


def test_fresh_trains_shared_teachers_again_and_once(own_cache, distill, tmp_path):
    shared = ("--teacher-seed", 5, "--seed", 0, "--seed", 1)
    assert distill(*shared, "--out", tmp_path / "run").exit_code == 0
    told = distill(*shared, "--fresh", "--out", tmp_path / "again")
    assert told.exit_code == 0, told.stderr
    assert told.stderr.count("teacher-depth, seed 5: trained before") == 1  # for the second student


@pytest.mark.parametrize("loss", ["logits", "fitnet", "st", "at", "sp", "cc", "rkd", "acs"])
def test_every_loss_trains_a_student_of_any_teacher(own_cache, distill, tmp_path, loss):
    told = distill("--student", "acc-micro", "--loss", loss, "--epochs", 1, "--out", tmp_path / "run")
    assert told.exit_code == 0, told.stderr
