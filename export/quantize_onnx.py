"""A QDQ int8 `.onnx` by onnxruntime's quantiser: weights per channel, extremes over training windows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Progress
from export.contract import INPUT_NAME
from export.convert import OnnxStudent
from export.operators import with_ancestors

if TYPE_CHECKING:
    import onnx


def quantize_onnx(
    student: OnnxStudent,
    windows: np.ndarray,
    parts: Sequence[str] = (),
    modules: Sequence[str] = (),
    progress: Progress | None = None,
) -> onnx.ModelProto:
    """A float ONNX model as QDQ int8, activations by their extremes over windows (N, T, C).

    parts: submodules that stay float with all before them. modules: submodules that stay float alone.
    Input and output stay float32, as ONNX runtimes expect, and so does the softmax.
    """
    import onnx
    from onnxruntime import quantization as ort

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save_model(student.model, source)
        ort.quantize_static(
            str(source),
            str(target),
            _Windows(windows, progress),
            quant_format=ort.QuantFormat.QDQ,
            activation_type=ort.QuantType.QInt8,
            weight_type=ort.QuantType.QInt8,
            per_channel=True,
            calibrate_method=ort.CalibrationMethod.MinMax,
            nodes_to_exclude=float_nodes(student, parts, modules),
        )
        return onnx.load_model(target)


def float_nodes(student: OnnxStudent, parts: Sequence[str], modules: Sequence[str] = ()) -> list[str]:
    """Names of the softmax, of the nodes of `parts` and all before them, and of the nodes of `modules`."""
    nodes = student.model.graph.node
    inside = [node.output[0] for node in nodes if set(parts) & set(student.scopes.get(node.name, ()))]
    kept = set(with_ancestors([(node.output[0], node.input) for node in nodes], inside))
    kept |= {node.output[0] for node in nodes if set(modules) & set(student.scopes.get(node.name, ()))}
    return [node.name for node in nodes if node.output[0] in kept or node.op_type == "Softmax"]


class _Windows:
    """The windows one by one, as onnxruntime's calibration reads them."""

    def __init__(self, windows: np.ndarray, progress: Progress | None) -> None:
        self.windows = windows
        self.progress = progress
        self.done = 0

    def get_next(self) -> dict[str, np.ndarray] | None:
        if self.done == len(self.windows):
            return None
        window = self.windows[self.done]
        self.done += 1
        if self.progress:
            self.progress(self.done, len(self.windows))
        return {INPUT_NAME: window[None]}
