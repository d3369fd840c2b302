"""The report beside what onnxruntime itself makes of the file when it optimises it."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest

from export.audit import left_float
from export.audit_onnx import audit_onnx
from export.quantize_onnx import float_nodes, quantize_onnx
from export.quiet import quiet


@pytest.fixture
def audited(train_windows):
    def run(student, parts=(), modules=None):
        kept = float_nodes(student, parts, modules)
        windows = train_windows[:40]
        with quiet():
            model = quantize_onnx(student, windows, kept)
            return model, audit_onnx(student, model, kept, windows)

    return run


def optimised(model, folder):
    """Types of operators that onnxruntime runs, after it has merged the pairs into them."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3  # it warns that such a file is for this machine
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(folder / "optimised.onnx").graph.node)


@pytest.mark.parametrize("modules", [None, {"fc": "taken out by --keep-float"}])
def test_what_is_called_int8_is_what_onnxruntime_runs_in_int8(modules, audited, conv_onnx, tmp_path):
    model, found = audited(conv_onnx, modules=modules)
    ran = optimised(model, tmp_path)
    for type, merged in {"Conv": "QLinearConv", "Gemm": "QGemm", "AveragePool": "QLinearAveragePool"}.items():
        ours = [operator for operator in found if operator.type == type]
        assert sum(operator.quantised for operator in ours) == ran[merged], type
        assert sum(not operator.quantised for operator in ours) == ran[type], type


def test_every_operator_left_in_float_has_its_reason(audited, conv_onnx):
    _, found = audited(conv_onnx)
    assert {operator.name: operator.reason for operator in left_float(found)} == {
        "unsqueeze": "the file takes float",
        "transpose": "the file takes float",
        "softmax": "the file gives float",
    }
    int8 = [operator for operator in found if operator.quantised]
    assert {operator.dtype for operator in int8} == {"int8"}
    assert {operator.weights for operator in int8 if operator.type in ("Conv", "Gemm")} == {"int8"}
    assert all(op.snr_db > 15 and op.scale and op.low <= op.high for op in int8)


def test_operators_have_the_names_that_the_tflite_has(audited, conv_onnx, conv_export):
    _, found = audited(conv_onnx)
    names = {operator.name for operator in found if operator.weights}
    other = {op.name for op in conv_export.operators["student.int8.tflite"] if op.weights}
    assert names == other


def test_what_was_taken_out_is_told(audited, conv_onnx):
    _, found = audited(conv_onnx, modules={"blocks.0": "taken out by --auto"})
    reasons = {operator.name: operator.reason for operator in left_float(found)}
    assert reasons["blocks.0.3"] == reasons["blocks.0.6"] == "taken out by --auto"
    (kept,) = [operator for operator in found if operator.name == "blocks.0.4"]
    assert (kept.dtype, kept.weights, kept.scale) == ("float32", "float32", None)
    assert "blocks.1.3" not in reasons


def test_a_part_that_stays_float_is_told(audited, picture_onnx):
    _, found = audited(picture_onnx, parts=("gaf",))
    reasons = {operator.type: operator.reason for operator in left_float(found)}
    assert reasons["Sqrt"] == "belongs to, or lies before, a part that the student keeps in float"
    assert all(operator.quantised for operator in found if operator.type in ("Conv", "Gemm"))


def test_an_operator_without_an_int8_form_is_named():
    """Built by hand: Conv between pairs, then Erf, which onnxruntime's quantiser has not."""
    from export.audit_onnx import _reasons
    from export.onnx_graph import OnnxGraph

    helper = onnx.helper
    nodes = [
        helper.make_node("QuantizeLinear", ["acc", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Erf", ["d"], ["e"], "erf"),
        helper.make_node("Neg", ["e"], ["scores"], "neg"),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 4, 3)) for name in ("acc", "scores")
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array(0.1, np.float32), "s"),
        onnx.numpy_helper.from_array(np.array(0, np.int8), "z"),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    reasons = _reasons(OnnxGraph(helper.make_model(graph)), {})
    assert reasons[2] == "the quantiser has no int8 form of Erf"
    assert reasons[3] == "the quantiser has no int8 form of Neg"
