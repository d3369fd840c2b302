"""What an exported file says of one recording: a class and its probability for every window.

The file's own metadata says window, rate, framing and unit, so that it is fed as it was trained: a recording
at another rate is resampled (low-passed first where the rate drops), one in another unit is converted. A file
for whole clips of mixed length knows no rate: it judges one clip, brought to its window as in training.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.cache import write_text
from edgehar.data.align import round_rate
from edgehar.data.measure import gravity_says, stillest
from edgehar.data.streams import Raw, Source, read_raw
from edgehar.errors import InputError
from edgehar.signals.resample import resample
from edgehar.signals.timestamps import LONGEST_GAP_S, at_rate
from edgehar.signals.windows import starts
from export.contract import InputContract, read_contract
from export.parity import file_scores

LONGEST_CLIP_S = 15.0  # that is taken for one clip, unless the user says that it is one


@dataclass(frozen=True)
class Decision:
    """time: of the window's last sample, in s since the recording's first: when a watch could say it."""

    time: float
    label: str
    probability: float


@dataclass(frozen=True)
class Predicted:
    """What a file said of a recording. rate_hz: of the recording as read; fed_hz: as the file was fed, None
    for one whole clip. padded: windows held at the last sample because the recording is shorter. left_out:
    windows across a gap of more than LONGEST_GAP_S. repairs: what was repaired of the recording, counted."""

    schema: int
    file: str
    recording: str
    student: str
    framing: str
    duration_s: float
    rate_hz: float
    fed_hz: float | None
    hop_s: float
    padded: int
    left_out: int
    repairs: Mapping[str, int]
    times: str | None
    seconds_by_label: Mapping[str, float]
    decisions: tuple[Decision, ...]
    warnings: tuple[str, ...]
    csv: str | None = None
    picture: str | None = None


@dataclass(frozen=True)
class Windows:
    """What a file is fed: values (N, T, 3) in m/s^2, and the time of each last sample (N,) in s."""

    values: np.ndarray
    ends: np.ndarray
    padded: int = 0
    left_out: int = 0


def predict_file(
    file: Path, source: Source, *, hop_s: float = 0.5, one_clip: bool = False
) -> tuple[Predicted, Raw]:
    """What `file` says of the recording that `source` names, every `hop_s` seconds; and the recording.

    one_clip: the recording is one clip, however long. Raises ExportError for a file without a contract,
    InputError for a recording that cannot be read and one that the file cannot judge.
    """
    contract = read_contract(file)
    if not 0 < hop_s < 3600:
        raise InputError(f"--hop {hop_s:g} is no step between windows: give seconds, such as 0.5.")
    raw = read_raw(source, longest_gap_s=None)
    windows = _whole(file, contract, raw, source, one_clip) if whole(contract) else _cut(contract, raw, hop_s)
    if not len(windows.values):
        raise InputError(
            f"{source.path}: every window lies across a gap above {LONGEST_GAP_S:g} s: record again."
        )
    _, scores = file_scores(file, windows.values)
    best = scores.argmax(axis=1)
    decisions = tuple(
        Decision(round(float(end), 6), contract.labels[label], float(row[label]))
        for end, label, row in zip(windows.ends, best, scores, strict=True)
    )
    return _told(file, source, contract, raw, windows, decisions, hop_s), raw


def whole(contract: InputContract) -> bool:
    """Whether a file judges whole clips of any length, and has no rate at which it could judge a part."""
    return contract.rate_hz is None


def _whole(file: Path, contract: InputContract, raw: Raw, source: Source, one_clip: bool) -> Windows:
    if raw.duration_s > LONGEST_CLIP_S and not one_clip:
        raise InputError(
            f"{source.path} lasts {raw.duration_s:.1f} s, and {file} judges whole clips (rate_hz null): "
            "cut the recording, say --clip if it is one clip, or train with --framing window."
        )
    if raw.repairs is not None and raw.repairs.longest_gap_s > LONGEST_GAP_S:
        raise InputError(
            f"{source.path} pauses for {raw.repairs.longest_gap_s:.2f} s, and {file} judges whole clips: "
            "cut it there."
        )
    if raw.seconds is None:
        values, end = raw.values, (len(raw.values) - 1) / raw.rate_hz
    else:
        values = at_rate(raw.seconds, raw.values, source.rate_hz or round_rate(raw.rate_hz))
        end = float(raw.seconds[-1] - raw.seconds[0])
    return Windows(resample(values, contract.window)[None], np.array([end]))


def _cut(contract: InputContract, raw: Raw, hop_s: float) -> Windows:
    """Windows at the file's own rate. One that is longer than the recording is held at the last sample."""
    assert contract.rate_hz is not None
    rate, length = contract.rate_hz, contract.window
    seconds = (
        np.arange(len(raw.values)) / raw.rate_hz if raw.seconds is None else raw.seconds - raw.seconds[0]
    )
    same = raw.seconds is None and raw.rate_hz == rate
    even = np.asarray(raw.values, np.float32) if same else at_rate(seconds, raw.values, rate)
    padded = int(len(even) < length)
    if padded:
        even = np.concatenate([even, np.repeat(even[-1:], length - len(even), axis=0)])
    hop = max(1, round(hop_s * rate))
    begun = starts(len(even), length, hop)  # as training and a ring buffer have them
    clear = ~_across_gaps(begun / rate, (begun + length - 1) / rate, seconds)
    view = np.lib.stride_tricks.sliding_window_view(even, length, axis=0)  # (n, 3, T), no copy
    values = view[begun[clear]].transpose(0, 2, 1)
    return Windows(values, (begun[clear] + length - 1) / rate, padded, int((~clear).sum()))


def _across_gaps(begin: np.ndarray, end: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Which windows (N,) reach over a gap of more than LONGEST_GAP_S."""
    wide = np.flatnonzero(np.diff(seconds) > LONGEST_GAP_S)
    across = np.zeros(len(begin), dtype=bool)
    for at in wide:
        across |= (end > seconds[at]) & (begin < seconds[at + 1])
    return across


def _told(
    file: Path,
    source: Source,
    contract: InputContract,
    raw: Raw,
    windows: Windows,
    decisions: tuple[Decision, ...],
    hop_s: float,
) -> Predicted:
    repairs = dict(raw.repairs.counts) if raw.repairs else {}
    if raw.filled:
        repairs["filled"] = raw.filled
    span = raw.duration_s if whole(contract) else hop_s
    by_label: dict[str, float] = {}
    for decision in decisions:
        by_label[decision.label] = by_label.get(decision.label, 0.0) + span
    warnings = []
    still = stillest(raw.values, raw.rate_hz)
    if still is not None and (wrong := gravity_says(still, source.unit)):
        warnings.append(f"The recording rests at {still:.2f} m/s^2 (rest is 9.81), so {wrong} (--unit).")
    if windows.padded:
        warnings.append("The recording is shorter than a window, which is held at its last sample.")
    if windows.left_out:
        warnings.append(
            f"{windows.left_out} windows lie across gaps above {LONGEST_GAP_S:g} s and are left out."
        )
    return Predicted(
        schema=1,
        file=str(file),
        recording=str(source.path),
        student=contract.student,
        framing=contract.framing,
        duration_s=raw.duration_s,
        rate_hz=raw.rate_hz,
        fed_hz=contract.rate_hz,
        hop_s=hop_s,
        padded=windows.padded,
        left_out=windows.left_out,
        repairs=repairs,
        times=f"{raw.time_unit}: {raw.recognised_by}" if raw.time_unit else None,
        seconds_by_label=dict(sorted(by_label.items(), key=lambda item: -item[1])),
        decisions=decisions,
        warnings=tuple(warnings),
    )


def write_decisions(told: Predicted, path: Path) -> None:
    """Write time, class and probability as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", "class", "probability"])
    writer.writerows([f"{d.time:.3f}", d.label, f"{d.probability:.6f}"] for d in told.decisions)
    write_text(path, text.getvalue())
