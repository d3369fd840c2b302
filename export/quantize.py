"""Quantised `.tflite` files of every kind, by ai-edge-quantizer with ranges of our own.

A student may say which of its submodules lose too much in int8, by an attribute

    float_parts: tuple[str, ...] = ("gaf",)

Those, and all that lies before them (their input would be rounded otherwise), stay float: a Gramian
angular field divides by a window's own range and takes a root, which 256 steps do not survive. Such a
file takes float32; every other int8 `.tflite` takes and gives int8, unless `int8-float-io` was asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from export.calibrate import Ranges
from export.contract import INPUT_NAME
from export.kinds import KINDS

if TYPE_CHECKING:
    from torch import nn

_SIGNATURE = "serving_default"

# Why an operator is float, as the reports say it.
OF_A_PART = "belongs to, or lies before, a part that the student keeps in float"
TAKES_FLOAT, GIVES_FLOAT = "the file takes float", "the file gives float"


@dataclass(frozen=True)
class KeptFloat:
    """Output tensors of the operators that stay float, by why they do.

    parts: of the student's `float_parts` and all before them; the file then takes float32. named: those
    that --keep-float names. taken: those that --auto took out.
    """

    parts: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.parts, *self.named, *self.taken)

    def reason(self, output: str) -> str | None:
        """Why the operator that makes a tensor stays float; None if it does not."""
        if output in self.parts:
            return OF_A_PART
        if output in self.named:
            return "taken out by --keep-float"
        return "taken out by --auto" if output in self.taken else None


def float_parts(student: nn.Module) -> tuple[str, ...]:
    """Names of the submodules that stay float in int8 files; none unless the student says so."""
    return tuple(getattr(student, "float_parts", ()))


def quantize_tflite(
    model: bytes, kind: str, ranges: Ranges | None = None, kept: KeptFloat | None = None
) -> bytes:
    """A float `.tflite`, as the converter gave it, as another of KINDS; weights per channel.

    ranges: of every activation, for the kinds that are calibrated. Equal bytes for equal input.
    """
    from ai_edge_quantizer import quantizer

    kept = kept or KeptFloat()
    tool = quantizer.Quantizer(bytearray(model))
    _set_recipe(tool, kind)
    records = None
    if KINDS[kind].calibrated:
        assert ranges is not None
        _leave_float(tool, kept, KINDS[kind].float_io)
        records = _records(tool, model, ranges)
    quantized = tool.quantize(records, enable_progress_report=False).quantized_model
    assert quantized is not None
    return bytes(quantized)


def _set_recipe(tool: Any, kind: str) -> None:
    from ai_edge_quantizer import qtyping, recipe
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    if kind == "fp16":
        tool.update_quantization_recipe(
            ".*",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            op_config=qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(
                    num_bits=16, dtype=qtyping.TensorDataType.FLOAT
                ),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            algorithm_key=AlgorithmName.FLOAT_CASTING,
        )
    elif kind == "dynamic":
        tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    else:
        sixteen = KINDS[kind].activations == "int16"
        tool.load_quantization_recipe(recipe.static_wi8_ai16() if sixteen else recipe.static_wi8_ai8())


def _leave_float(tool: Any, kept: KeptFloat, float_io: bool) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    names = qtyping.TFLOperationName
    for tensor in kept.all:
        tool.update_quantization_recipe(
            f"^{re.escape(tensor)};", names.ALL_SUPPORTED, algorithm_key=AlgorithmName.NO_QUANTIZE
        )
    borders = [names.INPUT, names.OUTPUT] if float_io else [names.INPUT] if kept.parts else []
    for border in borders:
        tool.update_quantization_recipe(".*", border, algorithm_key=AlgorithmName.NO_QUANTIZE)


def _records(tool: Any, model: bytes, ranges: Ranges) -> dict[str, Any]:
    """The quantiser's own records of one window of zeros, the measured extremes in the place of its own."""
    from export.operators import as_graph

    graph = as_graph(model)
    zeros = np.zeros(graph.tensors[graph.inputs[0]].shape, np.float32)
    records = tool.calibrate({_SIGNATURE: [{INPUT_NAME: zeros}]}, num_threads=1)
    for name, record in records.items():
        low, high = ranges[name]
        record["min"] = np.full_like(record["min"], low)
        record["max"] = np.full_like(record["max"], high)
    return records
