"""Real runtimes, each behind one `run(path, x) -> scores`; each is imported when it is used.

x: (N, ...) float32, one row a clip; returns (N, classes) float32. Quantised inputs and outputs are
converted with the file's own scale and zero point. A missing package is a SimError that says what to type.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from firmware_sim.runtimes import litert, ort, tensorflow, tflm

Runtime: TypeAlias = Callable[[Path, np.ndarray], np.ndarray]

RUNTIMES: dict[str, Runtime] = {
    "litert": litert.run,
    "litert-ref": litert.run_reference,
    "tflm": tflm.run,
    "tensorflow": tensorflow.run,
    "onnxruntime": ort.run,
}
