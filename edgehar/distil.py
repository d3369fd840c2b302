"""A whole run: teachers, baseline and student for every seed, scored on the test clips, in one folder."""

from __future__ import annotations

import json
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from edgehar import __version__
from edgehar.cache import write_text
from edgehar.data.choose import check_labels
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Progress, common_rate, silent
from edgehar.errors import InputError
from edgehar.evaluation import summary
from edgehar.experiment import Experiment, Say
from edgehar.networks import build_teacher
from edgehar.plan import Plan
from edgehar.runs import Run
from edgehar.training.parts import read_parts
from edgehar.training.stage import Machine

LEAST = 3  # clips to train on: relational losses look at triples


def distil(
    plan: Plan,
    recordings: Recordings,
    folder: Path,
    machine: Machine,
    *,
    fresh: bool = False,
    say: Say = lambda line: None,
    progress: Progress = silent,
) -> Run:
    """Train what is not yet trained in `folder`, score it, and write metrics.json last.

    Calling it again on a folder that was interrupted goes on from the last whole epoch.
    """
    teachers = [
        build_teacher(name, len(recordings.labels), plan.preset, plan.graph) for name in plan.teachers
    ]
    streams = ["acc", *(stream for teacher in teachers for stream in teacher.streams)]
    streams += ["skeleton"] if plan.teacher_recipe.pose else []
    rate_hz = _rate(plan, recordings)
    parts = read_parts(plan, streams, progress, recordings)
    check_labels(recordings, parts["train"].labels, parts["test"].labels, plan.split)
    if len(parts["train"]) < LEAST:
        raise InputError(
            f"{recordings.name}, {plan.split}: {len(parts['train'])} clips to train on are too few, "
            f"because losses compare {LEAST} clips with one another: add recordings."
        )
    _start(plan, recordings, folder, rate_hz)
    experiment = Experiment(plan, recordings, folder, machine, parts, fresh, say, progress)
    scores = [experiment.run_seed(seed) for seed in plan.seeds]
    metrics = {
        "schema": 1,
        "dataset": plan.data,
        "split": plan.split if plan.hold_out is None else f"{plan.split}, subject {plan.hold_out} held out",
        "framing": plan.framing,
        "method": plan.method,
        "seeds": list(plan.seeds),
        "teachers": {name: summary([s[f"teacher-{name}"] for s in scores]) for name in plan.teachers},
        "baseline": summary([s["baseline"] for s in scores]),
        "student": summary([s["student"] for s in scores]),
    }
    for seed in plan.seeds:
        shutil.rmtree(folder / f"seed-{seed}" / "checkpoints", ignore_errors=True)
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return Run(folder)


def _rate(plan: Plan, recordings: Recordings) -> float | None:
    rate = common_rate(recordings, "acc", plan.shape) if "acc" in recordings.clips[0].streams else None
    if plan.framing == "window" and rate is None:
        raise InputError(
            f"--framing window needs clips of exactly {plan.shape.window} samples at one rate, and "
            f"{recordings.name} has others: use --framing clip."
        )
    return rate


def _start(plan: Plan, recordings: Recordings, folder: Path, rate_hz: float | None) -> None:
    if (folder / "config.json").exists():
        return
    write_text(folder / "labels.txt", "".join(f"{label}\n" for label in recordings.labels))
    config = {"schema": 1, "plan": plan.to_json(), "rate_hz": rate_hz, "versions": versions()}
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")


def versions() -> dict[str, str | None]:
    """What trained: edgehar, Python, the processor and the packages whose version can change a figure."""
    found: dict[str, str | None] = {"edgehar": __version__, "python": platform.python_version()}
    for package in ("torch", "lightning", "numpy", "torchmetrics"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return {**found, "machine": platform.machine(), "threads": str(torch.get_num_threads())}
