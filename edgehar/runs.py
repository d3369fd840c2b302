"""Run folders: make them, find them, read them, and what is in them. Importing this needs no torch."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgehar.errors import InputError
from edgehar.plan import Plan

if TYPE_CHECKING:
    import numpy as np

    from edgehar.models.network import Network
    from edgehar.training.batches import Clips

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run folder. `finished`: metrics.json is there, and with it every weight."""

    folder: Path

    @property
    def finished(self) -> bool:
        return (self.folder / "metrics.json").is_file()

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json: the plan under "plan", the versions that ran it, `rate_hz` of the student's clips."""
        return read_json(self.folder / "config.json", "train again")

    @cached_property
    def plan(self) -> Plan:
        """What was trained on what, and how."""
        return Plan.from_json(self.config.get("plan", {}), self.folder / "config.json")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json of a finished run."""
        return read_json(self.folder / "metrics.json", f"type: edgehar distill --resume {self.folder}")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes' names in the order of the scores."""
        path = self.folder / "labels.txt"
        if not path.is_file():
            raise InputError(f"{path} does not exist: the run folder is not whole; train again.")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not text ({error}): train again.") from None
        if not text.endswith("\n"):
            raise InputError(f"{path} is cut short: the run folder is not whole; train again.")
        return tuple(text.splitlines())

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.plan.seeds

    @property
    def framing(self) -> str:
        return self.plan.framing

    @property
    def window(self) -> int:
        return self.plan.shape.window

    @property
    def rate_hz(self) -> float | None:
        return self.config.get("rate_hz")

    def seed_folder(self, seed: int | None = None) -> Path:
        """The folder of a seed, the run's first if none is named. Raises InputError for one it has not."""
        if seed is not None and seed not in self.seeds:
            known = ", ".join(map(str, self.seeds))
            raise InputError(f"{self.folder} was not trained with seed {seed}: it has {known}.")
        return self.folder / f"seed-{self.seeds[0] if seed is None else seed}"

    def student(self, seed: int | None = None, which: str = "student") -> Network:
        """The student (or `which="baseline"`) with its weights, in eval mode."""
        from edgehar.networks import build_student, load_weights

        network = build_student(self.plan.student, len(self.labels), self.window)
        return load_weights(network, self.seed_folder(seed) / f"{which}.safetensors")

    def clips(self, part: str, *streams: str) -> Clips:
        """The clips of `part`, "train" or "test", with the named streams."""
        from edgehar.training.parts import read_parts

        return read_parts(self.plan, streams)[part]

    def windows(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """What the student sees of a part: acceleration (N, T, 3) in m/s^2 and labels (N,) int64; with the
        framing `window` a row for every window."""
        import numpy as np

        clips = self.clips(part, "acc")
        return np.asarray(clips.arrays["acc"]), clips.labels


def open_run(folder: Path) -> Run:
    """A finished run. Raises InputError in one sentence if it is not one."""
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise InputError(f"{folder} is not a run folder. All runs: edgehar ls")
    run.plan, run.labels, run.metrics  # noqa: B018 (each says what it misses)
    return run


def find_run(name: str | Path | None, runs: Path = RUNS) -> Path:
    """The folder that `name` means; without one the run below `runs` that was finished last.

    Raises InputError if there is none.
    """
    if name is not None:
        for folder in (Path(name), runs / name):
            if (folder / "config.json").is_file():
                return folder
        raise InputError(f"{name} is not a run folder: it has no config.json. All runs: edgehar ls")
    finished = [run for run in list_runs(runs) if run.finished]
    if not finished:
        raise InputError(
            f"No finished run in {runs}. Type: edgehar distill --teacher video --student acc-watch"
        )
    return max(finished, key=lambda run: (run.folder / "metrics.json").stat().st_mtime_ns).folder


def new_folder(plan: Plan, out: Path | None = None) -> Path:
    """Where a run is written: `out`, or a new folder runs/<time>-<method>-<student>, made at once so that
    no run begun in the same second takes it. Raises InputError if it is taken."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = out or RUNS / f"{stamp}-{plan.method}-{plan.student}"
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(f"{nearest} is a file, so no run can be written to {folder}: choose another --out.")
    if (folder / "config.json").exists():
        raise InputError(
            f"{folder} holds a run already: choose another --out, or continue it with --resume {folder}."
        )
    return folder if out else _claim(folder)


def _claim(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that was not there, made."""
    for name in chain([folder.name], (f"{folder.name}-{number}" for number in count(2))):
        with suppress(FileExistsError):
            folder.with_name(name).mkdir(parents=True)
            return folder.with_name(name)
    raise AssertionError("not reached")


def list_runs(runs: Path = RUNS) -> list[Run]:
    """Every run folder below `runs`, finished or not, oldest first."""
    found = [Run(path.parent) for path in runs.glob("*/config.json")]
    return sorted(found, key=lambda run: ((run.folder / "config.json").stat().st_mtime_ns, run.folder.name))


def read_json(path: Path, way_out: str) -> dict[str, Any]:
    """A JSON object from a file. Raises InputError if it is missing or cut short."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: {way_out}.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not whole ({error}): {way_out}.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no JSON object: {way_out}.")
    return content
