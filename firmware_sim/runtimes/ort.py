"""onnxruntime on the processor, one thread. Quantised `.onnx` files hold their own conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.runtimes.session import Port, require, run_clips

DTYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(int8)": np.int8, "tensor(uint8)": np.uint8, "tensor(int16)": np.int16, "tensor(int32)": np.int32,
    "tensor(int64)": np.int64, "tensor(bool)": np.bool_,
}  # fmt: skip
ERRORS_ONLY = 3


class OrtSession:
    """An open `.onnx` file."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SimError(f"{path}: there is no such file; give the path of an .onnx file.")
        ort = require("onnxruntime", "onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class but Exception
            reason = str(error).strip().splitlines()[0]
            raise SimError(f"{path}: onnxruntime refuses it ({reason}).") from error
        self.inputs = tuple(_port(path, detail) for detail in self._session.get_inputs())
        self.outputs = tuple(_port(path, detail) for detail in self._session.get_outputs())

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One inference: an array for each input; likewise the outputs."""
        feed = {port.name: values for port, values in zip(self.inputs, inputs, strict=True)}
        return list(self._session.run(None, feed))


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Scores (N, classes) of clips x (N, ...). Raises SimError."""
    return run_clips(OrtSession(path), path, x)


def _port(path: Path, detail: Any) -> Port:
    """A named or open dimension (a batch) is read as 1."""
    if detail.type not in DTYPES:
        raise SimError(f"{path}: {detail.name} is a {detail.type}; only files of plain numbers can be run.")
    shape = tuple(size if isinstance(size, int) and size > 0 else 1 for size in detail.shape)
    return Port(detail.name, shape, np.dtype(DTYPES[detail.type]))
