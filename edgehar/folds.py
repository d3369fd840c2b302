"""A split of several folds: one run a fold, in processes of their own, and the spread over the folds.

The folder holds folds.json (what was planned), a run folder for each fold, and at the end metrics.json.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from edgehar.cache import write_text
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Progress, silent
from edgehar.data.splits import folds
from edgehar.errors import InputError
from edgehar.experiment import Say
from edgehar.plan import Plan
from edgehar.runs import Run, read_json
from edgehar.training.stage import Machine

PLANNED, FIGURES = "folds.json", "metrics.json"
WHO = ("baseline", "student")


@dataclass(frozen=True)
class Folds:
    """A folder of runs, one a fold."""

    folder: Path

    @property
    def plan(self) -> Plan:
        """What all folds have in common; its split names them all."""
        held = read_json(self.folder / PLANNED, "train again")
        return Plan.from_json(held.get("plan", {}), self.folder / PLANNED)

    @property
    def metrics(self) -> dict[str, Any]:
        """metrics.json: of each network the mean over seeds of every fold, and mean and spread of these."""
        return read_json(self.folder / FIGURES, f"type: edgehar distill --resume {self.folder}")


def is_folds(folder: Path) -> bool:
    """Whether a folder holds the runs of several folds."""
    return (folder / PLANNED).is_file()


def fold_plans(plan: Plan, recordings: Recordings) -> dict[str, Plan]:
    """The plan of every fold by the name of its folder; one alone for a split of one fold.

    Raises InputError if somebody is held out in a split of several.
    """
    made = folds(recordings, plan.split)
    if len(made) == 1:
        return {"": plan}
    if plan.hold_out is not None:
        raise InputError(
            f"--hold-out {plan.hold_out} is for one fold: name it, such as --split {made[0].split}."
        )
    names = [re.sub(r"[^\w.-]+", "-", fold.split.rpartition(":")[2]) for fold in made]
    return {
        f"fold-{name}": dataclasses.replace(plan, split=fold.split)
        for name, fold in zip(names, made, strict=True)
    }


def distil_folds(
    plan: Plan,
    recordings: Recordings,
    folder: Path,
    machine: Machine,
    *,
    jobs: int = 1,
    fresh: bool = False,
    say: Say = lambda line: None,
    progress: Progress = silent,
) -> Folds:
    """Run every fold of the plan's split, `jobs` at once, and write the figures of all last.

    Calling it again on a folder that was interrupted goes on with what is missing. Raises what a fold
    raises; the others that were begun are finished first.
    """
    plans = fold_plans(plan, recordings)
    if not is_folds(folder):
        told = {"schema": 1, "plan": plan.to_json(), "folds": [each.split for each in plans.values()]}
        write_text(folder / PLANNED, json.dumps(told, indent=2) + "\n")
    todo = {name: each for name, each in plans.items() if not Run(folder / name).finished}
    if len(todo) < len(plans):
        say(f"{len(plans) - len(todo)} of {len(plans)} folds are done already")
    _prepare(plan, recordings, progress)
    quiet = dataclasses.replace(machine, progress=False)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _share_cores, (jobs,)) as pool:
        running = {pool.submit(_one, each, folder / name, quiet, fresh): name for name, each in todo.items()}
        try:
            for done in progress(as_completed(running), f"Folds of {plan.split}", len(running)):
                said = done.result()
                say(f"{running[done]}: baseline {said['baseline']:.2%}, student {said['student']:.2%}")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    write_text(folder / FIGURES, json.dumps(_metrics(plan, folder, plans), indent=2) + "\n")
    return Folds(folder)


def _prepare(plan: Plan, recordings: Recordings, progress: Progress) -> None:
    """What all folds read, once, with all cores, before they begin."""
    from edgehar.distil import streams_seen
    from edgehar.training.parts import read_parts

    one = next(iter(fold_plans(plan, recordings).values()))
    read_parts(one, streams_seen(one), progress, recordings)


def _share_cores(jobs: int) -> None:
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(max(1, (os.cpu_count() or 1) // jobs))


def _one(plan: Plan, folder: Path, machine: Machine, fresh: bool) -> dict[str, float]:
    """One fold, in a process of its own; accuracies by network."""
    from edgehar.distil import distil
    from edgehar.training.parts import plan_recordings

    run = distil(plan, plan_recordings(plan), folder, machine, fresh=fresh)
    return {who: run.metrics[who]["accuracy"]["mean"] for who in WHO}


def _metrics(plan: Plan, folder: Path, plans: Iterable[str]) -> dict[str, Any]:
    names = list(plans)
    told = [Run(folder / name).metrics for name in names]
    return {
        "schema": 1,
        "dataset": plan.data,
        "split": plan.split,
        "framing": plan.framing,
        "method": plan.method,
        "seeds": list(plan.seeds),
        "folds": [{"run": name, "split": each["split"]} for name, each in zip(names, told, strict=True)],
        "teachers": {name: _over([each["teachers"][name] for each in told]) for name in plan.teachers},
        **{who: _over([each[who] for each in told]) for who in WHO},
    }


def _over(measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Accuracy and macro-F1: the mean over the seeds of every fold, and mean and spread (n - 1) of these."""
    return {key: _spread([each[key]["mean"] for each in measured]) for key in ("accuracy", "macro_f1")}


def _spread(values: list[float]) -> dict[str, Any]:
    return {"per_fold": values, "mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}
