"""The audit of an int8 `.onnx`: `export.audit`'s report of every operator, by the pairs around it.

The pairs themselves (`export.onnx_graph`) are how the file says int8; they are no operators in the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from export.audit import OperatorReport, added_noise, some_of
from export.convert import OnnxStudent
from export.noise import Noise, compare_tensors
from export.onnx_graph import OnnxGraph, OnnxTensors
from export.operators import NamedOperator
from export.quantize import TAKES_FLOAT

if TYPE_CHECKING:
    import onnx


def audit_onnx(
    student: OnnxStudent, quantised: onnx.ModelProto, kept: Mapping[str, str], windows: np.ndarray
) -> tuple[OperatorReport, ...]:
    """Every operator of `quantised`, made from the float `student`, on at most 128 of windows (N, T, C).

    kept: why nodes were left in float, by name, as `export.quantize_onnx.float_nodes` gives it.
    """
    graph = OnnxGraph(quantised)
    noise = compare_tensors(OnnxTensors(student.model), OnnxTensors(quantised), some_of(windows))
    reasons = _reasons(graph, kept)
    return tuple(
        _report(graph, index, named, reasons[index], noise)
        for index, named in name_nodes(student, graph).items()
    )


def name_nodes(student: OnnxStudent, graph: OnnxGraph) -> dict[int, NamedOperator]:
    """The operators by index, called after the module of what they give, else after their type.

    A ReLU that the quantiser merged into a convolution was made by a node of its own in `student`.
    """
    origins = {name: node.name for node in student.model.graph.node for name in node.output}
    taken: Counter[str] = Counter()
    named = {}
    for index, node in graph.operators.items():
        scopes = [student.scopes.get(name, ()) for name in (origins.get(node.output[0], ""), node.name)]
        paths = [inside[-1] for inside in scopes if inside]
        name = max(paths, key=lambda path: path.count("."), default=node.op_type.lower())
        taken[name] += 1
        named[index] = NamedOperator(
            name=name if taken[name] == 1 else f"{name}#{taken[name]}",
            type=node.op_type,
            output=node.output[0],
            inputs=tuple(each for each in graph.takes(node) if each not in graph.constants),
            modules=tuple(paths),
        )
    return named


def _report(
    graph: OnnxGraph, index: int, named: NamedOperator, reason: str | None, noise: dict[str, Noise]
) -> OperatorReport:
    found = noise.get(named.output)
    scale, zero_point = graph.grid(named.output) if reason is None else (None, None)
    return OperatorReport(
        index=index,
        name=named.name,
        type=named.type,
        dtype="int8" if reason is None and scale is not None else graph.dtype(named.output),
        weights=_weights(graph, graph.operators[index]),
        quantised=reason is None,
        reason=reason,
        snr_db=found.snr_db if found else None,
        added_noise=added_noise(named, found, noise),
        scale=scale,
        zero_point=zero_point,
        low=found.low if found else None,
        high=found.high if found else None,
    )


def _weights(graph: OnnxGraph, node: onnx.NodeProto) -> str | None:
    """The dtype of the largest constant that is no bias and no shape."""
    held = [graph.constants[name] for name in graph.takes(node) if name in graph.constants]
    sizes = {graph.dtype(entry.name): int(np.prod(entry.dims)) for entry in held}
    sizes = {dtype: size for dtype, size in sizes.items() if dtype not in ("int32", "int64") and size > 1}
    return max(sizes, key=lambda dtype: sizes[dtype]) if sizes else None


def _reasons(graph: OnnxGraph, kept: Mapping[str, str]) -> dict[int, str | None]:
    """Why each operator does not compute in int8, by index; None where it does."""
    from onnxruntime.quantization.registry import QDQRegistry

    reasons: dict[int, str | None] = {}
    from_input = set(graph.inputs)  # the input and what was only moved about since
    for index, node in graph.operators.items():
        taken = [name for name in graph.takes(node) if name not in graph.constants]
        if graph.is_int8(node) or all(graph.dtype(name) != "float32" for name in [*taken, *node.output]):
            reasons[index] = None
        elif node.name in kept:
            reasons[index] = kept[node.name]
        elif node.op_type not in QDQRegistry:
            reasons[index] = f"the quantiser has no int8 form of {node.op_type}"
        elif from_input & set(taken):
            reasons[index] = TAKES_FLOAT
            from_input.update(node.output)
        else:
            reasons[index] = "stands between operators in float"
    return reasons
