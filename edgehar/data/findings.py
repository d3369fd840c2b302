"""What looks wrong in recordings, as sentences: findings of one kind are one line, however many clips."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edgehar.data.clip import Clip, Recordings
from edgehar.data.measure import Measured, gravity_says
from edgehar.signals.timestamps import LONGEST_GAP_S

SATURATED = 0.005  # of the samples at one axis' greatest value
RATE_OFF = 0.02  # that a real rate may differ from the stated one
DRIFT_OFF = 0.02  # that two streams of a clip may differ in length


@dataclass(frozen=True)
class Finding:
    """grave: error, warning or note. what: one sentence with its way out. clips: how many, and the first."""

    grave: str
    what: str
    clips: int
    first: str


class Findings:
    """Findings of one kind are one line, with the number of clips and the first of them."""

    def __init__(self) -> None:
        self._clips: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, grave: str, what: str, clip: str) -> None:
        """Note `what` of a clip; `grave` is error, warning or note."""
        self._clips[grave, what].append(clip)

    def told(self) -> tuple[Finding, ...]:
        """The findings, the gravest first, and of those what befell the most clips."""
        order = ("error", "warning", "note")
        rows = [Finding(grave, what, len(set(c)), c[0]) for (grave, what), c in self._clips.items()]
        return tuple(sorted(rows, key=lambda row: (order.index(row.grave), -row.clips)))


def judge(one: Measured, found: Findings) -> None:
    """Add to `found` what is wrong with one stream of one clip."""
    name = one.stream
    if one.flat:
        found.add(
            "warning", f"{name}: axis {', '.join(one.flat)} never changes: is the sensor whole?", one.clip
        )
    if one.saturated > SATURATED:
        found.add(
            "warning", f"{name} stands at its greatest value again and again: raise its range.", one.clip
        )
    if one.gaps:
        grave = "error" if one.longest_gap_s > LONGEST_GAP_S else "note"
        way = (
            f"above {LONGEST_GAP_S:g} s: cut the clips there"
            if grave == "error"
            else "filled by straight lines"
        )
        found.add(grave, f"{name} has gaps {way}.", one.clip)
    if one.nominal_hz and abs(one.rate_hz / one.nominal_hz - 1) > RATE_OFF:
        found.add(
            "warning",
            f"{name} is stated at {one.nominal_hz:g} Hz and stamped otherwise: see rates.",
            one.clip,
        )
    for repair, count in one.repairs.items():
        if repair not in ("gaps",) and count:
            found.add("note", f"{name}: {REPAIRED[repair]}.", one.clip)


REPAIRED = {
    "missing": "missing time stamps were filled in",
    "retimed": "single wrong time stamps were put back",
    "sorted": "rows that came late were sorted",
    "set_back": "the clock was set back, and is made to go on",
    "batched": "samples with one stamp were spread",
    "doubled": "doubled rows were dropped",
    "smoothed": "stamps of delivery were made an even clock",
    "filled": "missing values were filled in",
}


def judge_rest(measured: list[Measured], found: Findings) -> None:
    """Add accelerometers that rest at something else than gravity: one line for the same mistake of many."""
    wrong: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for one in measured:
        if one.still is not None and (says := gravity_says(one.still, one.unit)):
            wrong[one.stream, says].append(one)
    for (name, says), clips in wrong.items():
        rests = float(np.median([one.still for one in clips if one.still is not None]))
        for one in clips:
            what = f"{name} rests at {rests:.3g} m/s^2 as it is stated (rest is 9.81), so {says}."
            found.add("warning", what, one.clip)


def compare_streams(clip: Clip, streams: list[Measured], found: Findings) -> None:
    """Add streams of a clip that do not last equally long: clocks that drift, a video that is cut."""
    for one, other in combinations(streams, 2):
        longest = max(one.duration_s, other.duration_s)
        apart = abs(one.duration_s - other.duration_s)
        if apart > max(DRIFT_OFF * longest, 2 / min(one.rate_hz, other.rate_hz)):
            names = f"{one.stream} and {other.stream}"
            if "rgb" in names and apart > 0.1 * longest:
                found.add(
                    "warning", f"{names} differ by more than a tenth in length: is the video cut?", clip.id
                )
            else:
                found.add(
                    "note", f"{names} differ in length by more than {DRIFT_OFF:.0%}: see drift.", clip.id
                )


def judge_duplicates(recordings: Recordings, measured: list[Measured], found: Findings) -> None:
    """Add streams that hold the same values in several clips: grave where one trains and another tests."""
    by_digest: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in measured:
        by_digest[one.stream, one.digest].append(one.clip)
    clips = {clip.id: clip for clip in recordings.clips}
    for (stream, _), same in by_digest.items():
        if len(same) < 2:
            continue
        across = [
            name
            for name, trains in recordings.splits.items()
            if len({trains(clips[clip]) for clip in same}) > 1
        ]
        if across:
            what = f"{stream} is the same in train and test of {', '.join(across)}: remove one of each"
        else:
            what = f"{stream} is the same in several clips: remove all but one of each"
        for clip in same[1:]:
            found.add("error" if across else "warning", f"{what}.", clip)


def judge_splits(recordings: Recordings, found: Findings) -> dict[str, dict[str, object]]:
    """How each split divides clips, subjects and labels, by its name; adds what leaks or is never trained."""
    told: dict[str, dict[str, object]] = {}
    for name, trains in recordings.splits.items():
        parts: dict[bool, list[Clip]] = {True: [], False: []}
        for clip in recordings.clips:
            parts[bool(trains(clip))].append(clip)
        told[name] = _judge_parts(name, parts[True], parts[False], recordings.labels, found)
    return told


def _judge_parts(
    name: str, train: list[Clip], test: list[Clip], labels: tuple[str, ...], found: Findings
) -> dict[str, object]:
    both = sorted({clip.subject for clip in train} & {clip.subject for clip in test})
    trained, tested = ({clip.label for clip in part} for part in (train, test))
    if both and name == "cross-subject":
        found.add("error", f"{name} has {', '.join(both)} in train and test: mend it.", train[0].id)
    elif both:
        what = f"{name} has {len(both)} subjects in train and test: it does not say how new people fare."
        found.add("note", what, train[0].id)
    for label in sorted(tested - trained):
        first = next(clip.id for clip in test if clip.label == label)
        what = f"{name} tests {labels[label]!r} and never trains it: record it with others"
        found.add("error", f"{what}.", first)
    return {
        "train": len(train),
        "test": len(test),
        "subjects_in_both": both,
        "labels_only_trained": [labels[i] for i in sorted(trained - tested)],
        "labels_only_tested": [labels[i] for i in sorted(tested - trained)],
    }


def judge_counts(recordings: Recordings, found: Findings) -> None:
    """Add what is too few: labels, subjects, clips of a label."""
    if len(recordings.labels) < 2:
        found.add("error", "there is one label alone, and a student tells two apart.", recordings.clips[0].id)
    if len({clip.subject for clip in recordings.clips}) < 2:
        what = "there is one subject alone, so nothing says how other people will fare."
        found.add("warning", what, recordings.clips[0].id)
    for label, count in Counter(clip.label for clip in recordings.clips).items():
        if count < 5:
            first = next(clip.id for clip in recordings.clips if clip.label == label)
            found.add("warning", f"{recordings.labels[label]!r} has {count} clips: five is little.", first)
