"""A tiny UTD-MHAD in the published format, and small colour videos, for every test below."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from scipy.io import savemat

# The same examples everywhere, and no deadline: the first call may import torch on a busy machine.
settings.register_profile("edgehar", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("edgehar")

ACTIONS, SUBJECTS, TRIALS = range(1, 5), range(1, 5), range(1, 3)
GRAVITY_G = np.array([0.0, -1.0, 0.0])  # the axis of the wrist that points down in UTD-MHAD at rest


def samples(action: int, subject: int, trial: int) -> int:
    """How many inertial samples a clip has: clips differ, as the published ones do."""
    return 100 + 7 * action + 5 * subject + trial


def frames(action: int, subject: int, trial: int) -> int:
    return 8 + (action + subject + trial) % 5


def inertial(action: int, subject: int, trial: int) -> np.ndarray:
    """(T, 6) float64 in g and deg/s: gravity, and a swing whose pace is the action's."""
    rng = np.random.default_rng([action, subject, trial])
    count = samples(action, subject, trial)
    swing = np.sin(2 * np.pi * action * np.linspace(0, 1, count) + 0.1 * subject)
    acc = GRAVITY_G + 0.5 * swing[:, None] * np.array([1.0, 0.2, 0.5]) + rng.normal(0, 0.02, (count, 3))
    gyro = 90.0 * swing[:, None] + rng.normal(0, 3.0, (count, 3))
    return np.hstack([acc, gyro])


def skeleton(action: int, subject: int, trial: int) -> np.ndarray:
    """(20, 3, F) float64 in metres: a standing body whose right arm swings."""
    rng = np.random.default_rng([action, subject, trial, 1])
    count = frames(action, subject, trial)
    joints = rng.normal(0, 0.01, (20, 3, count)) + np.linspace(1.7, 0, 20)[:, None, None]
    joints[8:12, 0] += 0.3 * np.sin(2 * np.pi * action * np.linspace(0, 1, count))
    return joints


def depth(action: int, subject: int, trial: int) -> np.ndarray:
    """(240, 320, F) uint16 in mm: a person 2.5 m away who leans as the action says; 0 elsewhere."""
    count = frames(action, subject, trial)
    video = np.zeros((240, 320, count), np.uint16)
    for frame, turn in enumerate(np.linspace(0, 2 * np.pi, count)):
        middle = 150 + round(5 * action * np.sin(turn))
        video[60:220, middle - 20 : middle + 20, frame] = 2500 + 10 * subject
        video[100 : 100 + 12 * action, middle + 20 : middle + 50, frame] = 2300
    return video


CONTENT = {
    "Inertial": ("inertial", "d_iner", inertial),
    "Skeleton": ("skeleton", "d_skel", skeleton),
    "Depth": ("depth", "d_depth", depth),
}


def mat_path(folder: Path, kind: str, action: int, subject: int, trial: int) -> Path:
    return folder / kind / f"a{action}_s{subject}_t{trial}_{CONTENT[kind][0]}.mat"


def write_utd_mhad(
    folder: Path,
    kinds: Iterable[str] = CONTENT,
    actions: Iterable[int] = ACTIONS,
    subjects: Iterable[int] = SUBJECTS,
    trials: Iterable[int] = TRIALS,
) -> Path:
    """Write recordings as the data set's authors publish them; returns `folder`."""
    for kind, clip in product(kinds, product(actions, subjects, trials)):
        _, key, make = CONTENT[kind]
        path = mat_path(folder, kind, *clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {key: make(*clip)}, do_compression=True)
    return folder


def write_avi(path: Path, pictures: np.ndarray, rate_hz: int = 15, codec: str = "mjpeg") -> Path:
    """Write pictures (F, H, W, 3) uint8 as an .avi by PyAV."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def colours(action: int, subject: int, trial: int) -> np.ndarray:
    """(F, 48, 64, 3) uint8: a red square that moves as the action says on a grey wall."""
    count = frames(action, subject, trial)
    pictures = np.full((count, 48, 64, 3), 90 + 5 * subject, np.uint8)
    for frame, turn in enumerate(np.linspace(0, 2 * np.pi, count)):
        left = 24 + round(4 * action * np.sin(turn))
        pictures[frame, 16:32, left : left + 16] = (220, 30, 30)
    return pictures


@pytest.fixture(scope="session")
def utd_mhad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 actions x 4 people x 2 trials, without colour video. Read it; write into a copy (`utd_copy`)."""
    return write_utd_mhad(tmp_path_factory.mktemp("recordings") / "UTD-MHAD")


@pytest.fixture
def utd_copy(utd_mhad: Path, tmp_path: Path) -> Path:
    """The same recordings in a folder that the test may damage: links, so replace files, do not edit them."""
    copy = tmp_path / "UTD-MHAD"
    for path in utd_mhad.glob("*/*.mat"):
        link = copy / path.relative_to(utd_mhad)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.hardlink_to(path)
    return copy


@pytest.fixture(scope="session")
def utd_mhad_rgb(utd_mhad: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same recordings with a colour video beside each."""
    folder = tmp_path_factory.mktemp("recordings-rgb") / "UTD-MHAD"
    folder.mkdir()
    for kind in CONTENT:
        (folder / kind).symlink_to(utd_mhad / kind)
    for clip in product(ACTIONS, SUBJECTS, TRIALS):
        action, subject, trial = clip
        write_avi(folder / "RGB" / f"a{action}_s{subject}_t{trial}_color.avi", colours(*clip))
    return folder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEHAR_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def published() -> Callable[..., dict[str, np.ndarray]]:
    """`published(action, subject, trial)`: what was written of a clip, by kind, as it was written."""
    return lambda *clip: {kind: make(*clip) for kind, (_, _, make) in CONTENT.items()}


@pytest.fixture(scope="session")
def write_recordings() -> Callable[..., Path]:
    return write_utd_mhad


@pytest.fixture(scope="session")
def write_colour() -> Callable[..., Path]:
    return write_avi


QUICK = ("--preset", "quick", "--student", "acc-micro", "--epochs", "2", "--teacher-epochs", "2")


@dataclass(frozen=True)
class Told:
    """A command line that has ended, in this process."""

    exit_code: int
    stdout: str
    stderr: str


def call(*arguments: str | Path) -> Told:
    """The command line inside this process, where torch is already loaded."""
    from edgehar.cli.main import run

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        exit_code = run([str(argument) for argument in arguments])
    return Told(exit_code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def distill(utd_mhad: Path) -> Callable[..., Told]:
    """`distill("--out", folder)`: `edgehar distill` on the tiny UTD-MHAD, two epochs a network."""

    def on_tiny(*arguments: str | Path, data_dir: Path = utd_mhad, quick: tuple[str, ...] = QUICK) -> Told:
        options = () if "--resume" in arguments else ("--data", "utd-mhad", "--data-dir", data_dir, *quick)
        return call("distill", *options, "--accelerator", "cpu", *arguments)

    return on_tiny


@dataclass(frozen=True)
class Done:
    """A run that has ended, and the cache that it filled."""

    folder: Path
    cache: Path


@pytest.fixture(scope="session")
def two_seeds(distill: Callable[..., Told], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run with the seeds 0 and 3 and a cache of its own. To be read only."""
    folder = tmp_path_factory.mktemp("two-seeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder / "cache"))
        told = distill("--seed", 0, "--seed", 3, "--out", folder / "run")
    assert told.exit_code == 0, told.stderr
    return Done(folder / "run", folder / "cache")


def _spread(values: Sequence[float]) -> dict[str, Any]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"per_seed": list(values), "mean": float(np.mean(values)), "std": std}


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """`write_run(folder, baseline=[...], student=[...])`: a finished run folder without weights.

    Accuracies by seed; `depth` the teacher's. `dataset`, `split`, `labels`, `seeds` and `name` (the
    student's) as a plan has them.
    """

    def write(
        folder: Path,
        baseline: Sequence[float],
        student: Sequence[float],
        *,
        depth: Sequence[float] | None = None,
        seeds: Sequence[int] | None = None,
        dataset: str = "utd-mhad",
        split: str = "cross-subject",
        name: str = "acc-watch",
        labels: Sequence[str] = ("rest", "wave"),
    ) -> Path:
        from edgehar.data.prepare import Shape
        from edgehar.plan import Plan
        from edgehar.training.recipe import Recipe

        seeds = tuple(range(len(student))) if seeds is None else tuple(seeds)
        plan = Plan(
            data=dataset, data_dir=None, split=split, hold_out=None, framing="clip", method="vskd",
            teachers=("depth",), student=name, loss="dask", preset="quick", seeds=seeds, shape=Shape(),
            teacher_recipe=Recipe(epochs=1), student_recipe=Recipe(epochs=1), views=1,
        )  # fmt: skip
        rows = {"teachers": depth or baseline, "baseline": baseline, "student": student}
        figures: dict[str, Any] = {key: {"accuracy": _spread(row)} for key, row in rows.items()}
        figures["teachers"] = {"depth": figures["teachers"]}
        config = {"schema": 1, "plan": plan.to_json(), "rate_hz": None, "versions": {}}
        metrics = {
            "schema": 1, "dataset": dataset, "split": split, "framing": "clip", "method": "vskd",
            "seeds": list(seeds), **figures,
        }  # fmt: skip
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return write


STEPS = {("student", 0): 34, ("baseline", 0): 29, ("student", 3): 25, ("baseline", 3): 27}


@pytest.fixture(scope="session")
def taught(two_seeds: Done, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of `two_seeds` with students and baselines of which each knows something else. Read only."""
    import torch
    import torch.nn.functional as F

    from edgehar.networks import ask, build_student, save_weights
    from edgehar.runs import Run

    folder = shutil.copytree(two_seeds.folder, tmp_path_factory.mktemp("taught") / "run")
    run, metrics = Run(folder), json.loads((folder / "metrics.json").read_text())
    test, (values, labels) = run.clips("test", "acc"), map(torch.from_numpy, run.windows("train"))
    for (which, seed), steps in STEPS.items():
        torch.manual_seed(seed)
        network = build_student("acc-micro", len(run.labels), run.window)
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(steps):
            optimiser.zero_grad()
            F.cross_entropy(network(values).logits, labels).backward()
            optimiser.step()
        save_weights(network, folder / f"seed-{seed}" / f"{which}.safetensors")
        right = ask(network, test).logits.argmax(1).numpy() == test.labels
        metrics[which]["accuracy"]["per_seed"][run.seeds.index(seed)] = float(right.mean())
    (folder / "metrics.json").write_text(json.dumps(metrics))
    told = {metrics[which]["accuracy"]["per_seed"][i] for which in ("student", "baseline") for i in (0, 1)}
    assert len(told) > 2, "too alike to show who is mixed up with whom: choose other STEPS"
    return folder
