"""Ranges for static quantisation, measured on training windows.

ai-edge-quantizer's own `calibrate` keeps a moving average of each window's extremes, which depends on the
order of the windows and clips the signal. These are the extremes over all windows, whatever their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from export.errors import ExportError

CALIBRATION_WINDOWS = 1024  # beyond this, more windows cost time and hardly move the extremes

LEAST_WINDOWS = 2

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


def merge_ranges(parts: Sequence[Ranges]) -> Ranges:
    """The ranges over all windows, from those of parts of them."""
    return {
        name: (min(part[name][0] for part in parts), max(part[name][1] for part in parts))
        for name in parts[0]
    }


def measure_ranges(model: bytes, windows: np.ndarray, progress: Progress | None = None) -> Ranges:
    """Smallest and largest value of every activation of a float `.tflite` over windows (N, T, C).

    Keys are tensor names. Independent of the order of the windows. `progress(done, total)` after each.
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
    low = np.full(len(details), np.inf)
    high = np.full(len(details), -np.inf)
    for done, window in enumerate(windows, start=1):
        interpreter.set_tensor(entry, window[None])
        interpreter.invoke()
        for index, tensor in enumerate(details):
            value = interpreter.get_tensor(tensor["index"])
            low[index] = min(low[index], value.min())
            high[index] = max(high[index], value.max())
        if progress:
            progress(done, len(windows))
    return {
        tensor["name"]: (float(least), float(most))
        for tensor, least, most in zip(details, low, high, strict=True)
    }
