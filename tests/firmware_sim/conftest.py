"""Small `.tflite` files, written operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@dataclass
class Sketch:
    """A model under construction. Every method returns the index of the tensor that it made."""

    dtype: str = "float32"
    tensors: list[tuple[str, tuple[int, ...], str, bytes | None, float | None]] = field(default_factory=list)
    operators: list[tuple[str, list[int], list[int], Any]] = field(default_factory=list)
    variables: set[int] = field(default_factory=set)
    row_scales: dict[int, list[float]] = field(default_factory=dict)
    weights_behind: bool = False

    def tensor(self, *shape: int, dtype: str | None = None, data: np.ndarray | None = None) -> int:
        dtype = dtype or self.dtype
        scale = 0.05 if dtype in ("int8", "int16") else None
        raw = None if data is None else np.ascontiguousarray(data).tobytes()
        self.tensors.append((f"t{len(self.tensors)}", shape, dtype, raw, scale))
        return len(self.tensors) - 1

    def weights(self, *shape: int) -> int:
        return self.tensor(*shape, data=np.ones(shape, self.dtype))

    def numbers(self, *values: int) -> int:
        return self.tensor(len(values), dtype="int32", data=np.array(values, np.int32))

    def operator(self, name: str, inputs: Sequence[int], *shape: int, options: Any = None) -> int:
        output = self.tensor(*shape)
        self.operators.append((name, list(inputs), [output], options))
        return output

    def shape(self, index: int) -> tuple[int, ...]:
        return self.tensors[index][1]

    def write(self, path: Path, inputs: Sequence[int], outputs: Sequence[int]) -> Path:
        """Writes the file; with `weights_behind` its constants follow the flatbuffer, as in large files."""
        content = _pack(self, list(inputs), list(outputs), start=2)
        if self.weights_behind:
            content = _pack(self, list(inputs), list(outputs), start=len(content))
            content += b"".join(raw for _, _, _, raw, _ in self.tensors if raw)
        path.write_bytes(content)
        return path


def _pack(sketch: Sketch, inputs: list[int], outputs: list[int], start: int) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.description = 3, [graph], b"a test's model"
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], inputs, outputs
    for index, (name, shape, dtype, raw, scale) in enumerate(sketch.tensors):
        tensor = schema.TensorT()
        tensor.isVariable = index in sketch.variables
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), 0
        tensor.type = getattr(schema.TensorType, dtype.upper())
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            scales = sketch.row_scales.get(index, [scale])
            tensor.quantization.scale, tensor.quantization.zeroPoint = scales, [0] * len(scales)
        if raw is not None:
            buffer = schema.BufferT()
            if sketch.weights_behind:
                buffer.offset, buffer.size = start, len(raw)
                start += len(raw)
            else:
                buffer.data = np.frombuffer(raw, np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    for name, sources, results, options in sketch.operators:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        if name.startswith("CUSTOM:"):
            code.builtinCode, code.customCode = schema.BuiltinOperator.CUSTOM, name.removeprefix("CUSTOM:")
        else:
            code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        model.operatorCodes.append(code)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = sources, results
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        graph.operators.append(operator)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def sketch() -> Callable[..., Sketch]:
    """A new, empty model: `sketch("int8")`."""
    return Sketch


@pytest.fixture(scope="session")
def student_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """`student_files("acc-watch", "int8")` is that student's file, untrained, as export makes it."""
    pytest.importorskip("litert_torch", reason="litert-torch, which converts students, is not installed")
    folder = tmp_path_factory.mktemp("students")

    def make(name: str, kind: str) -> Path:
        path = folder / f"{name}.{kind}.tflite"
        if not path.exists():
            for each, content in _convert(name).items():
                (folder / f"{name}.{each}.tflite").write_bytes(content)
        return path

    return make


def _convert(name: str) -> dict[str, bytes]:
    from importlib import import_module

    import torch

    from edgehar.models import STUDENTS
    from export.calibrate import measure_ranges
    from export.convert import to_tflite
    from export.operators import float_tensors
    from export.quantize import KeptFloat, float_parts, quantize_tflite

    torch.manual_seed(0)
    target, options = STUDENTS[name]
    module, _, attribute = target.partition(":")
    student = getattr(import_module(module), attribute)(classes=27, window=128, **options).eval()
    windows = np.random.default_rng(0).normal(0, 6, (4, 128, 3)).astype(np.float32)
    model = to_tflite(student, 128)
    kept = KeptFloat(tuple(float_tensors(model, student, float_parts(student))))
    quantised = quantize_tflite(model, "int8", measure_ranges(model, windows), kept)
    return {"float32": model, "int8": _inside(quantised)}


def _inside(content: bytes) -> bytes:
    """The same file with its weights inside the flatbuffer, as export writes it."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
