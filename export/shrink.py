"""A `.tflite` in as few bytes as its readers allow: the same network, every equal thing written once.

Flatbuffers lets any number of tables point to one vector, and no writer of TFLite files makes use of it.
What is written once: equal constants, equal quantisation parameters, equal operator options, equal vectors
(the zero points of int8 weights are all 0, eight bytes each, and LiteRT wants as many as there are
channels: one row of zeros a width serves them all), equal strings. What goes: buffers and operator codes that
nothing refers to, notes of the converter, recorded extremes (nobody reads them once the scales are there),
the names of the constants of a quantised file.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np

from firmware_sim.schema import IDENTIFIER

_ALIGNMENT = 16  # the schema's force_align for weights
_NOTES = (b"keep_stablehlo_constant",)  # metadata that only the converter reads


def pack(model: Any) -> bytes:
    """The bytes of a model (`ModelT` of LiteRT's schema, changed in place), as few as its readers allow.

    Weights are aligned to 16 bytes, as the TFLite schema asks and the Python packers do not. Numbers,
    order of tensors and operators, and the names of inputs, outputs and activations stay as they are.
    """
    model.metadata = [entry for entry in model.metadata or [] if entry.name not in _NOTES]
    _keep_used_codes(model)
    _share_buffers(model)
    tables: dict[Hashable, int] = {}
    for graph in model.subgraphs:
        quantised = any(_is_int8_constant(tensor, model) for tensor in graph.tensors)
        for tensor in graph.tensors:
            _trim(tensor, nameless=quantised and _is_constant(tensor, model))
            tensor.quantization = _once(tensor.quantization, tables)
        for operator in graph.operators:
            operator.builtinOptions = _once(operator.builtinOptions, tables)
    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    builder = _SharingBuilder(1024)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _is_constant(tensor: Any, model: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _is_int8_constant(tensor: Any, model: Any) -> bool:
    quantisation = tensor.quantization
    return _is_constant(tensor, model) and quantisation is not None and quantisation.scale is not None


def _trim(tensor: Any, nameless: bool) -> None:
    """Takes out of a tensor what no runtime reads."""
    if nameless:
        tensor.name = None
    if np.array_equal(tensor.shapeSignature, tensor.shape):
        tensor.shapeSignature = None
    if (quantisation := tensor.quantization) is not None and quantisation.scale is not None:
        quantisation.min = quantisation.max = None


def _keep_used_codes(model: Any) -> None:
    """Drops operator codes that no operator has, and the second of two equal ones."""
    kept: dict[Hashable, int] = {}
    codes: list[Any] = []
    for operator in (operator for graph in model.subgraphs for operator in graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        if (key := _content(code)) not in kept:
            kept[key] = len(codes)
            codes.append(code)
        operator.opcodeIndex = kept[key]
    model.operatorCodes = codes


def _share_buffers(model: Any) -> None:
    """One buffer for equal constants; all that hold nothing become buffer 0, which is empty by definition."""
    kept: dict[bytes, int] = {b"": 0}
    buffers: list[Any] = [model.buffers[0]]
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    for holder in [*tensors, *model.metadata]:
        buffer = model.buffers[holder.buffer]
        data = b"" if buffer.data is None else bytes(buffer.data)
        if data not in kept:
            kept[data] = len(buffers)
            buffers.append(buffer)
        holder.buffer = kept[data]
    model.buffers = buffers


def _content(value: Any) -> Hashable:
    """What a table of the schema holds, as something that can be compared and hashed."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return tuple(_content(item) for item in value)
    if hasattr(value, "__dict__"):
        return type(value).__name__, tuple((name, _content(held)) for name, held in vars(value).items())
    return value


def _once(table: Any, written: dict[Hashable, int]) -> Any:
    return None if table is None else _Once(table, written)


class _Once:
    """A table that is written the first time that its content is asked for; `ModelT` calls its `Pack`."""

    def __init__(self, table: Any, written: dict[Hashable, int]) -> None:
        self.table, self.written = table, written

    def Pack(self, builder: flatbuffers.Builder) -> int:
        key = _content(self.table)
        if key not in self.written:
            self.written[key] = self.table.Pack(builder)
        return self.written[key]


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors of numbers, and equal strings, once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[Hashable, int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        key = _content(x)
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:
        key = s if isinstance(s, bytes) else s.encode(encoding, errors)
        if key not in self._written:
            self._written[key] = super().CreateString(s, encoding, errors)
        return self._written[key]


class _AlignedBuffer:
    """A model's buffer that packs itself at a multiple of 16 bytes."""

    def __init__(self, buffer: Any) -> None:
        self.data = None if buffer.data is None else bytes(buffer.data)

    def Pack(self, builder: flatbuffers.Builder) -> int:
        from ai_edge_litert import schema_py_generated as schema

        vector = None if not self.data else _pack_data(builder, self.data)
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _pack_data(builder: flatbuffers.Builder, data: bytes) -> int:
    builder.StartVector(1, len(data), _ALIGNMENT)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return builder.EndVector()
