"""`edgehar lint` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """An int8 file that microcontrollers run, and one with a square root that they do not."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def write(name: str, code: int) -> Path:
        model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
        model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
        graph.tensors = []
        for _ in range(2):
            tensor = schema.TensorT()
            tensor.shape, tensor.type, tensor.name, tensor.buffer = [1, 8], schema.TensorType.INT8, b"t", 0
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [0.1], [0]
            graph.tensors.append(tensor)
        operator.inputs, operator.outputs = [0], [1]
        graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
        entry = schema.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = code
        model.operatorCodes = [entry]
        builder = flatbuffers.Builder(256)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        (tmp_path / name).write_bytes(bytes(builder.Output()))
        return tmp_path / name

    known = schema.BuiltinOperator
    return write("relu.tflite", known.RELU), write("sqrt.tflite", known.SQRT)


def test_a_file_that_runs_is_told_so(edgehar, files):
    ended = edgehar("lint", files[0], "--for", "tflm,litert-xnnpack")
    assert ended.exit_code == 0
    assert "tflm runs it, some of it slowly" in ended.stdout


def test_a_refused_operator_exits_with_1_and_names_what_to_use(edgehar, files):
    ended = edgehar("lint", files[1], "--for", "tflm")
    assert ended.exit_code == 1
    assert "tflm refuses it" in ended.stdout and "SQRT" in ended.stdout and "RSQRT" in ended.stdout


def test_json_is_one_object(edgehar, files):
    ended = edgehar("lint", files[1], "--for", "tflm,edgehar-c", "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["refused"] == ["tflm", "edgehar-c"]


def test_an_onnx_file_is_refused_in_one_sentence(edgehar, tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"")
    ended = edgehar("lint", tmp_path / "a.onnx", "--for", "tflm")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1 and ".tflite files only" in ended.stderr
