"""LiteRT, one thread: with XNNPACK as apps run it, or with the reference kernels.

Reference kernels give the same numbers on every processor, XNNPACK's differ from them by a few steps of
the output's scale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.runtimes.session import Port, require, run_clips, silence


class InterpreterSession:
    """An open `.tflite` file behind an interpreter of TensorFlow's interface, its tensors allocated."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._inputs = interpreter.get_input_details()
        self._outputs = interpreter.get_output_details()
        self.inputs = tuple(port_of(detail) for detail in self._inputs)
        self.outputs = tuple(port_of(detail) for detail in self._outputs)

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One inference: an array for each input, as the file stores it; likewise the outputs."""
        for detail, values in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(detail["index"], values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]


class LiteRtSession(InterpreterSession):
    """An open `.tflite` file. reference: with the reference kernels, without XNNPACK."""

    def __init__(self, path: Path, reference: bool = False) -> None:
        read_model(path)  # says in a sentence what the native library would crash on
        litert = require("ai_edge_litert.interpreter", "ai-edge-litert")
        kinds = litert.OpResolverType
        with silence():
            try:
                interpreter = litert.Interpreter(
                    model_path=str(path),
                    num_threads=1,
                    experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.AUTO,
                )
                interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise SimError(f"{path}: LiteRT refuses it ({first_line(error)}).") from error
        super().__init__(interpreter)

    def delegated(self) -> list[tuple[list[int], list[int]]]:
        """Tensor indices at the entry and at the exit of each piece of the graph that XNNPACK has taken."""
        details = self._interpreter._get_ops_details()  # there is no public way to ask
        pieces = [detail for detail in details if detail["op_name"] == "DELEGATE"]
        return [(list(piece["inputs"]), list(piece["outputs"])) for piece in pieces]


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...) by XNNPACK's kernels. Raises SimError."""
    return run_clips(LiteRtSession(path), path, x)


def run_reference(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...) by the reference kernels. Raises SimError."""
    return run_clips(LiteRtSession(path, reference=True), path, x)


def port_of(detail: dict[str, Any]) -> Port:
    """The port that an interpreter's tensor details describe."""
    scale, zero_point = detail["quantization"]
    shape = tuple(int(size) for size in detail["shape"])
    return Port(detail["name"], shape, np.dtype(detail["dtype"]), float(scale), int(zero_point))


def first_line(error: Exception) -> str:
    """The first line of what a native library says."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
