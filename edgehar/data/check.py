"""Reads every stream of every clip once, and says what is there and what looks wrong.

Nothing is refused here: what cannot be read is a finding like any other, so that one evening's work is one
list. Each finding says how grave it is: `error` stops training, `warning` spoils it, `note` is worth knowing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edgehar.data.align import Reader, shared_span
from edgehar.data.clip import Clip, Recordings
from edgehar.data.drift import clock_drift
from edgehar.data.findings import (
    SATURATED,
    Finding,
    Findings,
    compare_streams,
    judge,
    judge_counts,
    judge_duplicates,
    judge_rest,
    judge_splits,
)
from edgehar.data.measure import Measured, of_raw, of_stream
from edgehar.data.prepare import Progress, silent
from edgehar.data.streams import Raw, Source, read_raw
from edgehar.errors import InputError

CLOCKS_OFF_S = 0.15  # that the clocks of two streams of a clip may be apart


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
    found = Findings()
    measured: list[Measured] = []
    clocks: list[Clocks] = []
    for clip in progress(recordings.clips, "Reading", len(recordings.clips)):
        of_clip = _measure(clip, found, clocks)
        measured += of_clip
        compare_streams(clip, of_clip, found)
    for one in measured:
        judge(one, found)
    judge_rest(measured, found)
    judge_duplicates(recordings, measured, found)
    splits = judge_splits(recordings, found)
    judge_counts(recordings, found)
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


def _measure(clip: Clip, found: Findings, clocks: list[Clocks]) -> list[Measured]:
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


def _clocks(clip: Clip, moved: dict[str, Raw], found: Findings) -> list[Clocks]:
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
