"""int8 model files: a full int8 `.tflite` by ai-edge-quantizer, a QDQ int8 `.onnx` by onnxruntime.

A student may say which of its submodules lose too much in int8, by an attribute

    float_parts: tuple[str, ...] = ("gaf",)

Those, and all that lies before them (their input would be rounded otherwise), stay float: a Gramian
angular field divides by a window's own range and takes a root, which 256 steps do not survive. Such a
file takes float32; every other int8 `.tflite` takes and gives int8.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.calibrate import Progress, Ranges, measure_ranges
from export.contract import INPUT_NAME
from export.convert import OnnxStudent
from export.tflite_file import own_location
from firmware_sim.model import Model, read_model

if TYPE_CHECKING:
    import onnx
    from torch import nn

_SIGNATURE = "serving_default"


def float_parts(student: nn.Module) -> tuple[str, ...]:
    """Names of the submodules that stay float in int8 files; none unless the student says so."""
    return tuple(getattr(student, "float_parts", ()))


def quantize_tflite(
    model: bytes,
    windows: np.ndarray,
    keep_float: Sequence[str] = (),
    progress: Progress | None = None,
) -> bytes:
    """A float `.tflite` as int8: weights per channel, activations by their extremes over `windows` (N, T, 3).

    keep_float: names of tensors whose operators stay float, with all operators before them
    (`float_tensors` finds them). Equal bytes for equal input, in any order of the windows.
    """
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(bytearray(model))
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    _leave_float(tool, keep_float)
    # One window fills the records that the quantiser wants; the ranges in them are then replaced.
    records = tool.calibrate({_SIGNATURE: [{INPUT_NAME: windows[:1]}]}, num_threads=1)
    _set_ranges(records, measure_ranges(model, windows, progress))
    quantized = tool.quantize(records, enable_progress_report=False).quantized_model
    assert quantized is not None
    return bytes(quantized)


def _leave_float(tool: Any, tensors: Sequence[str]) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    names = qtyping.TFLOperationName
    for tensor in tensors:
        tool.update_quantization_recipe(
            f"^{re.escape(tensor)};", names.ALL_SUPPORTED, algorithm_key=AlgorithmName.NO_QUANTIZE
        )
    if tensors:
        tool.update_quantization_recipe(".*", names.INPUT, algorithm_key=AlgorithmName.NO_QUANTIZE)


def _set_ranges(records: dict[str, Any], ranges: Ranges) -> None:
    """Puts the measured extremes into the quantiser's records, keeping their array shapes."""
    for name, record in records.items():
        low, high = ranges[name]
        record["min"] = np.full_like(record["min"], low)
        record["max"] = np.full_like(record["max"], high)


def float_tensors(model: bytes, student: nn.Module) -> list[str]:
    """Output tensors of the operators of a float `.tflite` that belong to, or lie before, `float_parts`.

    A tensor's name holds the path of the module it comes from, each step as `<class>_<attribute>`.
    """
    parts = float_parts(student)
    if not parts:
        return []
    steps = re.compile("|".join(rf"\b{re.escape(_step(student, part))}(?![\w.])" for part in parts))
    graph = _as_graph(model)
    makers = [(_made(graph, op), [t.name for t in graph.inputs_of(op)]) for op in graph.operators]
    inside = [name for name, _ in makers if steps.search(own_location(name))]
    return _with_ancestors(makers, inside)


def _step(student: nn.Module, part: str) -> str:
    kind = type(student.get_submodule(part))
    return f"{kind.__module__}.{kind.__qualname__}_{part.rpartition('.')[2]}"


def _as_graph(model: bytes) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        return read_model(path)


def _made(graph: Model, operator: Any) -> str:
    return graph.outputs_of(operator)[0].name


def _with_ancestors(makers: Sequence[tuple[str, Iterable[str]]], wanted: Iterable[str]) -> list[str]:
    """From (what an operator makes, what it takes) in order: `wanted` and all that they are made from."""
    needed = set(wanted)
    for made, taken in reversed(makers):
        if made in needed:
            needed.update(taken)
    return [made for made, _ in makers if made in needed]


def quantize_onnx(
    student: OnnxStudent,
    windows: np.ndarray,
    keep_float: Sequence[str] = (),
    progress: Progress | None = None,
) -> onnx.ModelProto:
    """A float ONNX model as QDQ int8: weights per channel, activations by their extremes over the windows.

    keep_float: `float_parts` of the student. Input and output stay float32, as ONNX runtimes expect, and
    so does the softmax.
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
            nodes_to_exclude=float_nodes(student, keep_float),
        )
        return onnx.load_model(target)


def float_nodes(student: OnnxStudent, parts: Sequence[str]) -> list[str]:
    """Names of the softmax, and of the nodes that belong to, or lie before, the modules `parts`."""
    nodes = student.model.graph.node
    inside = [node.output[0] for node in nodes if set(parts) & set(student.scopes.get(node.name, ()))]
    kept = set(_with_ancestors([(node.output[0], node.input) for node in nodes], inside))
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
