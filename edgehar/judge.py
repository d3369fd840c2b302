"""What a trained network is worth on recordings: the figures that `edgehar eval` shows.

A network sits an exam: the test clips of a split, of the data that it was trained on or of another data
set with the same classes. `judge` turns its decisions into figures; who asks the network, and how (torch
here, a model file's own runtime in the room of export), is not its concern.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edgehar.data.choose import check_streams, choose_streams, with_labels
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Cuts, Progress, Shape, find_cuts, silent
from edgehar.data.source import divide, open_recordings, settle_data
from edgehar.data.splits import settle
from edgehar.errors import InputError
from edgehar.evaluation import Confusion, by_clip, recall, score, worst_confusions
from edgehar.plan import HOP_S

if TYPE_CHECKING:
    from edgehar.plan import Plan
    from edgehar.runs import Run
    from edgehar.training.batches import Clips

SCHEMA = 1
DEFAULT_DATA = "synthetic"  # for a file of which nothing else is known
OF_A_RUN = ("student", "baseline")


class Examinee(Protocol):
    """What must be known of a network to feed it: a Run has it, and a model file's contract."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def window(self) -> int: ...
    @property
    def framing(self) -> str: ...
    @property
    def rate_hz(self) -> float | None: ...


@dataclass(frozen=True)
class Exam:
    """The test clips of a split, with acceleration alone.

    trained_on: how many of them the network was trained on; None where that is unknown.
    """

    dataset: str
    split: str
    labels: tuple[str, ...]
    clips: Clips
    trained_on: int | None


@dataclass(frozen=True)
class Judgement:
    """One network's figures, fractions 0 to 1. confusion: clips, a row for each true class, columns said.

    recall: by class, None for one without a clip. confusions: the worst ten, the most clips first. windows:
    accuracy window by window, where a clip's decision is the vote of its windows; None for whole clips.
    """

    accuracy: float
    macro_f1: float
    per_subject: Mapping[str, float]
    recall: Mapping[str, float | None]
    confusions: tuple[Confusion, ...]
    confusion: list[list[int]]
    windows: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What was judged on what: a run's student beside its baseline, or one model file.

    run, file: paths; None for what there is none of. seed: of the run's networks, None for a file.
    clips_per_subject: of the test clips. trained_on: as in Exam. picture: where it was drawn, if it was.
    """

    schema: int
    run: str | None
    file: str | None
    student: str
    dataset: str
    split: str
    framing: str
    seed: int | None
    clips: int
    clips_per_subject: Mapping[str, int]
    trained_on: int | None
    labels: tuple[str, ...]
    networks: Mapping[str, Judgement]
    warnings: tuple[str, ...]
    picture: str | None = None


def evaluate_run(
    run: Run,
    *,
    data: str | None = None,
    data_dir: str | Path | None = None,
    split: str | None = None,
    seed: int | None = None,
    student_stream: str | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """A run's student and baseline of one seed (its first if none is named) on a split's test clips.

    Data and split are the run's own if none are named. Raises InputError for names that are not there,
    and for data whose classes or rate are not those that the run was trained for.
    """
    from edgehar.networks import ask

    folder = run.seed_folder(seed)
    exam = set_exam(run, str(run.folder), run.plan, data, data_dir, split, progress, student_stream)
    networks = {
        which: judge(ask(run.student(seed, which), exam.clips).logits.argmax(1).numpy(), exam)
        for which in OF_A_RUN
    }
    chosen = int(folder.name.removeprefix("seed-"))
    return evaluation(
        exam, networks, run=str(run.folder), student=run.plan.student, framing=run.framing, seed=chosen
    )


def set_exam(
    examinee: Examinee,
    name: str,
    plan: Plan | None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    split: str | None = None,
    progress: Progress = silent,
    student_stream: str | None = None,
) -> Exam:
    """The test clips for a network that the user knows as `name`.

    plan: of its training, None where that is unknown; it says which data and split are meant when none
    are named. Without it these are the embedded data and the split that a data set publishes first.
    """
    own = plan if plan is not None and (data is None or settle_data(data) == plan.data) else None
    dataset = data or (own.data if own else DEFAULT_DATA)
    recordings = open_recordings(dataset, data_dir or (own.data_dir if own else None))
    recordings = choose_streams(recordings, student_stream or (own.student_stream if own else None))
    recordings = with_labels(recordings, examinee.labels)
    check_streams(recordings, ("acc",), name)
    _check_labels(examinee, name, recordings)
    chosen = settle(recordings, split) if split or own is None else own.split
    hold_out = own.hold_out if own and chosen == own.split else None
    shape = Shape(window=examinee.window)
    from edgehar.training.parts import divided_clips

    cuts = _cuts(examinee, name, recordings, own.hop if own else None, progress)
    clips = divided_clips(recordings, chosen, hold_out, shape, ["acc"], progress, cuts)["test"]
    trained_on: int | None = None
    if own is not None:
        trained, _ = divide(recordings, own.split, own.hold_out)
        _, tested = divide(recordings, chosen, hold_out)
        trained_on = int((trained & tested).sum())
    elif plan is not None:
        trained_on = 0
    told = chosen if hold_out is None else f"{chosen}, subject {hold_out} held out"
    return Exam(recordings.name, told, recordings.labels, clips, trained_on)


def _check_labels(examinee: Examinee, name: str, recordings: Recordings) -> None:
    ours, theirs = tuple(examinee.labels), tuple(recordings.labels)
    if ours == theirs:
        return
    if len(theirs) < len(ours) and (strange := [name for name in theirs if name not in ours]):
        what = f"does not know the label {strange[0]!r} of {recordings.name}"
    elif len(ours) != len(theirs):
        what = f"tells {len(ours)} classes apart, and {recordings.name} has {len(theirs)}"
    else:
        first = next(i for i, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
        what = f"calls class {first} {ours[first]!r}, and {recordings.name} calls it {theirs[first]!r}"
    raise InputError(f"{name} {what}: name the data set that it was trained for with --data.")


def _cuts(
    examinee: Examinee, name: str, recordings: Recordings, hop: int | None, progress: Progress
) -> Cuts | None:
    """Where the clips are cut for a student of windows; None for one of whole clips. A student of windows at
    a native rate understands no clip of another rate."""
    if examinee.framing != "window":
        return None
    try:
        if examinee.rate_hz is None:
            raise InputError("it states no rate.")
        hop = hop or max(1, round(HOP_S * examinee.rate_hz))
        return find_cuts(recordings, "acc", examinee.window, hop, examinee.rate_hz, progress)
    except InputError as error:
        rate = "its own rate" if examinee.rate_hz is None else f"{examinee.rate_hz:g} Hz"
        raise InputError(
            f"{name} takes windows of {examinee.window} samples at {rate}, and {recordings.name} cannot be "
            f"cut into such ({error}): choose data of that kind with --data."
        ) from None


def judge(said: np.ndarray, exam: Exam) -> Judgement:
    """The figures of decisions `said` (N,), class indices in the order of the exam's clips or windows."""
    clips = exam.clips
    scores = score(*by_clip(said, clips), clips.classes)
    return Judgement(
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1,
        per_subject=scores.per_subject,
        recall=recall(scores, exam.labels),
        confusions=worst_confusions(scores, exam.labels),
        confusion=scores.confusion,
        windows=None if clips.of is None else float((said == clips.labels).mean()),
    )


def evaluation(
    exam: Exam,
    networks: Mapping[str, Judgement],
    *,
    student: str,
    framing: str,
    run: str | None = None,
    file: str | None = None,
    seed: int | None = None,
) -> Evaluation:
    """The record of what was judged, with a warning where it was or may have been trained on these clips."""
    _, _, people = by_clip(exam.clips.labels, exam.clips)
    subjects, counts = np.unique(people, return_counts=True)
    return Evaluation(
        schema=SCHEMA,
        run=run,
        file=file,
        student=student,
        dataset=exam.dataset,
        split=exam.split,
        framing=framing,
        seed=seed,
        clips=exam.clips.clips,
        clips_per_subject={str(s): int(n) for s, n in zip(subjects, counts, strict=True)},
        trained_on=exam.trained_on,
        labels=exam.labels,
        networks=networks,
        warnings=_warnings(exam, file or run or ""),
    )


def _warnings(exam: Exam, name: str) -> tuple[str, ...]:
    if exam.trained_on is None:
        return (f"Whether {name} was trained on these clips is unknown: trained_on is null.",)
    if exam.trained_on:
        seen = f"{exam.trained_on} of the {exam.clips.clips} test clips"
        return (f"{seen} were trained on: these figures say too much.",)
    return ()


def drawn(told: Evaluation, path: Path) -> Evaluation:
    """Draws the confusions of an evaluation at `path` (.png) and notes it there."""
    from edgehar.picture import draw_confusions

    matrices = {name: judged.confusion for name, judged in told.networks.items()}
    about = told.file or told.run or ""
    draw_confusions(matrices, told.labels, f"{about}: {told.dataset}, {told.split}", path)
    return replace(told, picture=str(path))
