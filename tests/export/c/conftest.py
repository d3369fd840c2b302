"""Small int8 `.tflite` files of one or two operators, and a compiler for what is generated from them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic")
SANITIZED = ("-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")


@dataclass
class Net:
    """A file under construction: every method returns the index of the tensor that it made."""

    rng: np.random.Generator
    tensors: list[tuple[tuple[int, ...], str, bytes | None, list[float], int, int]] = field(
        default_factory=list
    )
    operators: list[tuple[str, list[int], list[int], Any]] = field(default_factory=list)

    def tensor(self, *shape: int, scale: float = 0.05, zero: int = 0, dtype: str = "int8") -> int:
        self.tensors.append((shape, dtype, None, [scale] if scale else [], zero, 0))
        return len(self.tensors) - 1

    def constant(self, values: np.ndarray, scales: Sequence[float] = (), axis: int = 0, zero: int = 0) -> int:
        self.tensors.append(
            (values.shape, str(values.dtype), values.tobytes(), list(map(float, scales)), zero, axis)
        )
        return len(self.tensors) - 1

    def weights(self, *shape: int, axis: int = 0) -> int:
        """int8 weights with a scale a channel."""
        scales = self.rng.uniform(0.001, 0.02, shape[axis])
        return self.constant(self.rng.integers(-127, 128, shape).astype(np.int8), scales, axis)

    def bias(self, size: int, reach: int = 2000) -> int:
        return self.constant(self.rng.integers(-reach, reach, size).astype(np.int32), [1e-4])

    def numbers(self, *values: Any) -> int:
        return self.constant(np.array(values, np.int32))

    def operator(
        self, name: str, inputs: Sequence[int], *shape: int, options: Any = None, **quantised: Any
    ) -> int:
        output = self.tensor(*shape, **quantised)
        self.operators.append((name, list(inputs), [output], options))
        return output

    def write(self, path: Path, source: int = 0) -> Path:
        path.write_bytes(_pack(self, source))
        return path


def _pack(net: Net, source: int) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.description = 3, [graph], b"a test's model"
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph.tensors, graph.operators = [], []
    graph.inputs, graph.outputs = [source], [net.operators[-1][2][0]]
    for index, (shape, dtype, raw, scales, zero, axis) in enumerate(net.tensors):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = f"t{index}", list(shape), 0
        tensor.type = getattr(schema.TensorType, dtype.upper())
        if scales:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.quantizedDimension = scales, axis
            tensor.quantization.zeroPoint = [zero] * len(scales)
        if raw is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(raw, np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    for name, inputs, outputs, options in net.operators:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode, code.version = getattr(schema.BuiltinOperator, name), 2
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        model.operatorCodes.append(code)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        graph.operators.append(operator)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def net() -> Net:
    """A new, empty network, seeded."""
    return Net(np.random.default_rng(1))


@pytest.fixture(scope="session")
def make_net() -> type[Net]:
    """The class, for fixtures of a longer life."""
    return Net


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Path]:
    """`compiled(folder)`: the program of a generated folder, for this machine, with checks at run time."""
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        pytest.skip(f"no C compiler called {compiler}")

    def build(folder: Path, *words: str) -> Path:
        program = folder / "student"
        command = [compiler, *WARNINGS, *(words or SANITIZED), "main.c", "student.c", "-o", str(program)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return program

    return build


@pytest.fixture(scope="session")
def agrees(compiled: Callable[..., Path]) -> Callable[..., bool]:
    """`agrees(path, folder)`: writes a file as C, compiles it, and lets it check its golden vectors."""

    def check(path: Path, folder: Path, windows: np.ndarray | None = None) -> bool:
        from export.c.package import write_c

        report = write_c(path, folder, windows)
        done = subprocess.run(
            [compiled(folder)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.stderr == "" and done.returncode == 0, done.stdout + done.stderr
        return f"{report.golden} of {report.golden} golden vectors agree" in done.stdout

    return check
