import pytest

from export.errors import ExportError
from export.kinds import KINDS, Choices, file_name


def test_float_is_always_written_and_kinds_stand_in_the_tables_order():
    choices = Choices(kinds=("dynamic", "int8"))
    assert choices.of("tflite") == ("float", "int8", "dynamic")
    assert choices.of("onnx") == ("float", "int8")
    assert Choices(formats=("onnx",)).of("tflite") == ()


@pytest.mark.parametrize(
    ("kind", "name"), [("float", "student.tflite"), ("int8-float-io", "student.int8-float-io.tflite")]
)
def test_a_kind_is_a_suffix(kind, name):
    assert file_name(kind, "tflite") == name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"formats": ()}, "No format was chosen; choose of: tflite, onnx."),
        ({"formats": ("onxn",)}, "Did you mean 'onnx'"),
        ({"kinds": ("int9",)}, "Did you mean 'int8'"),
        ({"formats": ("onnx",), "kinds": ("fp16",)}, "fp16 is a kind of .tflite file only"),
        ({"qat": True}, "--qat is about files in int8: add --int8."),
        ({"auto": True, "kinds": ("int16x8",)}, "--auto is about files in int8"),
        ({"keep_float": ("fc",), "kinds": ("fp16",)}, "--keep-float is about files in int8"),
        ({"version": ""}, "--model-version '' is no version; write one such as 1.4.0"),
        ({"version": "2\n0"}, "is no version"),
        ({"version": "1" * 65}, "at most 64"),
        ({"auto": True, "kinds": ("int8",), "formats": ("onnx",)}, "--auto judges the .tflite file"),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    with pytest.raises(ExportError) as told:
        Choices(**options)
    assert said in str(told.value)


def test_every_calibrated_kind_has_integer_activations():
    assert {name for name, kind in KINDS.items() if kind.calibrated} == {"int8", "int8-float-io", "int16x8"}
    assert all(kind.activations.startswith("int") for kind in KINDS.values() if kind.calibrated)
