"""What a watch would have said: the exported model on every window of a recording, smoothed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.runtimes.litert import run
from firmware_sim.stream.contract import StreamContract
from firmware_sim.stream.settings import StreamSettings


@dataclass(frozen=True)
class Recording:
    """A recording of one sensor. values: (T, 3) in the model's unit and axis order; times_s: (T,), rising.

    truth: (T,) label of each sample, or None where it is not known; an empty label counts nowhere.
    """

    values: np.ndarray
    times_s: np.ndarray
    truth: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raises SimError for shapes, values or times that no recording has."""
        if self.values.ndim != 2 or self.values.shape[1] != 3 or len(self.values) != len(self.times_s):
            raise SimError(f"A recording has shape (T, 3) and T times, not {self.values.shape}.")
        if len(self.times_s) < 2 or not (np.diff(self.times_s) > 0).all():
            raise SimError("A recording's times must rise from sample to sample; sort it and drop doubles.")
        if not np.isfinite(self.values).all():
            raise SimError("The recording holds NaN or infinite values; clean it first.")

    @property
    def seconds(self) -> float:
        """From its first sample to its last."""
        return float(self.times_s[-1] - self.times_s[0])


@dataclass(frozen=True)
class Decision:
    """One inference's outcome. announced: what the watch says after smoothing, None before it is sure.

    at_s: when, since the recording's start; window_end_s: time of the window's last sample. truth: the
    label of most of the window's samples, None where unknown.
    """

    at_s: float
    window_end_s: float
    label: str
    score: float
    announced: str | None
    truth: str | None


@dataclass(frozen=True)
class Said:
    """All decisions, and how many were right: of the model alone, and as announced. None without truth."""

    decisions: tuple[Decision, ...]
    accuracy: float | None
    announced_accuracy: float | None


def decide(
    model: Path,
    contract: StreamContract,
    recording: Recording,
    settings: StreamSettings,
    lasts: Sequence[int],
    finishes: Sequence[float],
) -> Said:
    """The model's decisions on the windows that a simulated day made of `recording`.

    lasts, finishes: of `Day`: number of each window's last sample at the contract's rate, and when its
    answer came. The recording is resampled to that rate linearly. Raises SimError for a recording shorter
    than a window.
    """
    values, truth = _resampled(recording, contract.rate_hz)
    kept = [(last, at) for last, at in zip(lasts, finishes, strict=True) if last < len(values)]
    if not kept:
        window_s = contract.window / contract.rate_hz
        raise SimError(
            f"The recording lasts {recording.seconds:.2f} s and a window {window_s:.2f} s: give a longer one."
        )
    windows = np.stack([values[last + 1 - contract.window : last + 1] for last, _ in kept])
    scores = run(model, windows)
    best = scores.argmax(1)
    names = [contract.labels[i] for i in best]
    announced = list(smooth(names, settings.rule, settings.smoothing))
    decisions = tuple(
        Decision(
            at_s=at,
            window_end_s=last / contract.rate_hz,
            label=name,
            score=float(score[i]),
            announced=said,
            truth=_most(truth[last + 1 - contract.window : last + 1]) if truth else None,
        )
        for (last, at), name, score, i, said in zip(kept, names, scores, best, announced, strict=True)
    )
    known = [decision for decision in decisions if decision.truth]
    sure = [decision for decision in known if decision.announced]
    return Said(
        decisions,
        _share([decision.label == decision.truth for decision in known]),
        _share([decision.announced == decision.truth for decision in sure]),
    )


def smooth(labels: Sequence[str], rule: str, count: int) -> Iterator[str | None]:
    """What is announced after each label: None until it is sure once, then the last sure one.

    majority: the label that more than half of the last `count` were; debounce: `count` equal ones in a row.
    """
    recent: deque[str] = deque(maxlen=count)
    announced: str | None = None
    for label in labels:
        recent.append(label)
        name, votes = Counter(recent).most_common(1)[0]
        if votes >= (count if rule == "debounce" else count // 2 + 1):
            announced = name
        yield announced


def _resampled(recording: Recording, rate_hz: float) -> tuple[np.ndarray, list[str] | None]:
    start = recording.times_s[0]
    times = np.arange(0, recording.seconds + 0.5 / rate_hz, 1 / rate_hz)
    own = recording.times_s - start
    columns = [np.interp(times, own, recording.values[:, axis]) for axis in range(3)]
    values = np.stack(columns, 1).astype(np.float32)  # (T', 3)
    if recording.truth is None:
        return values, None
    nearest = np.clip(np.searchsorted(own, times), 0, len(own) - 1)
    return values, [recording.truth[i] for i in nearest]


def _most(labels: Sequence[str]) -> str | None:
    name, _ = Counter(labels).most_common(1)[0]
    return name or None


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
