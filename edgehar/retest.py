"""The networks of finished runs, asked again on their test clips, or on those of some classes alone.

A network keeps all its classes: it is judged on fewer clips, and may still take them for any class.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehar.data.prepare import Progress, silent
from edgehar.errors import InputError
from edgehar.evaluation import Scores, by_clip, score
from edgehar.judge import OF_A_RUN, Exam, set_exam

if TYPE_CHECKING:
    from edgehar.models.network import Network
    from edgehar.runs import Run
    from edgehar.training.batches import Clips

_NUMBERS = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?")


@dataclass(frozen=True)
class Retest:
    """scores: by network and seed, on the `clips` test clips that count.

    all_clips: accuracy on every test clip, by network and seed: what metrics.json should hold.
    """

    clips: int
    scores: Mapping[str, Mapping[int, Scores]]
    all_clips: Mapping[str, Mapping[int, float]]

    @property
    def accuracies(self) -> dict[str, dict[int, float]]:
        """Accuracy on the clips that count, by network and seed."""
        return {
            name: {seed: scores.accuracy for seed, scores in by_seed.items()}
            for name, by_seed in self.scores.items()
        }


def choose_labels(text: str, run: Run) -> tuple[str, ...]:
    """The labels of a run that `text` names, in the order of its scores.

    text: names, numbers and ranges of numbers with commas between; the first label is number 1.
    Raises InputError for one that the run has not.
    """
    labels = run.labels
    chosen: set[str] = set()
    for word in (part.strip() for part in text.split(",")):
        numbers = _NUMBERS.fullmatch(word)
        if word in labels:
            chosen.add(word)
        elif numbers is None:
            near = get_close_matches(word, labels, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{run.folder} has no label {word!r}.{hint} All: {run.folder / 'labels.txt'}")
        else:
            first, last = int(numbers[1]), int(numbers[2] or numbers[1])
            if not 1 <= first <= last <= len(labels):
                raise InputError(
                    f"--labels {word} is no range of the labels of {run.folder}, which are 1-{len(labels)}."
                )
            chosen.update(labels[first - 1 : last])
    return tuple(label for label in labels if label in chosen)


class Examiner:
    """Asks the networks of runs. What several runs share, clips or a network, is read and asked once."""

    def __init__(self, data_dir: str | Path | None = None, progress: Progress = silent) -> None:
        self.data_dir, self.progress = data_dir, progress
        self._clips: dict[object, Clips] = {}
        self._said: dict[object, np.ndarray] = {}

    def retest(
        self, run: Run, names: Sequence[str], seeds: Sequence[int], labels: Sequence[str] | None = None
    ) -> Retest:
        """The scores of a run's networks on its test clips, or on those of the classes `labels` alone.

        names: of weights files: student, baseline, teacher-<name>. Raises InputError for weights or
        recordings that are missing or not the run's, and for classes without a test clip.
        """
        exam = set_exam(run, str(run.folder), run.plan, data_dir=self.data_dir, progress=self.progress)
        keep = self._rows(exam, run, labels or run.labels)
        truth = exam.clips.only(keep)
        streams = dict.fromkeys(s for name in names for s in _network(run, name, seeds[0]).streams)
        clips = self._read(run, tuple(streams))
        scores: dict[str, dict[int, Scores]] = {name: {} for name in names}
        all_clips: dict[str, dict[int, float]] = {name: {} for name in names}
        turns = list(product(names, seeds))
        for name, seed in self.progress(turns, "Asking the networks", len(turns)):
            said = self._ask(run, name, seed, clips)
            scores[name][seed] = score(*by_clip(said[keep], truth), truth.classes)
            whole, labels_of_all, _ = by_clip(said, clips)
            all_clips[name][seed] = float((whole == labels_of_all).mean())
        return Retest(truth.clips, scores, all_clips)

    def _rows(self, exam: Exam, run: Run, labels: Sequence[str]) -> np.ndarray:
        """Which of the test clips show one of the labels."""
        keep = np.isin(exam.clips.labels, [run.labels.index(label) for label in labels])
        if not keep.any():
            shown = " or ".join(labels)
            raise InputError(
                f"{exam.dataset}, {exam.split}: no test clip shows {shown}: name other --labels."
            )
        return keep

    def _read(self, run: Run, streams: tuple[str, ...]) -> Clips:
        """A run's test clips with the named streams."""
        from edgehar.training.parts import read_parts

        plan = run.plan
        if self.data_dir is not None:
            plan = replace(plan, data_dir=str(self.data_dir))
        key = (
            plan.data,
            plan.data_dir,
            plan.split,
            plan.hold_out,
            plan.shape,
            plan.hop,
            plan.student_stream,
            streams,
        )
        if key not in self._clips:
            self._clips[key] = read_parts(plan, streams, self.progress)["test"]
        return self._clips[key]

    def _ask(self, run: Run, name: str, seed: int, clips: Clips) -> np.ndarray:
        """What a network says of clips, class indices (N,)."""
        from edgehar.networks import ask

        network = _network(run, name, seed)
        weights = hashlib.sha256(_weights(run, name, seed).read_bytes()).hexdigest()
        key = (name, run.plan.student, weights, id(clips))
        if key not in self._said:
            self._said[key] = ask(network, clips).logits.argmax(1).numpy()
        return self._said[key]


def _network(run: Run, name: str, seed: int) -> Network:
    """The network of a weights file, ready to be asked."""
    if name in OF_A_RUN:
        return run.student(seed, name)
    from edgehar.networks import build_teacher, load_weights

    plan = run.plan
    name_of = name.removeprefix("teacher-")
    teacher = build_teacher(name_of, len(run.labels), plan.preset, plan.graph, plan.teacher_streams)
    return load_weights(teacher, _weights(run, name, seed))


def _weights(run: Run, name: str, seed: int) -> Path:
    return run.seed_folder(seed) / f"{name}.safetensors"
