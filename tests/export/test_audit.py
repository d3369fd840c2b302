import pytest

from export.audit import audit, left_float, rank
from export.calibrate import measure_ranges
from export.operators import float_tensors, name_operators
from export.quantize import KeptFloat, float_parts, quantize_tflite
from export.quiet import quiet


@pytest.fixture
def audited(conv_tflite, conv_student, train_windows):
    def run(kind, kept=None):
        kept = kept or KeptFloat()
        with quiet():
            ranges = measure_ranges(conv_tflite, train_windows)
            content = quantize_tflite(conv_tflite, kind, ranges, kept)
            named = name_operators(conv_tflite, conv_student)
            return audit(conv_tflite, content, kind, named, kept, train_windows)

    return run


def test_an_int8_file_is_int8_throughout(audited):
    found = audited("int8")
    assert left_float(found) == []
    assert {operator.dtype for operator in found} == {"int8"}
    assert [op.weights for op in found if op.type == "FULLY_CONNECTED"] == ["int8"]
    assert all(op.snr_db is not None and op.scale and op.low <= op.high for op in found)
    assert all(0 <= op.added_noise <= 1 for op in found)


def test_the_worst_come_first(audited):
    noise = [operator.added_noise for operator in rank(audited("int8"))]
    assert noise == sorted(noise, reverse=True) and noise[0] > 0


def test_what_was_taken_out_is_told_with_its_reason(audited, conv_tflite, conv_student):
    outputs = {op.name: op.output for op in name_operators(conv_tflite, conv_student)}
    kept = KeptFloat(named=(outputs["fc"],), taken=(outputs["blocks.0.3"],))
    reasons = {operator.name: operator.reason for operator in left_float(audited("int8", kept))}
    assert reasons["fc"] == "taken out by --keep-float"
    assert reasons["blocks.0.3"] == "taken out by --auto"
    between = "stands between a float and a quantised operator"
    assert reasons["dequantize of stem.3"] == reasons["quantize of fc"] == between
    assert "softmax" not in reasons


def test_float_borders_are_told(audited):
    reasons = {operator.name: operator.reason for operator in left_float(audited("int8-float-io"))}
    assert reasons == {
        "quantize of input": "the file takes float",
        "dequantize of softmax": "the file gives float",
    }


def test_weights_in_16_bits_are_seen_through_their_unpacking(audited):
    found = audited("fp16")
    assert {op.weights for op in found if op.type == "CONV_2D"} == {"float16"}
    assert all(op.type == "DEQUANTIZE" for op in left_float(found))


def test_dynamic_weights_are_int8_and_activations_float(audited):
    found = audited("dynamic")
    assert {(op.weights, op.dtype) for op in found if op.type == "FULLY_CONNECTED"} == {("int8", "float32")}
    assert left_float(found) == []


def test_a_picture_is_float_because_the_student_says_so(picture_student, train_windows):
    from export.convert import to_tflite

    with quiet():
        model = to_tflite(picture_student, 64)
        kept = KeptFloat(tuple(float_tensors(model, picture_student, float_parts(picture_student))))
        content = quantize_tflite(model, "int8", measure_ranges(model, train_windows[:20]), kept)
        named = name_operators(model, picture_student)
        found = audit(model, content, "int8", named, kept, train_windows[:20])
    reasons = {operator.type: operator.reason for operator in left_float(found)}
    assert "a part that the student keeps in float" in reasons["SQRT"]
    assert all(operator.quantised for operator in found if operator.type in ("CONV_2D", "FULLY_CONNECTED"))
