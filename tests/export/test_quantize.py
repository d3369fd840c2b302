import numpy as np
import pytest
import torch
from torch import nn

from export.calibrate import measure_ranges
from export.operators import float_tensors
from export.quantize import KeptFloat, float_parts, quantize_tflite
from export.quiet import quiet
from export.tflite_file import borders
from firmware_sim.model import read_model


def output_dtypes(path):
    """(operator, dtype of what it gives) in order."""
    model = read_model(path)
    return [(operator.name, model.outputs_of(operator)[0].dtype) for operator in model.operators]


def test_int8_tflite_takes_and_gives_int8_with_no_float_between(conv_export):
    model = read_model(conv_export.folder / "student.int8.tflite")
    assert {tensor.dtype for tensor in model.tensors} <= {"int8", "int32"}
    assert model.tensors[model.inputs[0]].dtype == model.tensors[model.outputs[0]].dtype == "int8"
    assert "DEQUANTIZE" not in {operator.name for operator in model.operators}


def test_weights_have_a_scale_a_channel(conv_export):
    model = read_model(conv_export.folder / "student.int8.tflite")
    convolutions = [operator for operator in model.operators if operator.name == "CONV_2D"]
    for operator in convolutions:
        weights = model.inputs_of(operator)[1]
        assert len(weights.quantisation.scales) == weights.shape[0]


def test_the_input_scale_spans_all_training_windows_but_one_in_two_hundred(conv_export, train_windows):
    taken = conv_export.files["student.int8.tflite"].input
    low, high = np.quantile(train_windows.min((1, 2)), 0.005), np.quantile(train_windows.max((1, 2)), 0.995)
    assert taken.scale == pytest.approx((high - low) / 255, rel=1e-3)


def test_int8_tflite_does_not_depend_on_the_order_of_the_windows(conv_tflite, train_windows):
    with quiet():
        forwards = quantize_tflite(conv_tflite, "int8", measure_ranges(conv_tflite, train_windows))
        backwards = quantize_tflite(conv_tflite, "int8", measure_ranges(conv_tflite, train_windows[::-1]))
    assert forwards == backwards


def test_a_picture_stays_float_and_its_network_is_int8(picture_export):
    dtypes = output_dtypes(picture_export.folder / "student.int8.tflite")
    names = [name for name, _ in dtypes]
    border = names.index("QUANTIZE")
    assert names.count("QUANTIZE") == 1 and "DEQUANTIZE" not in names
    assert "SQRT" in names[:border] and {dtype for _, dtype in dtypes[:border]} == {"float32"}
    assert "CONV_2D" in names[border:] and {dtype for _, dtype in dtypes[border:]} == {"int8"}
    report = picture_export.files["student.int8.tflite"]
    assert (report.input.dtype, report.output.dtype) == ("float32", "int8")
    assert report.float_parts == ("gaf",)


class Scaled(nn.Module):
    """A student that does something to its input before the part that stays float."""

    float_parts = ("part",)

    def __init__(self, inner):
        super().__init__()
        self.part = inner.gaf
        self.net = inner.net
        self.register_buffer("factor", torch.tensor(0.5))

    def forward(self, acc):
        return self.net(self.part(acc * self.factor))


def test_what_lies_before_a_float_part_stays_float_too(picture_student, train_windows):
    from export.convert import to_tflite

    with quiet():
        student = Scaled(picture_student)
        model = to_tflite(student, 64)
        kept = float_tensors(model, student, float_parts(student))
        ranges = measure_ranges(model, train_windows[:20])
        quantized = quantize_tflite(model, "int8", ranges, KeptFloat(parts=tuple(kept)))
    assert any("Scaled_student" in name and "GramianAngularField_part" not in name for name in kept)
    assert not any("PictureNet_net" in name for name in kept)
    assert borders(quantized)[0].dtype == "float32"


def test_a_student_without_the_attribute_is_int8_throughout(conv_student, conv_tflite):
    assert float_parts(nn.Linear(1, 1)) == ()
    assert float_tensors(conv_tflite, conv_student, ()) == []


def test_ranges_of_all_windows_beat_those_of_one(conv_tflite, train_windows, conv_student):
    """What the measured ranges are for: scores nearer to float's than with the quantiser's first window."""
    from ai_edge_litert.interpreter import Interpreter

    from export.parity import student_scores

    with quiet():
        whole, one = (
            quantize_tflite(conv_tflite, "int8", measure_ranges(conv_tflite, windows))
            for windows in (train_windows, train_windows[:1])
        )
        expected = student_scores(conv_student, train_windows[:60])
        errors = []
        for content in (whole, one):
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
            errors.append(np.abs(scores_of(interpreter, train_windows[:60]) - expected).mean())
    assert errors[0] < errors[1] / 2


def scores_of(interpreter, windows):
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = taken["quantization"]
    out_scale, out_zero = given["quantization"]
    scores = []
    for window in windows:
        stored = np.clip(np.round(window[None] / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(taken["index"], stored)
        interpreter.invoke()
        scores.append((interpreter.get_tensor(given["index"])[0].astype(np.float32) - out_zero) * out_scale)
    return np.array(scores)


def dtypes_of(content, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    model = read_model(path)
    return model, {tensor.dtype for tensor in model.tensors}


@pytest.mark.parametrize(
    ("kind", "inside", "border"),
    [
        ("int8", {"int8", "int32"}, "int8"),
        ("int8-float-io", {"int8", "int32", "float32"}, "float32"),
        ("int16x8", {"int16", "int8", "int32", "int64"}, "int16"),
        ("dynamic", {"float32", "int8", "int32"}, "float32"),
        ("fp16", {"float32", "float16", "int32"}, "float32"),
    ],
)
def test_a_kind_holds_the_dtypes_that_it_promises(kind, inside, border, conv_tflite, train_windows, tmp_path):
    with quiet():
        ranges = measure_ranges(conv_tflite, train_windows)
        model, found = dtypes_of(quantize_tflite(conv_tflite, kind, ranges), tmp_path)
    assert found <= inside
    assert model.tensors[model.inputs[0]].dtype == model.tensors[model.outputs[0]].dtype == border
    (weights,) = {model.inputs_of(op)[1].dtype for op in model.operators if op.name == "FULLY_CONNECTED"}
    assert weights == {"fp16": "float32"}.get(kind, "int8")  # 16-bit weights are unpacked before


def test_a_kept_operator_is_float_between_int8_ones(conv_tflite, conv_student, train_windows, tmp_path):
    from export.operators import name_operators

    with quiet():
        ranges = measure_ranges(conv_tflite, train_windows)
        (fc,) = [op for op in name_operators(conv_tflite, conv_student) if op.name == "fc"]
        content = quantize_tflite(conv_tflite, "int8", ranges, KeptFloat(named=(fc.output,)))
        model, _ = dtypes_of(content, tmp_path)
    names = [operator.name for operator in model.operators]
    at = names.index("FULLY_CONNECTED")
    assert names[at - 1 : at + 2] == ["DEQUANTIZE", "FULLY_CONNECTED", "QUANTIZE"]
    assert model.outputs_of(model.operators[at])[0].dtype == "float32"
    assert model.tensors[model.inputs[0]].dtype == "int8"
