"""A run on a disk that fills up loses nothing: it goes on to the bits of one that never stopped."""

import csv
import errno
import shutil
import subprocess
from functools import partial

import pytest

from edgehar.training.stage import Machine

STAGES = ("teacher-depth", "baseline", "student")


def weights(folder, seed=0):
    return {path.name: path.read_bytes() for path in (folder / f"seed-{seed}").iterdir()}


def log_of(folder):
    return list(csv.DictReader((folder / "log.csv").open()))


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
def test_a_disk_that_is_truly_full_is_said(distill, two_seeds, own_cache, small_disk, monkeypatch, room):
    """`room` in teachers: a checkpoint is three of its weights' size, the next needs room beside it."""
    monkeypatch.setattr("edgehar.training.stage.Machine", partial(Machine, save_every_s=0))
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


def test_a_cache_on_a_full_disk_is_said(distill, small_disk, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEHAR_CACHE", str(small_disk(100)))
    told = distill("--out", tmp_path / "run")
    assert told.exit_code == 2, told.stderr
    assert "The disk is full while writing" in told.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()
    small_disk(20_000)
    assert distill("--out", tmp_path / "run").exit_code == 0


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
