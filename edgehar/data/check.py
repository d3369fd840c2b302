"""Reads every stream of every clip once, and says what is there and what looks wrong.

Nothing is refused here: what cannot be read is a finding like any other, so that one evening's work is one
list. Each finding says how grave it is: `error` stops training, `warning` spoils it, `note` is worth knowing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edgehar.data.align import Reader, shared_span
from edgehar.data.clip import Clip, Recordings
from edgehar.data.drift import clock_drift
from edgehar.data.measure import Measured, gravity_says, of_raw, of_stream
from edgehar.data.prepare import Progress, silent
from edgehar.data.streams import Raw, Source, read_raw
from edgehar.errors import InputError
from edgehar.signals.timestamps import LONGEST_GAP_S

SATURATED = 0.005  # of the samples at one axis' greatest value
CLOCKS_OFF_S = 0.15  # that the clocks of two streams of a clip may be apart
RATE_OFF = 0.02  # that a real rate may differ from the stated one
DRIFT_OFF = 0.02  # that two streams of a clip may differ in length


@dataclass(frozen=True)
class Finding:
    """grave: error, warning or note. what: one sentence with its way out. clips: how many, and the first."""

    grave: str
    what: str
    clips: int
    first: str


@dataclass(frozen=True)
class Clocks:
    """Two motion streams of a clip, by when both move (drift.py). offset_s: by which the second one's stamps
    are late at the beginning; drift_s: by how much more at the end; ppm: that in microseconds a second."""

    clip: str
    first: str
    second: str
    offset_s: float
    drift_s: float
    ppm: float


@dataclass(frozen=True)
class Report:
    """What `edgehar data check` shows. Counts of clips by label and subject; streams: a summary of each;
    splits: by name the clips that train and test, and the subjects in both. samples: read in all."""

    schema: int
    data: str
    clips: int
    samples: int
    labels: Mapping[str, int]
    subjects: Mapping[str, int]
    streams: Mapping[str, Mapping[str, object]]
    repairs: Mapping[str, int]
    splits: Mapping[str, Mapping[str, object]]
    findings: tuple[Finding, ...]
    clocks: tuple[Clocks, ...]
    measured: tuple[Measured, ...]
    picture: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing was found that stops training."""
        return not any(finding.grave == "error" for finding in self.findings)


def check_recordings(recordings: Recordings, data: str, progress: Progress = silent) -> Report:
    """Read every stream of every clip once and report. Raises nothing for what the files hold."""
    found = _Findings()
    measured: list[Measured] = []
    clocks: list[Clocks] = []
    for clip in progress(recordings.clips, "Reading", len(recordings.clips)):
        of_clip = _measure(clip, found, clocks)
        measured += of_clip
        _compare_streams(clip, of_clip, found)
    for one in measured:
        _judge(one, found)
    _judge_rest(measured, found)
    _duplicates(recordings, measured, found)
    splits = _splits(recordings, found)
    _counts(recordings, found)
    repairs: Counter[str] = Counter()
    for one in measured:
        repairs.update(one.repairs)
    return Report(
        schema=1,
        data=data,
        clips=len(recordings.clips),
        samples=sum(one.samples for one in measured),
        labels=dict(Counter(recordings.labels[clip.label] for clip in recordings.clips)),
        subjects=dict(Counter(clip.subject for clip in recordings.clips)),
        streams=_summaries(measured),
        repairs=dict(repairs),
        splits=splits,
        findings=found.told(),
        clocks=tuple(clocks),
        measured=tuple(measured),
    )


class _Findings:
    """Findings of one kind are one line, with the number of clips and the first of them."""

    def __init__(self) -> None:
        self._clips: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, grave: str, what: str, clip: str) -> None:
        self._clips[grave, what].append(clip)

    def told(self) -> tuple[Finding, ...]:
        order = ("error", "warning", "note")
        rows = [Finding(grave, what, len(set(c)), c[0]) for (grave, what), c in self._clips.items()]
        return tuple(sorted(rows, key=lambda row: (order.index(row.grave), -row.clips)))


def _measure(clip: Clip, found: _Findings, clocks: list[Clocks]) -> list[Measured]:
    """Every stream of a clip that can be read, and what is wrong with the others and with their clocks."""
    measured: list[Measured] = []
    spans: dict[Source, tuple[float, float, bool]] = {}
    moved: dict[str, Raw] = {}
    for name, reader in clip.streams.items():
        try:
            if isinstance(reader, Reader):
                raw = read_raw(reader.source, longest_gap_s=None)
                if raw.span is not None:
                    spans[reader.source] = (*raw.span, raw.absolute)
                measured.append(of_raw(clip, reader.source, raw))
                if reader.source.modality in ("acc", "gyro", "skeleton"):
                    moved[name] = raw
            else:
                measured.append(of_stream(clip, name, reader()))
        except InputError as error:
            found.add("error", str(error), clip.id)
    try:
        if spans:
            shared_span(clip.id, spans)
    except InputError as error:
        found.add("error", str(error), clip.id)
    clocks += _clocks(clip, moved, found)
    return measured


def _clocks(clip: Clip, moved: dict[str, Raw], found: _Findings) -> list[Clocks]:
    """Every two motion streams of a clip whose clocks can be compared."""
    told = []
    for (one, first), (other, second) in combinations(moved.items(), 2):
        if (apart := clock_drift(first, second)) is None:
            continue
        told.append(Clocks(clip.id, one, other, apart.offset_s, apart.drift_s, apart.ppm))
        if abs(apart.offset_s) > CLOCKS_OFF_S or abs(apart.drift_s) > CLOCKS_OFF_S:
            what = (
                f"{one} and {other} move apart by more than {CLOCKS_OFF_S} s: see clocks, and state `start`."
            )
            found.add("warning", what, clip.id)
    return told


def _judge(one: Measured, found: _Findings) -> None:
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


def _judge_rest(measured: list[Measured], found: _Findings) -> None:
    """Accelerometers that rest at something else than gravity, the same mistake of many clips in one line."""
    wrong: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for one in measured:
        if one.still is not None and (says := gravity_says(one.still, one.unit)):
            wrong[one.stream, says].append(one)
    for (name, says), clips in wrong.items():
        rests = float(np.median([one.still for one in clips if one.still is not None]))
        for one in clips:
            what = f"{name} rests at {rests:.3g} m/s^2 as it is stated (rest is 9.81), so {says}."
            found.add("warning", what, one.clip)


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


def _compare_streams(clip: Clip, streams: list[Measured], found: _Findings) -> None:
    """Streams of a clip should last equally long; what differs grows with time is drift."""
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


def _duplicates(recordings: Recordings, measured: list[Measured], found: _Findings) -> None:
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


def _splits(recordings: Recordings, found: _Findings) -> dict[str, dict[str, object]]:
    told: dict[str, dict[str, object]] = {}
    for name, trains in recordings.splits.items():
        parts: dict[bool, list[Clip]] = {True: [], False: []}
        for clip in recordings.clips:
            parts[bool(trains(clip))].append(clip)
        subjects = {part: {clip.subject for clip in clips} for part, clips in parts.items()}
        both = sorted(subjects[True] & subjects[False])
        labels = {part: {clip.label for clip in clips} for part, clips in parts.items()}
        told[name] = {
            "train": len(parts[True]),
            "test": len(parts[False]),
            "subjects_in_both": both,
            "labels_only_trained": [recordings.labels[i] for i in sorted(labels[True] - labels[False])],
            "labels_only_tested": [recordings.labels[i] for i in sorted(labels[False] - labels[True])],
        }
        if both and name == "cross-subject":
            found.add("error", f"{name} has {', '.join(both)} in train and test: mend it.", parts[True][0].id)
        elif both:
            found.add("note", f"{name} has {len(both)} subjects in train and test: it does not say how new "
                "people fare.", parts[True][0].id)  # fmt: skip
        for label in labels[False] - labels[True]:
            first = next(clip.id for clip in parts[False] if clip.label == label)
            what = f"{name} tests {recordings.labels[label]!r} and never trains it: record it with others"
            found.add("error", f"{what}.", first)
    return told


def _counts(recordings: Recordings, found: _Findings) -> None:
    if len(recordings.labels) < 2:
        found.add("error", "there is one label alone, and a student tells two apart.", recordings.clips[0].id)
    if len({clip.subject for clip in recordings.clips}) < 2:
        what = "there is one subject alone, so nothing says how other people will fare."
        found.add("warning", what, recordings.clips[0].id)
    for label, count in Counter(clip.label for clip in recordings.clips).items():
        if count < 5:
            first = next(clip.id for clip in recordings.clips if clip.label == label)
            found.add("warning", f"{recordings.labels[label]!r} has {count} clips: five is little.", first)


def _summaries(measured: list[Measured]) -> dict[str, dict[str, object]]:
    """By stream: how many clips, the durations, the rates as stated and as stamped, jitter, gaps, drift."""
    told: dict[str, dict[str, object]] = {}
    for name in dict.fromkeys(one.stream for one in measured):
        of = [one for one in measured if one.stream == name]
        rates = [one.rate_hz for one in of]
        durations = [one.duration_s for one in of]
        jitters = [one.jitter for one in of if one.jitter is not None]
        drifts = [one.drift_s for one in of if one.drift_s is not None]
        stills = [one.still for one in of if one.still is not None]
        told[name] = {
            "clips": len(of),
            "shortest_s": min(durations),
            "median_s": float(np.median(durations)),
            "longest_s": max(durations),
            "stated_hz": sorted({one.nominal_hz for one in of if one.nominal_hz is not None}),
            "real_hz": [min(rates), float(np.median(rates)), max(rates)],
            "jitter": float(np.median(jitters)) if jitters else None,
            "gaps": sum(one.gaps for one in of),
            "longest_gap_s": max(one.longest_gap_s for one in of),
            "drift_s": max(drifts, key=abs) if drifts else None,
            "rests_at": float(np.median(stills)) if stills else None,
            "saturated_clips": sum(one.saturated > SATURATED for one in of),
            "flat_clips": sum(bool(one.flat) for one in of),
            "times": next((one.times for one in of if one.times), None),
        }
    return told
