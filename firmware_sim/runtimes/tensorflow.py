"""TensorFlow's own TFLite interpreter, one thread, where tensorflow is installed (an extra, 2 GB)."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.runtimes.litert import first_line, port_of
from firmware_sim.runtimes.session import require, run_clips, silence


class TensorflowSession:
    """An open `.tflite` file."""

    def __init__(self, path: Path) -> None:
        read_model(path)  # says in a sentence what the native library would crash on
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls itself deprecated
            lite = require("tensorflow", "tensorflow").lite
            try:
                self._interpreter = lite.Interpreter(model_path=str(path), num_threads=1)
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise SimError(f"{path}: tensorflow refuses it ({first_line(error)}).") from error
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.inputs = tuple(port_of(detail) for detail in self._inputs)
        self.outputs = tuple(port_of(detail) for detail in self._outputs)

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One inference: an array for each input, as the file stores it; likewise the outputs."""
        for detail, values in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(detail["index"], values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...). Raises SimError, also where tensorflow is not installed."""
    return run_clips(TensorflowSession(path), path, x)
