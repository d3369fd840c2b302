"""A QDQ int8 `.onnx` by onnxruntime's quantiser: weights per channel, ranges as export.calibrate has them."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Extremes, Progress, Ranges
from export.contract import INPUT_NAME
from export.convert import OnnxStudent
from export.onnx_graph import OnnxTensors
from export.operators import with_ancestors
from export.quantize import GIVES_FLOAT, OF_A_PART

if TYPE_CHECKING:
    import onnx


def quantize_onnx(
    student: OnnxStudent,
    windows: np.ndarray,
    kept: Collection[str],
    progress: Progress | None = None,
) -> onnx.ModelProto:
    """A float ONNX model as QDQ int8, activations by their ranges over windows (N, T, C).

    kept: names of the nodes that stay float, from `float_nodes`. Input and output stay float32, as ONNX
    runtimes expect.
    """
    import onnx
    from onnxruntime import quantization as ort

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save_model(student.model, source)
        ranges = onnx_extremes(student.model, windows, progress).ranges()
        ort.quantize_static(
            str(source),
            str(target),
            _Windows(windows[:1]),  # its own ranges, all of which are overridden
            quant_format=ort.QuantFormat.QDQ,
            activation_type=ort.QuantType.QInt8,
            weight_type=ort.QuantType.QInt8,
            per_channel=True,
            calibrate_method=ort.CalibrationMethod.MinMax,
            nodes_to_exclude=list(kept),
            extra_options={"TensorQuantOverrides": _overrides(ranges)},
        )
        return onnx.load_model(target)


def onnx_extremes(model: onnx.ModelProto, windows: np.ndarray, progress: Progress | None = None) -> Extremes:
    """Smallest and largest value of every float activation of a model in each of windows (N, T, C)."""
    tensors = OnnxTensors(model)
    low, high = (np.empty((len(windows), len(tensors.names))) for _ in range(2))
    for row, window in enumerate(windows):
        tensors.run(window)
        values = [tensors.values[name] for name in tensors.names]
        low[row], high[row] = [value.min() for value in values], [value.max() for value in values]
        if progress:
            progress(row + 1, len(windows))
    return Extremes(tuple(tensors.names), low, high)


def _overrides(ranges: Ranges) -> dict[str, list[dict[str, np.float32]]]:
    return {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in ranges.items()
    }


def float_nodes(
    student: OnnxStudent, parts: Sequence[str] = (), modules: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The nodes that stay float, by name, and why: those of `parts` and all before them, those of `modules`
    (path -> why) alone, and every softmax."""
    nodes, last = student.model.graph.node, student.model.graph.output[0].name
    inside = [node.output[0] for node in nodes if set(parts) & set(student.scopes.get(node.name, ()))]
    before = set(with_ancestors([(node.output[0], node.input) for node in nodes], inside))
    kept = {}
    for node in nodes:
        scopes = student.scopes.get(node.name, ())
        if node.output[0] in before:
            kept[node.name] = OF_A_PART
        elif taken_out := [why for path, why in (modules or {}).items() if path in scopes]:
            kept[node.name] = taken_out[0]
        elif node.op_type == "Softmax":
            kept[node.name] = GIVES_FLOAT if node.output[0] == last else "a softmax stays float in an .onnx"
    return kept


class _Windows:
    """The windows one by one, as onnxruntime's calibration reads them."""

    def __init__(self, windows: np.ndarray) -> None:
        self.windows = iter(windows)

    def get_next(self) -> dict[str, np.ndarray] | None:
        window = next(self.windows, None)
        return None if window is None else {INPUT_NAME: window[None]}
