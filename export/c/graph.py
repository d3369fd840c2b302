"""An int8 `.tflite` as the C generator needs it: operators with options, constants with values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.errors import ExportError
from firmware_sim.errors import SimError
from firmware_sim.model import Model, Operator, Tensor, read_model

NUMPY = {"int8": np.int8, "int32": np.int32, "int64": np.int64}


@dataclass(frozen=True)
class Graph:
    """A model with what `firmware_sim.model` leaves out. options: of each operator, None if it has none."""

    model: Model
    options: tuple[Any, ...]
    buffers: dict[int, bytes]

    @property
    def input(self) -> Tensor:
        """The one input."""
        return self.model.tensors[self.model.inputs[0]]

    @property
    def output(self) -> Tensor:
        """The one output."""
        return self.model.tensors[self.model.outputs[0]]

    @property
    def logits(self) -> Tensor:
        """What goes into the last SOFTMAX, if the file ends in one, else the output."""
        last = self.model.operators[-1]
        return self.model.inputs_of(last)[0] if last.name == "SOFTMAX" else self.output

    def values(self, tensor: Tensor) -> np.ndarray:
        """The numbers of a constant, in its shape."""
        return np.frombuffer(self.buffers[tensor.index], NUMPY[tensor.dtype]).reshape(tensor.shape)


def read_graph(path: Path) -> Graph:
    """Read a `.tflite` of int8 activations with one input and one output of batch 1.

    Raises ExportError for a file that is missing, damaged, not int8, or has other ends.
    """
    try:
        model = read_model(path)
    except SimError as error:
        raise ExportError(str(error)) from error
    _check_ends(path, model)
    if model.has_weights_behind:
        raise ExportError(f"{path}: its weights lie behind the flatbuffer; write them inside it for C.")
    from ai_edge_litert.tools import flatbuffer_utils

    flat = flatbuffer_utils.read_model_from_bytearray(bytearray(path.read_bytes()))
    graph = flat.subgraphs[0]
    constants = [tensor for tensor in model.tensors if tensor.constant]
    return Graph(
        model=model,
        options=tuple(operator.builtinOptions for operator in graph.operators),
        buffers={t.index: bytes(flat.buffers[graph.tensors[t.index].buffer].data) for t in constants},
    )


def _check_ends(path: Path, model: Model) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not model.operators:
        raise ExportError(
            f"{path}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs; C is written for "
            "files with one of each."
        )
    ends = [model.tensors[index] for index in (*model.inputs, *model.outputs)]
    for what, tensor in zip(("takes", "gives"), ends, strict=True):
        if tensor.dtype == "int8" and tensor.quantisation:
            continue
        advice = "name an int8 file, such as student.int8.tflite (edgehar export --int8)"
        if _has_float_parts(model):
            advice = "a student with float parts, such as a Gramian angular field, stays with TFLite-Micro"
        raise ExportError(f"{path}: {what} {tensor.dtype}, but C is written for int8 files; {advice}.")


def _has_float_parts(model: Model) -> bool:
    """Whether the file is int8 somewhere and float elsewhere, beyond conversions at its ends."""
    dtypes = [model.outputs_of(operator)[0].dtype for operator in model.operators]
    return "int8" in dtypes and dtypes.count("float32") > 1


def describe(operator: Operator) -> str:
    """An operator for people: `CONV_2D (operator 3)`."""
    return f"{operator.name} (operator {operator.index})"


def scale_of(tensor: Tensor) -> float:
    """The one scale of a quantised tensor."""
    assert tensor.quantisation is not None
    return tensor.quantisation.scales[0]


def zero_point_of(tensor: Tensor) -> int:
    """The one zero point of a quantised tensor."""
    assert tensor.quantisation is not None
    return tensor.quantisation.zero_points[0]
