"""Ranges for static quantisation, measured on training windows.

ai-edge-quantizer's own `calibrate` keeps a moving average of each window's extremes, which depends on the
order of the windows and clips the signal. These are quantiles of the windows' extremes, whatever the order
of the windows: a range that one window in two hundred exceeds is finer for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from export.errors import ExportError

CALIBRATION_WINDOWS = 1024  # beyond this, more windows cost time and hardly move the extremes

LEAST_WINDOWS = 2
EXCEEDING = 0.005  # of the windows may leave a range at either end

Ranges = dict[str, tuple[float, float]]
Progress = Callable[[int, int], None]


def choose_windows(windows: np.ndarray, labels: np.ndarray, most: int = CALIBRATION_WINDOWS) -> np.ndarray:
    """Which windows to calibrate on: at most `most` of them, each class in its share, evenly spaced.

    windows: (N, T, C), labels: (N,). Returns sorted indices (M,). Deterministic; all where there are no
    more than `most`. Raises ExportError if there are fewer than two windows, or one holds a NaN or an
    infinity.
    """
    if len(windows) < LEAST_WINDOWS:
        raise ExportError(
            f"int8 needs ranges from at least {LEAST_WINDOWS} training clips, and there "
            f"{'is one' if len(windows) == 1 else 'is none'}; calibrate on more recordings."
        )
    if not np.isfinite(windows).all():
        bad = int(np.flatnonzero(~np.isfinite(windows).all(axis=(1, 2)))[0])
        raise ExportError(f"Training window {bad} holds a NaN or an infinity; mend that recording.")
    by_class = np.argsort(labels, kind="stable")
    spaced = np.linspace(0, len(windows) - 1, min(most, len(windows))).round().astype(int)
    return np.sort(by_class[spaced])


@dataclass(frozen=True)
class Extremes:
    """What every activation of a model reached in each window. low, high: (windows, names)."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def ranges(self) -> Ranges:
        """The range of each activation that all but one window in two hundred keep, at either end."""
        low, high = np.quantile(self.low, EXCEEDING, 0), np.quantile(self.high, 1 - EXCEEDING, 0)
        return dict(zip(self.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def merge_ranges(parts: Sequence[Extremes]) -> Ranges:
    """The ranges over all windows, from what was measured on parts of them."""
    low, high = (np.concatenate([getattr(part, end) for part in parts]) for end in ("low", "high"))
    return Extremes(parts[0].names, low, high).ranges()


def measure_ranges(model: bytes, windows: np.ndarray, progress: Progress | None = None) -> Ranges:
    """The range of every activation of a float `.tflite` over windows (N, T, C), by tensor name."""
    return measure_extremes(model, windows, progress).ranges()


def measure_extremes(model: bytes, windows: np.ndarray, progress: Progress | None = None) -> Extremes:
    """Smallest and largest value of every activation of a float `.tflite` in each of windows (N, T, C).

    `progress(done, total)` after each.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    details = [tensor for tensor in interpreter.get_tensor_details() if tensor["name"]]
    low, high = (np.empty((len(windows), len(details))) for _ in range(2))
    for row, window in enumerate(windows):
        interpreter.set_tensor(entry, window[None])
        interpreter.invoke()
        for column, tensor in enumerate(details):
            value = interpreter.get_tensor(tensor["index"])
            low[row, column], high[row, column] = value.min(), value.max()
        if progress:
            progress(row + 1, len(windows))
    return Extremes(tuple(tensor["name"] for tensor in details), low, high)
