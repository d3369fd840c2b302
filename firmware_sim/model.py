"""A `.tflite` file as records: tensors, operators in order, and what each one computes and moves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from tflite.BatchMatMulOptions import BatchMatMulOptions

from firmware_sim.dead import Live, find_live
from firmware_sim.errors import SimError
from firmware_sim.macs import Shape, count_macs
from firmware_sim.schema import (
    DTYPES,
    IDENTIFIER,
    Reader,
    damage_is_an_error,
    operator_name,
    text,
)

MAX_RANK = 16
NUMPY_DTYPES = {"int8": "i1", "uint8": "u1", "int16": "<i2", "float16": "<f2", "float32": "<f4"}
MAX_TENSOR_BYTES = 2**40
# How many inputs an operator cannot do without, where something here looks at them; one output each.
LEAST_INPUTS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "CONV_3D": 2, "FULLY_CONNECTED": 2, "BATCH_MATMUL": 2,
                "TRANSPOSE_CONV": 3, "CONV_3D_TRANSPOSE": 3, "UNIDIRECTIONAL_SEQUENCE_LSTM": 20,
                "MEAN": 2, "SUM": 2, "REDUCE_MAX": 2, "REDUCE_MIN": 2}  # fmt: skip


@dataclass(frozen=True)
class Quantisation:
    """real = scale * (stored - zero_point); one pair, or one a channel along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph. A dimension that the file leaves open (-1) is read as 1.

    bytes: what its elements take; for a constant what the file holds (strings, sparse data).
    """

    index: int
    name: str
    shape: Shape
    dtype: str
    bytes: int
    constant: bool
    variable: bool
    quantisation: Quantisation | None

    @property
    def elements(self) -> int:
        """Number of elements; 1 for a scalar."""
        return prod(self.shape)


@dataclass(frozen=True)
class Operator:
    """A step. inputs, outputs: tensor indices, -1 for an input left out. macs: None if unknown.

    macs_executed: without those of dead channels (`firmware_sim/dead.py`), which some runtimes leave out.
    live_outputs: the share of its output channels that are not dead, 0 to 1.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    macs: int | None
    macs_executed: int | None = None
    live_outputs: float = 1.0


@dataclass(frozen=True)
class Model:
    """A `.tflite` file. weights_bytes: the constants of its graph, each buffer once.

    has_weights_behind: some of them lie behind the flatbuffer, where TFLite-Micro does not look.
    """

    path: Path
    sha256: str
    file_bytes: int
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights_bytes: int
    has_weights_behind: bool
    warnings: tuple[str, ...]

    @property
    def macs(self) -> int:
        """MACs of one inference, without the operators whose cost is unknown (`warnings` names them)."""
        return sum(operator.macs or 0 for operator in self.operators)

    @property
    def macs_executed(self) -> int:
        """MACs that are left if a runtime drops every dead channel; `macs` where there are none."""
        return sum(operator.macs_executed or 0 for operator in self.operators)

    def inputs_of(self, operator: Operator) -> list[Tensor]:
        """The operator's input tensors in order, without those left out."""
        return [self.tensors[index] for index in operator.inputs if index >= 0]

    def outputs_of(self, operator: Operator) -> list[Tensor]:
        """The operator's output tensors in order."""
        return [self.tensors[index] for index in operator.outputs]

    def bytes_moved(self, operator: Operator) -> int:
        """Bytes that the operator reads and writes if it touches each tensor once, weights included."""
        touched = {tensor.index: tensor for tensor in self.inputs_of(operator) + self.outputs_of(operator)}
        return sum(tensor.bytes for tensor in touched.values())


def read_model(path: Path | str) -> Model:
    """Read a `.tflite` file. Raises SimError for a file that is missing, is none, or is damaged."""
    path = Path(path)
    data = _read_bytes(path)
    with damage_is_an_error(path):
        reader = Reader(data)
        return _build(path, data, reader)


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SimError(f"{path}: there is no such file; give the path of a .tflite file.") from None
    except OSError as error:
        raise SimError(f"{path}: cannot be read ({error.strerror}); give a .tflite file.") from None
    if not data:
        raise SimError(f"{path}: the file is empty; copy or export it again.")
    if data[4:8] != IDENTIFIER:
        raise SimError(f"{path}: is not a .tflite file (its mark TFL3 is missing); give one that is.")
    return data


def _build(path: Path, data: bytes, reader: Reader) -> Model:
    graphs = reader.tables(reader.root, "Subgraphs")
    if not graphs:
        raise SimError(f"{path}: the file holds no graph; export it again.")
    flat_buffers = reader.tables(reader.root, "Buffers")
    buffers = [reader.buffer_bytes(buffer) for buffer in flat_buffers]
    names = [operator_name(code) for code in reader.tables(reader.root, "OperatorCodes")]
    flat_tensors = reader.tables(graphs[0], "Tensors")
    tensors = tuple(_tensor(i, flat, reader, buffers) for i, flat in enumerate(flat_tensors))
    operators = tuple(
        _operator(i, flat, names, tensors, reader)
        for i, flat in enumerate(reader.tables(graphs[0], "Operators"))
    )
    outputs = _indices(reader.numbers(graphs[0], "Outputs"), tensors)

    def weights(index: int) -> np.ndarray | None:
        return _distances(tensors[index], reader.buffer_data(flat_buffers[flat_tensors[index].Buffer()]))

    operators = _without_dead(operators, find_live(operators, tensors, outputs, weights))
    constants = {flat.Buffer() for flat, tensor in zip(flat_tensors, tensors, strict=True) if tensor.constant}
    return Model(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        file_bytes=len(data),
        tensors=tensors,
        operators=operators,
        inputs=_indices(reader.numbers(graphs[0], "Inputs"), tensors),
        outputs=outputs,
        weights_bytes=sum(buffers[number] for number in constants),
        has_weights_behind=any(reader.is_behind(flat_buffers[number]) for number in constants),
        warnings=_warnings(operators, tensors, len(graphs)),
    )


def _tensor(index: int, flat: Any, reader: Reader, buffers: list[int]) -> Tensor:
    shape = tuple(1 if size == -1 else size for size in reader.numbers(flat, "Shape"))
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise ValueError(f"tensor {index} has the shape {shape}")
    stored = buffers[flat.Buffer()]
    dtype, bits = DTYPES.get(flat.Type(), (f"type {flat.Type()}", None))
    size = stored if bits is None else (prod(shape) * bits + 7) // 8
    if size > MAX_TENSOR_BYTES:
        raise ValueError(f"tensor {index} takes {size} bytes")
    return Tensor(
        index=index,
        name=text(flat.Name()),
        shape=shape,
        dtype=dtype,
        bytes=stored or size,
        constant=stored > 0,
        variable=bool(flat.IsVariable()),
        quantisation=_quantisation(flat.Quantization(), reader),
    )


def _quantisation(flat: Any, reader: Reader) -> Quantisation | None:
    scales = reader.numbers(flat, "Scale") if flat is not None else []
    if not scales:
        return None
    zero_points = reader.numbers(flat, "ZeroPoint") or [0] * len(scales)
    return Quantisation(tuple(scales), tuple(zero_points), flat.QuantizedDimension())


def _operator(
    index: int, flat: Any, names: list[str], tensors: tuple[Tensor, ...], reader: Reader
) -> Operator:
    name = names[flat.OpcodeIndex()]
    inputs = _indices(reader.numbers(flat, "Inputs"), tensors, optional=True)
    outputs = _indices(reader.numbers(flat, "Outputs"), tensors)
    least = LEAST_INPUTS.get(name, 0)
    if len(inputs) < least or -1 in inputs[: min(least, 3)] or (least and not outputs):
        raise ValueError(f"operator {index}, {name}, lacks tensors")
    shapes = [tensors[i].shape if i >= 0 else () for i in inputs]
    output = tensors[outputs[0]].shape if outputs else ()
    return Operator(index, name, inputs, outputs, count_macs(name, shapes, output, _is_adjoint(name, flat)))


def _distances(tensor: Tensor, data: np.ndarray | None) -> np.ndarray | None:
    """A constant as an array that is 0 where its value is; None if its numbers are packed or missing."""
    dtype = NUMPY_DTYPES.get(tensor.dtype)
    if data is None or dtype is None or not tensor.constant or len(tensor.shape) < 2:
        return None
    if tensor.elements * np.dtype(dtype).itemsize != data.nbytes:
        return None
    values = data.view(dtype).reshape(tensor.shape)
    zeros = set(tensor.quantisation.zero_points) if tensor.quantisation else {0}
    return values if zeros == {0} else values != zeros.pop() if len(zeros) == 1 else None


def _without_dead(operators: tuple[Operator, ...], live: dict[int, Live]) -> tuple[Operator, ...]:
    executed = (live.get(o.index, Live(o.macs or 0, 1.0)) for o in operators)
    return tuple(
        replace(o, macs_executed=None if o.macs is None else left.macs, live_outputs=left.outputs)
        for o, left in zip(operators, executed, strict=True)
    )


def _is_adjoint(name: str, flat: Any) -> bool:
    table = flat.BuiltinOptions() if name == "BATCH_MATMUL" else None
    if table is None:
        return False
    options = BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return bool(options.AdjX())


def _indices(numbers: list[int], tensors: tuple[Tensor, ...], optional: bool = False) -> tuple[int, ...]:
    if any(not (-1 if optional else 0) <= number < len(tensors) for number in numbers):
        raise ValueError("a tensor's index is out of range")
    return tuple(numbers)


def _warnings(operators: tuple[Operator, ...], tensors: tuple[Tensor, ...], graphs: int) -> tuple[str, ...]:
    warnings = []
    for name in sorted({operator.name for operator in operators if operator.macs is None}):
        count = sum(operator.name == name for operator in operators)
        warnings.append(f"The MACs of {name} ({count} x) are unknown: it is charged for the bytes it moves.")
    for dtype in sorted({tensor.dtype for tensor in tensors if tensor.bytes == 0 and tensor.elements > 0}):
        warnings.append(f"The size of tensors of {dtype} is unknown: they count no bytes.")
    if graphs > 1:
        warnings.append(f"The file holds {graphs} graphs; the first one is counted.")
    return tuple(warnings)
