"""A whole run: teachers, baseline and student for every seed, scored on the test clips, in one folder."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from edgehar import __version__
from edgehar.cache import write_text
from edgehar.data.choose import check_labels
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Progress, common_rate, silent
from edgehar.data.splits import leak
from edgehar.errors import InputError
from edgehar.evaluation import Scores, summary
from edgehar.experiment import Experiment, Say
from edgehar.plan import Plan, streams_of
from edgehar.runs import Run
from edgehar.training.batches import Clips
from edgehar.training.parts import plan_cuts, read_parts
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
    if machine.ranks > 1 and plan.schedule == "progressive":
        raise InputError("The schedule progressive trains in one process: leave out --devices and --nodes.")
    rate_hz = _rate(plan, recordings)
    parts = read_parts(plan, streams_seen(plan), progress, recordings)
    check_labels(recordings, parts["train"].labels, parts["test"].labels, plan.split)
    if len(parts["train"]) < LEAST:
        raise InputError(
            f"{recordings.name}, {plan.split}: {len(parts['train'])} clips to train on are too few, "
            f"because losses compare {LEAST} clips with one another: add recordings."
        )
    _start(plan, recordings, folder, rate_hz)
    experiment = Experiment(plan, recordings, folder, machine, parts, fresh, say, progress)
    scores = [experiment.run_seed(seed) for seed in plan.seeds]
    clips = [{stage: each.clips for stage, each in of_seed.items()} for of_seed in scores]
    metrics = {
        "schema": 1,
        "dataset": plan.data,
        "split": told_split(plan, recordings),
        "framing": plan.framing,
        "method": plan.method,
        "seeds": list(plan.seeds),
        **_figures(plan, clips),
    }
    if plan.hop is not None and plan.rate_hz is not None:
        windows = [{stage: each.rows for stage, each in of_seed.items()} for of_seed in scores]
        metrics["windows"] = _windows(plan, recordings, parts) | _figures(plan, windows)
    for seed in plan.seeds:
        shutil.rmtree(folder / f"seed-{seed}" / "checkpoints", ignore_errors=True)
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return Run(folder)


def streams_seen(plan: Plan) -> list[str]:
    """Every stream that a plan's networks look at, or learn from."""
    seen = [stream for name in plan.teachers for stream in streams_of(name, plan.teacher_streams)]
    return ["acc", *seen, *(["skeleton"] if plan.teacher_recipe.pose else [])]


def _figures(plan: Plan, scores: list[dict[str, Scores]]) -> dict[str, Any]:
    """Teachers, baseline and student of metrics.json, from the scores by network of every seed."""
    return {
        "teachers": {name: summary([s[f"teacher-{name}"] for s in scores]) for name in plan.teachers},
        "baseline": summary([s["baseline"] for s in scores]),
        "student": summary([s["student"] for s in scores]),
    }


def _windows(plan: Plan, recordings: Recordings, parts: Mapping[str, Clips]) -> dict[str, Any]:
    """How the clips were cut: seconds, and how many windows came of it. padded: clips of both parts that are
    shorter than a window."""
    cuts = plan_cuts(plan, recordings)
    assert cuts is not None and plan.hop is not None and plan.rate_hz is not None
    return {
        "window_s": plan.shape.window / plan.rate_hz,
        "hop_s": plan.hop / plan.rate_hz,
        "rate_hz": plan.rate_hz,
        "train": len(parts["train"]),
        "test": len(parts["test"]),
        "padded": int((cuts.counts < cuts.window).sum()),
    }


def told_split(plan: Plan, recordings: Recordings) -> str:
    """The split as metrics.json names it: with who is held out, and with what it leaks."""
    held = "" if plan.hold_out is None else f", subject {plan.hold_out} held out"
    leaked = leak(recordings, plan.split)
    return plan.split + held + (f", forced: {leaked}" if leaked else "")


def _rate(plan: Plan, recordings: Recordings) -> float | None:
    if plan.framing == "window":
        return plan.rate_hz
    return common_rate(recordings, "acc", plan.shape) if "acc" in recordings.clips[0].streams else None


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
