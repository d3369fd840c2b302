"""Whole runs on the tiny UTD-MHAD: what is written, what is reused, and what survives a break."""

import csv
import errno
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from edgehar.evaluation import score
from edgehar.networks import ask, build_teacher, load_weights
from edgehar.plan import Plan
from edgehar.runs import open_run

STAGES = ("teacher-depth", "baseline", "student")


@dataclass(frozen=True)
class Done:
    """A run that has ended, with what it said and the cache that it filled."""

    folder: Path
    cache: Path
    stderr: str

    def files(self):
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def two_seeds(distill, tmp_path_factory):
    """Seeds 0 and 3, with a cache of their own. To be read only."""
    folder = tmp_path_factory.mktemp("two-seeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder / "cache"))
        told = distill("--seed", 0, "--seed", 3, "--out", folder / "run")
    assert told.exit_code == 0, told.stderr
    return Done(folder / "run", folder / "cache", told.stderr)


@pytest.fixture
def filled_cache(two_seeds, own_cache):
    """A copy of the cache that those seeds filled."""
    shutil.copytree(two_seeds.cache, own_cache)
    return own_cache


def bits(folder):
    """The weights and the log, byte by byte."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.safetensors")}
    return found | {"log.csv": (folder / "log.csv").read_bytes()}


def weights(folder, seed=0):
    return {path.name: path.read_bytes() for path in (folder / f"seed-{seed}").iterdir()}


def log_of(folder):
    return list(csv.DictReader((folder / "log.csv").open()))


# What is written


def test_the_folder_holds_what_the_design_says_and_nothing_else(two_seeds):
    seeds = {f"seed-{seed}/{stage}.safetensors" for seed in (0, 3) for stage in STAGES}
    assert two_seeds.files() == {"config.json", "metrics.json", "labels.txt", "log.csv"} | seeds
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
    found = [value for name, value in bits(two_seeds.folder).items() if name != "log.csv"]
    assert len(set(found)) == 6


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


# What survives


class Full:
    """A disk that is full when the n-th file is to be kept."""

    def __init__(self, after):
        self.left = after

    def __call__(self, number):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(distill, folder, after):
    """A run on a disk that fills up: whether it did."""
    with pytest.MonkeyPatch.context() as patch:
        full = Full(after)
        patch.setattr("edgehar.cache.os.fsync", full)
        told = distill("--out", folder)
    if full.left >= 0:
        return False
    assert told.exit_code == 2
    assert "The disk is full while writing" in told.stderr.splitlines()[-1]
    assert "Traceback" not in told.stderr
    return True


def survives(distill, two_seeds, own_cache, folder, after):
    """Whether the disk filled up; if it did, the run goes on to the bits of one that never stopped."""
    shutil.copytree(two_seeds.cache / "prepared", own_cache / "prepared")
    if not interrupted(distill, folder, after):
        return False
    before = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    begun = (folder / "config.json").exists()
    told = distill("--resume", folder) if begun else distill("--out", folder)
    assert told.exit_code == 0, told.stderr
    assert all(path.read_bytes() == content for path, content in before.items())
    assert weights(folder) == weights(two_seeds.folder)
    expected = [row for row in log_of(two_seeds.folder) if row["seed"] == "0"]
    reused = {row["stage"] for row in expected} - {row["stage"] for row in log_of(folder)}
    assert reused <= {stage for stage in STAGES if f"{stage}, seed 0: trained before" in told.stderr}
    assert [row for row in expected if row["stage"] not in reused] == log_of(folder)
    assert not list(folder.rglob(".*")), "nothing half written is left"
    assert not list(folder.rglob("checkpoints"))
    return True


# Files in order: labels, config; of teacher and baseline each checkpoint, log, weights, cache; the bank;
# the student's checkpoint, log, weights; metrics.
@pytest.mark.parametrize("after", [0, 2, 3, 4, 5, 10, 12])
def test_a_full_disk_loses_nothing(distill, two_seeds, own_cache, tmp_path, after):
    assert survives(distill, two_seeds, own_cache, tmp_path / "run", after)


@pytest.fixture
def small_disk(tmp_path):
    """`small_disk(kib)`: a folder on a file system of that size, or the same folder made larger."""
    folder = tmp_path / "small-disk"
    folder.mkdir()

    def mount(kib):
        remount = "remount," if folder.is_mount() else ""
        options = f"{remount}size={kib}k"
        ended = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True)
        if ended.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {ended.stderr.decode().strip()}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(not shutil.which("mount"), reason="no mount command")
@pytest.mark.parametrize("room", [0, 0.2, 4.5], ids=["config", "first checkpoint", "second checkpoint"])
def test_a_disk_that_is_truly_full_is_said(distill, two_seeds, own_cache, small_disk, room):
    """`room` in teachers: a checkpoint is three of its weights' size, the next needs room beside it."""
    shutil.copytree(two_seeds.cache / "prepared", own_cache / "prepared")
    teacher_kib = (two_seeds.folder / "seed-0" / "teacher-depth.safetensors").stat().st_size / 1024
    folder = small_disk(4 + round(room * teacher_kib)) / "run"
    told = distill("--out", folder, "--teacher-epochs", "3")
    assert told.exit_code == 2, told.stderr
    assert "The disk is full while writing" in told.stderr.splitlines()[-1]
    assert not list(folder.rglob(".*"))
    assert (folder / "seed-0" / "checkpoints" / "teacher-depth.ckpt").exists() == (room > 3)
    small_disk(4 + round(20 * teacher_kib))
    told = distill("--resume", folder) if room else distill("--out", folder)
    assert told.exit_code == 0, told.stderr


@pytest.mark.slow
def test_a_full_disk_at_any_file_loses_nothing(distill, two_seeds, tmp_path, monkeypatch):
    after = 0
    while True:
        cache = tmp_path / str(after) / "cache"
        monkeypatch.setenv("EDGEHAR_CACHE", str(cache))
        if not survives(distill, two_seeds, cache, tmp_path / str(after) / "run", after):
            break
        after += 1
    assert after >= 14
