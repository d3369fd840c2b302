"""One model file by every runtime that reads it: whether they all say what the student says.

LiteRT's reference kernels are the golden ones. TFLite-Micro may differ from them by one step of a logit,
since it rounds the last product twice, and one of an int8 softmax; XNNPACK rounds otherwise inside the net,
so that only decisions can be asked of it.
A runtime that refuses a kind of file (TFLite-Micro has no dynamic quantisation) is told, not failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from export.parity import DECISIONS_CLIPS, DECISIONS_SLACK, FLOAT_TOLERANCE, Parity, compare
from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.runtimes import RUNTIMES

GOLDEN = "litert-ref"
READERS = {".tflite": ("litert", GOLDEN, "tflm", "tensorflow"), ".onnx": ("onnxruntime",)}
NEEDS = {"tflm": "tflite_micro", "tensorflow": "tensorflow"}  # optional: not on every system
SLOW = ("tflm", GOLDEN)  # several nanoseconds a MAC
SLOW_MACS = 2e10  # beyond this many in all, they get fewer clips
LEAST_CLIPS = 16
SOFTMAX_STEP = 1 / 256  # of a probability: one step of an int8 softmax
SUM_SLACK = 1e-3


@dataclass(frozen=True)
class RuntimeReport:
    """What one runtime made of a file on the test clips, or the first `clips` of them.

    accuracy, agreement, max_difference: against the student, as in `export.parity.Parity`.
    from_golden: largest difference of a score from LiteRT's reference kernels, in steps of the output's
    scale where the file gives integers, else of a probability; None for the golden ones themselves.
    refused: why it does not run the file, in which case all else is None.
    """

    clips: int | None = None
    accuracy: float | None = None
    agreement: float | None = None
    max_difference: float | None = None
    from_golden: float | None = None
    refused: str | None = None
    passed: bool = True
    why: str | None = None


@dataclass(frozen=True)
class StressReport:
    """What a file says of one group of made windows, by all its runtimes.

    agreement: share decided as the student decides. spread: largest difference of a probability between
    two runtimes. Passed where every score is finite and sums to 1, and a float file says what the student
    says.
    """

    windows: int
    agreement: float
    spread: float
    passed: bool
    why: str | None


def installed(suffix: str) -> tuple[str, ...]:
    """The runtimes of this machine that read files of a suffix, the one that apps use first."""
    return tuple(name for name in READERS[suffix] if name not in NEEDS or find_spec(NEEDS[name]) is not None)


def check_runtimes(
    path: Path,
    windows: np.ndarray,
    labels: np.ndarray,
    reference: np.ndarray,
    exact: bool,
    step: float | None,
) -> tuple[dict[str, RuntimeReport], dict[str, np.ndarray]]:
    """Runs a file by every installed runtime on windows (N, T, C); also the scores of those that ran it.

    reference: the student's scores (N, classes). exact: a float file, whose numbers must be the student's.
    step: the output's scale where the file gives integers.
    """
    reports, scores = {}, {}
    for name in installed(path.suffix):
        count = _clips(path, name, len(windows))
        try:
            scores[name] = RUNTIMES[name](path, windows[:count])
        except SimError as error:
            reports[name] = RuntimeReport(refused=_reason(error, path))
            continue
        parity = compare(reference[:count], scores[name], labels[:count], not exact)
        reports[name] = _report(count, parity)
    for name, report in reports.items():
        if report.refused is None and name != GOLDEN and GOLDEN in scores:
            reports[name] = _beside_golden(name, report, scores[name], scores[GOLDEN], step, _allowed(path))
    return reports, scores


def check_stress(
    path: Path,
    groups: Mapping[str, np.ndarray],
    references: Mapping[str, np.ndarray],
    exact: bool,
    runtimes: tuple[str, ...],
) -> dict[str, StressReport]:
    """Runs a file by the named runtimes on groups of made windows (M, T, C), beside the student's scores."""
    return {
        group: _stress({name: RUNTIMES[name](path, windows) for name in runtimes}, references[group], exact)
        for group, windows in groups.items()
    }


def _stress(said: Mapping[str, np.ndarray], reference: np.ndarray, exact: bool) -> StressReport:
    scores = np.stack(list(said.values())).astype(np.float64)  # (runtimes, M, classes)
    decided = scores.argmax(axis=2) == reference.argmax(axis=1)
    why = None
    sums = scores.sum(axis=2)
    slack = SUM_SLACK if exact else scores.shape[2] / 256  # an int8 softmax rounds each score
    if not np.isfinite(scores).all():
        why = "a score is not finite"
    elif np.abs(sums - 1).max() > slack:
        why = f"scores sum to {sums.flat[np.abs(sums - 1).argmax()]:.3f}, not to 1"
    elif exact and (worst := np.abs(scores - reference).max()) > FLOAT_TOLERANCE:
        why = f"a probability differs by {worst:.2g}; {FLOAT_TOLERANCE:g} is allowed"
    return StressReport(
        windows=scores.shape[1],
        agreement=float(decided.mean()),
        spread=float(np.ptp(scores, axis=0).max()) if np.isfinite(scores).all() else 1.0,
        passed=why is None,
        why=why,
    )


def _clips(path: Path, runtime: str, count: int) -> int:
    """How many of `count` clips a runtime gets: the slow ones fewer of a large network's."""
    if runtime not in SLOW:
        return count
    macs = max(1, read_model(path).macs)
    return min(count, max(LEAST_CLIPS, int(SLOW_MACS // macs)))


def _report(clips: int, parity: Parity) -> RuntimeReport:
    return RuntimeReport(
        clips, parity.accuracy, parity.agreement, parity.max_difference, None, None, parity.passed, parity.why
    )


def _beside_golden(
    name: str,
    report: RuntimeReport,
    scores: np.ndarray,
    golden: np.ndarray,
    step: float | None,
    allowed: float,
) -> RuntimeReport:
    count = min(len(scores), len(golden))
    difference = float(np.abs(scores[:count].astype(np.float64) - golden[:count]).max())
    apart = difference if step is None else round(difference / step, 3)
    other = int((scores[:count].argmax(axis=1) != golden[:count].argmax(axis=1)).sum())
    why = report.why
    if why is None and other > max(DECISIONS_SLACK * count, DECISIONS_CLIPS):
        why = f"{name} decides {other} of {count} clips unlike {GOLDEN}; the larger of 3 % and 3 is allowed"
    if why is None and name == "tflm" and difference > allowed:
        why = f"tflm gives a probability {difference:.2g} from {GOLDEN}'s; {allowed:.2g} is allowed"
    return replace(report, from_golden=apart, passed=why is None, why=why)


def _allowed(path: Path) -> float:
    """How far TFLite-Micro's probabilities may be: a softmax moves by at most half of what its logits do."""
    model = read_model(path)
    last = model.operators[-1]
    entry = model.inputs_of(last)[0].quantisation if last.name == "SOFTMAX" else None
    return SOFTMAX_STEP + (entry.scales[0] / 2 if entry else 0.0)


def _reason(error: SimError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
