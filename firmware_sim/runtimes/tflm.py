"""TensorFlow Lite for Microcontrollers, by the interpreter of the tflite-micro wheel (Linux only).

It refuses what a microcontroller would refuse, and says what its arena takes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.runtimes.session import Port, require, run_clips, silence


class TflmSession:
    """An open `.tflite` file."""

    def __init__(self, path: Path) -> None:
        model = read_model(path)
        if model.has_weights_behind:  # its interpreter would read memory that nobody filled, and say nothing
            raise SimError(
                f"{path}: TFLite-Micro refuses it (weights lie behind the flatbuffer); write them inside it."
            )
        runtime = require("tflite_micro", "tflite-micro").runtime
        with silence() as printed:
            try:
                self._interpreter = runtime.Interpreter.from_file(str(path))
            except (ValueError, RuntimeError) as error:
                failure: Exception | None = error
            else:
                failure = None
        if failure is not None:
            raise SimError(f"{path}: TFLite-Micro refuses it ({_reason(printed[0], failure)}).") from failure
        self.inputs = tuple(
            _port(self._interpreter.get_input_details(i), model.tensors[index].name)
            for i, index in enumerate(model.inputs)
        )
        self.outputs = tuple(
            _port(self._interpreter.get_output_details(i), model.tensors[index].name)
            for i, index in enumerate(model.outputs)
        )

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One inference: an array for each input, as the file stores it; likewise the outputs."""
        for i, values in enumerate(inputs):
            self._interpreter.set_input(values, i)
        self._interpreter.invoke()
        return [self._interpreter.get_output(i) for i in range(len(self.outputs))]

    def arena(self) -> dict[str, int]:
        """The arena in bytes as the interpreter reports it, on this 64-bit host: total, head, tail."""
        with silence() as printed:
            self._interpreter.print_allocations()
        lines = re.findall(r"Arena allocation (\w+) (\d+) bytes", printed[0])
        return {part: int(size) for part, size in lines}


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...). Raises SimError, also where TFLite-Micro refuses the file."""
    return run_clips(TflmSession(path), path, x)


def _port(detail: dict[str, Any], name: str) -> Port:
    parameters = detail["quantization_parameters"]
    scale = float(parameters["scales"][0]) if len(parameters["scales"]) else 0.0
    zero_point = int(parameters["zero_points"][0]) if len(parameters["zero_points"]) else 0
    shape = tuple(int(size) for size in detail["shape"])
    return Port(name, shape, np.dtype(detail["dtype"]), scale, zero_point)


def _reason(printed: str, error: Exception) -> str:
    """The first sentence that the interpreter printed before it gave up, without the C++ file's name."""
    lines = [
        re.sub(r"^\S+\.(cc|h)(:\d+)? ", "", line).strip() for line in printed.splitlines() if line.strip()
    ]
    return lines[0].rstrip(".") if lines else str(error)
