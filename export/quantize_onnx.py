"""A QDQ int8 `.onnx` by onnxruntime's quantiser: weights per channel, ranges as export.calibrate has them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Extremes, Progress, Ranges
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
    """A float ONNX model as QDQ int8, activations by their ranges over windows (N, T, C).

    parts: submodules that stay float with all before them. modules: submodules that stay float alone.
    Input and output stay float32, as ONNX runtimes expect, and so does the softmax.
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
            nodes_to_exclude=float_nodes(student, parts, modules),
            extra_options={"TensorQuantOverrides": _overrides(ranges)},
        )
        return onnx.load_model(target)


def onnx_extremes(model: onnx.ModelProto, windows: np.ndarray, progress: Progress | None = None) -> Extremes:
    """Smallest and largest value of every float activation of a model in each of windows (N, T, C)."""
    import onnx
    import onnxruntime

    open_model = onnx.ModelProto()
    open_model.CopyFrom(onnx.shape_inference.infer_shapes(model))
    made = {name for node in open_model.graph.node for name in node.output}
    open_model.graph.output.extend(
        value
        for value in open_model.graph.value_info
        if value.name in made and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(open_model.SerializeToString(), options)
    names = [INPUT_NAME, *(output.name for output in session.get_outputs())]
    low, high = (np.empty((len(windows), len(names))) for _ in range(2))
    for row, window in enumerate(windows):
        values = [window, *session.run(None, {INPUT_NAME: window[None]})]
        low[row], high[row] = [value.min() for value in values], [value.max() for value in values]
        if progress:
            progress(row + 1, len(windows))
    return Extremes(tuple(names), low, high)


def _overrides(ranges: Ranges) -> dict[str, list[dict[str, np.float32]]]:
    return {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in ranges.items()
    }


def float_nodes(student: OnnxStudent, parts: Sequence[str], modules: Sequence[str] = ()) -> list[str]:
    """Names of the softmax, of the nodes of `parts` and all before them, and of the nodes of `modules`."""
    nodes = student.model.graph.node
    inside = [node.output[0] for node in nodes if set(parts) & set(student.scopes.get(node.name, ()))]
    kept = set(with_ancestors([(node.output[0], node.input) for node in nodes], inside))
    kept |= {node.output[0] for node in nodes if set(modules) & set(student.scopes.get(node.name, ()))}
    return [node.name for node in nodes if node.output[0] in kept or node.op_type == "Softmax"]


class _Windows:
    """The windows one by one, as onnxruntime's calibration reads them."""

    def __init__(self, windows: np.ndarray) -> None:
        self.windows = iter(windows)

    def get_next(self) -> dict[str, np.ndarray] | None:
        window = next(self.windows, None)
        return None if window is None else {INPUT_NAME: window[None]}
