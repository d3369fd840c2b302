"""An `.onnx` in fewer bytes, the numbers to the bit the same: see `export.shrink` for `.tflite`.

The quantiser writes biases as protobuf's varints (up to ten bytes for a negative number of four), a row of
zero points for each weight, and a name and a shape for each step between. Constants become plain bytes, equal
ones stand once, and what onnxruntime infers or never reads goes. Names of operators that compute, of
constants and of tensors stay.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from export.onnx_graph import PAIR

if TYPE_CHECKING:
    import onnx


def shrink_onnx(model: onnx.ModelProto) -> None:
    """Shortens a model in place."""
    graph = model.graph
    _share_constants(graph)
    del graph.value_info[:]
    for node in graph.node:
        if node.op_type in PAIR:
            node.name = ""


def _share_constants(graph: onnx.GraphProto) -> None:
    """Every constant as plain bytes; of equal ones the first, whose name the others' readers then use."""
    from onnx import numpy_helper

    kept: dict[Hashable, str] = {}
    renamed: dict[str, str] = {}
    constants: list[onnx.TensorProto] = []
    for constant in graph.initializer:
        plain = numpy_helper.from_array(numpy_helper.to_array(constant), constant.name)
        key = plain.data_type, tuple(plain.dims), plain.raw_data
        if key not in kept:
            kept[key] = plain.name
            constants.append(plain)
        renamed[plain.name] = kept[key]
    del graph.initializer[:]
    graph.initializer.extend(constants)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
