"""Runs side by side: what each student gains over its baseline, and over the first run's student.

Figures are those of metrics.json; for single classes, or some classes alone, those of the networks asked
again (`edgehar.retest`). All differences are paired by seed (`edgehar.paired`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgehar.data.prepare import Progress, silent
from edgehar.errors import InputError
from edgehar.evaluation import recall
from edgehar.paired import LEVEL, Gain, PerSeed, paired_gain, per_seed
from edgehar.retest import Examiner, Retest, choose_labels
from edgehar.runs import Run

SCHEMA = 1
PAIR = ("baseline", "student")
TEACHER = "teacher-"  # a teacher's weights file is teacher-<name>.safetensors

Accuracies = Mapping[str, Mapping[int, float]]  # by network, named after its weights file, and seed


@dataclass(frozen=True)
class ClassGain:
    """One class with test clips: the fraction of its `clips` that baseline and student name rightly."""

    label: str
    clips: int
    baseline: PerSeed
    student: PerSeed
    gain: Gain


@dataclass(frozen=True)
class ComparedRun:
    """A run's line. teachers, baseline, student: accuracy on the test clips.

    labels, clips: the classes alone that it was judged on and their test clips; None for all. gain: student
    over baseline. over_first: student over the first run's student; None for that run itself, and where
    `not_comparable` says why. classes: in the labels' order, None unless asked for.
    """

    run: str
    method: str
    student_name: str
    loss: str
    split: str
    seeds: tuple[int, ...]
    labels: tuple[str, ...] | None
    clips: int | None
    teachers: Mapping[str, PerSeed]
    baseline: PerSeed
    student: PerSeed
    gain: Gain
    over_first: Gain | None = None
    not_comparable: str | None = None
    classes: tuple[ClassGain, ...] | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs on one data set. level: of every interval, 0 to 1. picture: where it was drawn, if it was."""

    schema: int
    level: float
    dataset: str
    runs: tuple[ComparedRun, ...]
    warnings: tuple[str, ...]
    picture: str | None = None


def compare_runs(
    runs: Sequence[Run],
    *,
    labels: str | None = None,
    classes: bool = False,
    data_dir: str | Path | None = None,
    progress: Progress = silent,
) -> Comparison:
    """One or more finished runs on one data set, in the order given, each also against the first.

    labels: the networks are asked again, and judged on the test clips of these classes alone (names or
    "1-21", see `choose_labels`). classes: the students and baselines are asked again, and judged class by
    class. data_dir: where the recordings for that lie, if not where the run says.
    Raises InputError for runs on different data sets, and for what cannot be read.
    """
    _check_one_dataset(runs)
    examiner = Examiner(data_dir, progress)
    rows: list[ComparedRun] = []
    warnings: list[str] = []
    for run in runs:
        row = _compared(run, figures := read_accuracies(run))
        if labels is not None or classes:
            chosen = None if labels is None else choose_labels(labels, run)
            retest = examiner.retest(run, tuple(figures) if chosen else PAIR, row.seeds, chosen)
            warnings += _doubts(run, figures, retest)
            if chosen:
                row = replace(_compared(run, retest.accuracies), labels=chosen, clips=retest.clips)
            if classes:
                row = replace(row, classes=tuple(_by_class(run, retest)))
        rows.append(_against(rows[0], runs[0], row, run) if rows else row)
    return Comparison(SCHEMA, LEVEL, runs[0].metrics["dataset"], tuple(rows), tuple(warnings))


def read_accuracies(run: Run) -> dict[str, dict[int, float]]:
    """What metrics.json holds: accuracy, 0 to 1, by network (teacher-<name>, baseline, student) and seed.

    Raises InputError if it is not of this version.
    """
    metrics = run.metrics
    try:
        seeds = [int(seed) for seed in metrics["seeds"]]
        entries = {f"{TEACHER}{name}": entry for name, entry in metrics["teachers"].items()}
        entries |= {name: metrics[name] for name in PAIR}
        found = {name: _by_seed(seeds, entry["accuracy"]["per_seed"]) for name, entry in entries.items()}
        metrics["dataset"], metrics["split"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{run.folder / 'metrics.json'} does not hold the figures of this version of edgehar "
            f"({error!r}): train again."
        ) from None
    return found


def _by_seed(seeds: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    found = dict(zip(seeds, values, strict=True))
    if not found or len(found) < len(seeds):
        raise ValueError(f"seeds {list(seeds)}")
    if not all(0 <= value <= 1 for value in values):
        raise ValueError(f"accuracy {list(values)}")
    return found


def _check_one_dataset(runs: Sequence[Run]) -> None:
    first, *others = [(run, read_accuracies(run) and run.metrics["dataset"]) for run in runs]
    for run, dataset in others:
        if dataset != first[1]:
            raise InputError(
                f"{first[0].folder} is a run on {first[1]} and {run.folder} one on {dataset}: "
                "name the runs on one data set; what each is on: edgehar ls"
            )


def _doubts(run: Run, known: Accuracies, retest: Retest) -> Iterator[str]:
    """A sentence for each network that no longer says what metrics.json holds."""
    for name, by_seed in retest.all_clips.items():
        for seed, accuracy in by_seed.items():
            if abs(accuracy - known[name][seed]) > 1e-6:
                yield (
                    f"{run.folder}, {name}, seed {seed}: {accuracy:.2%} of the test clips when asked again, "
                    f"{known[name][seed]:.2%} in metrics.json: other recordings, or another machine."
                )


def _compared(run: Run, figures: Accuracies) -> ComparedRun:
    """A run's line without the other runs."""
    teachers = {name.removeprefix(TEACHER): by for name, by in figures.items() if name not in PAIR}
    baseline, student = (figures[name] for name in PAIR)
    return ComparedRun(
        run=str(run.folder),
        method=run.plan.method,
        student_name=run.plan.student,
        loss=run.plan.loss,
        split=run.metrics["split"],
        seeds=tuple(student),
        labels=None,
        clips=None,
        teachers={name: per_seed(tuple(by.values())) for name, by in teachers.items()},
        baseline=per_seed(tuple(baseline.values())),
        student=per_seed(tuple(student.values())),
        gain=paired_gain(student, baseline),
    )


def _by_class(run: Run, retest: Retest) -> Iterator[ClassGain]:
    """What the student gains and loses, for every class that has test clips."""
    clips = [sum(row) for row in next(iter(retest.scores["student"].values())).confusion]
    for label, count in zip(run.labels, clips, strict=True):
        if not count:
            continue
        baseline, student = (
            {seed: recall(scores, run.labels)[label] or 0.0 for seed, scores in retest.scores[name].items()}
            for name in PAIR
        )
        pair = per_seed(tuple(baseline.values())), per_seed(tuple(student.values()))
        yield ClassGain(label, count, *pair, paired_gain(student, baseline))


def _against(first: ComparedRun, first_run: Run, row: ComparedRun, run: Run) -> ComparedRun:
    """The row, with its student set against the first run's where they were asked the same."""
    if first.split != row.split:
        return replace(row, not_comparable="other split")
    if first_run.labels != run.labels:
        return replace(row, not_comparable="other classes")
    if not set(first.seeds) & set(row.seeds):
        return replace(row, not_comparable="no seed in common")
    pair = [dict(zip(r.seeds, r.student.per_seed, strict=True)) for r in (row, first)]
    return replace(row, over_first=paired_gain(*pair))
