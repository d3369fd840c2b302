"""TensorFlow's own TFLite interpreter, one thread, where tensorflow is installed (an extra, 2 GB)."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.runtimes.litert import InterpreterSession, first_line
from firmware_sim.runtimes.session import require, run_clips, silence


class TensorflowSession(InterpreterSession):
    """An open `.tflite` file."""

    def __init__(self, path: Path) -> None:
        read_model(path)  # says in a sentence what the native library would crash on
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls itself deprecated
            lite = require("tensorflow", "tensorflow").lite
            try:
                interpreter = lite.Interpreter(model_path=str(path), num_threads=1)
                interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise SimError(f"{path}: tensorflow refuses it ({first_line(error)}).") from error
        super().__init__(interpreter)


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...). Raises SimError, also where tensorflow is not installed."""
    return run_clips(TensorflowSession(path), path, x)
