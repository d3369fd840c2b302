"""Whether a model file, run by its real runtime, still says what the torch student says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.errors import ExportError

if TYPE_CHECKING:
    from torch import nn

FLOAT_TOLERANCE = 1e-4  # of probabilities
ACCURACY_SLACK, CLIPS_SLACK = 0.005, 2  # int8: the larger of half a point and two clips
DECISIONS_SLACK, DECISIONS_CLIPS = 0.03, 3  # int8, and one runtime beside another: likewise
RUNTIMES_BY_SUFFIX = {".tflite": "litert", ".onnx": "onnxruntime"}
_BATCH = 64


@dataclass(frozen=True)
class Parity:
    """How a file's scores compare with the student's on the same clips.

    accuracy, agreement: fractions of clips decided rightly, and decided as the student decides.
    max_difference: largest absolute difference of a probability; None if a score is not finite.
    why: one sentence if the check failed, else None.
    """

    accuracy: float
    agreement: float
    max_difference: float | None
    passed: bool
    why: str | None


def compare(reference: np.ndarray, scores: np.ndarray, labels: np.ndarray, int8: bool) -> Parity:
    """Judges a file's scores (N, classes) against the student's (N, classes), given the labels (N,).

    Float: no probability may differ by more than 1e-4. int8: accuracy within the larger of 0.5 points and
    two clips, and at most the larger of 3 % and three clips decided otherwise.
    """
    if scores.shape != reference.shape:
        raise ValueError(f"scores {scores.shape} against {reference.shape}")
    decided, expected = scores.argmax(axis=1), reference.argmax(axis=1)
    finite = bool(np.isfinite(scores).all())
    why: str | None
    difference = float(np.abs(scores.astype(np.float64) - reference).max()) if finite else None
    if difference is None:
        why = "a score is not finite"
    elif int8:
        why = _int8_fault(decided, expected, labels)
    else:
        why = _float_fault(difference)
    return Parity(
        accuracy=float((decided == labels).mean()),
        agreement=float((decided == expected).mean()),
        max_difference=difference,
        passed=why is None,
        why=why,
    )


def _float_fault(difference: float) -> str | None:
    if difference <= FLOAT_TOLERANCE:
        return None
    return f"a probability differs by {difference:.2g}; {FLOAT_TOLERANCE:g} is allowed"


def _int8_fault(decided: np.ndarray, expected: np.ndarray, labels: np.ndarray) -> str | None:
    count = len(labels)
    lost = abs(int((decided == labels).sum()) - int((expected == labels).sum()))
    other = int((decided != expected).sum())
    if lost > max(ACCURACY_SLACK * count, CLIPS_SLACK):
        found = f"accuracy is {100 * lost / count:.1f} points ({lost} clips) from float"
        return f"{found}; the larger of 0.5 and 2 clips is allowed"
    if other > max(DECISIONS_SLACK * count, DECISIONS_CLIPS):
        return f"{other} of {count} clips are decided otherwise; the larger of 3 % and 3 clips is allowed"
    return None


def student_scores(student: nn.Module, windows: np.ndarray) -> np.ndarray:
    """The torch student's probabilities (N, classes) for windows (N, T, 3) in m/s^2.

    Raises ExportError if there is no window, or a score is not finite.
    """
    import torch

    if len(windows) == 0:
        raise ExportError("There is no test window to check the files on; choose a split that has some.")
    if not np.isfinite(windows).all():
        raise ExportError("A test window holds a NaN or an infinity; mend that recording.")
    student.eval()
    with torch.no_grad():
        logits = torch.cat([student(torch.from_numpy(part)).logits for part in _batches(windows)])
    scores = torch.softmax(logits, dim=-1).numpy()
    if not np.isfinite(scores).all():
        raise ExportError("The trained student gives scores that are not finite; train it again.")
    return scores


def _batches(windows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(windows), _BATCH):
        yield np.ascontiguousarray(windows[start : start + _BATCH], dtype=np.float32)


def file_scores(path: Path, windows: np.ndarray) -> tuple[str, np.ndarray]:
    """The runtime that a model file is meant for, and its scores (N, classes) for windows (N, T, 3)."""
    from firmware_sim.runtimes import RUNTIMES

    runtime = RUNTIMES_BY_SUFFIX[path.suffix]
    return runtime, RUNTIMES[runtime](path, np.ascontiguousarray(windows, dtype=np.float32))
