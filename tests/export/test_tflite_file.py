import io
import zipfile

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from export.contract import CONTRACT_KEY, InputContract, TensorContract
from export.errors import ExportError
from export.quiet import quiet
from export.tflite_file import borders, read_metadata, with_contract
from firmware_sim.model import read_model

LABELS = ("rest", "wave", "knock", "größer")


@pytest.fixture(scope="module")
def contract():
    return InputContract(
        input=TensorContract("acc", (1, 64, 3), "float32"),
        output=TensorContract("scores", (1, 4), "float32"),
        labels=LABELS,
        window=64,
        framing="window",
        rate_hz=50.0,
        student="acc-small",
    )


@pytest.fixture(scope="module")
def told(conv_tflite, contract):
    return with_contract(conv_tflite, contract)


def run(content, window):
    with quiet():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], window[None])
        interpreter.invoke()
        return interpreter, interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_the_network_is_the_same_to_the_bit(conv_tflite, told, train_windows):
    plain, expected = run(conv_tflite, train_windows[0])
    _, scores = run(told, train_windows[0])
    assert np.array_equal(scores, expected)
    assert plain.get_input_details()[0]["name"] != "acc"


def test_tensors_have_our_names(told, train_windows):
    interpreter, _ = run(told, train_windows[0])
    assert interpreter.get_input_details()[0]["name"] == "acc"
    assert interpreter.get_output_details()[0]["name"] == "scores"
    assert interpreter.get_signature_list()["serving_default"] == {"inputs": ["acc"], "outputs": ["scores"]}


def test_names_are_short_and_unique(told, conv_tflite, tmp_path):
    (tmp_path / "model.tflite").write_bytes(told)
    names = [tensor.name for tensor in read_model(tmp_path / "model.tflite").tensors]
    assert len(set(names)) == len(names)
    assert {"stem/3", "normalise", "fc", "fc;2", "acc", "scores"} <= set(names)
    assert max(map(len, names)) < 40
    assert len(told) < len(conv_tflite)


def test_metadata_is_read_back(told, contract, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(told)
    found = read_metadata(path)
    assert found[CONTRACT_KEY].decode() == contract.dumps()
    assert found["TFLITE_METADATA"][4:8] == b"M001"
    assert "min_runtime_version" in found  # the converter's own


def test_labels_are_attached_as_a_file(told):
    with zipfile.ZipFile(io.BytesIO(told)) as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode().splitlines() == list(LABELS)


def test_weights_lie_at_multiples_of_sixteen(told):
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(told, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if not buffer.DataIsNone()]
    assert len(starts) > 10
    assert all(start % 16 == 0 for start in starts)


def test_operators_read_the_same_in_old_and_new_readers(picture_export):
    """The old one-byte operator code is filled too: a QUANTIZE (114) without it reads as ADD (0)."""
    from ai_edge_litert import schema_py_generated as schema

    path = picture_export.folder / "student.int8.tflite"
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    assert 114 in [code.BuiltinCode() for code in codes]
    assert all(code.BuiltinCode() == code.DeprecatedBuiltinCode() for code in codes)
    assert "QUANTIZE" in {operator.name for operator in read_model(path).operators}


def test_borders_of_float_and_int8(conv_tflite, conv_export):
    assert borders(conv_tflite) == (
        TensorContract("acc", (1, 64, 3), "float32"),
        TensorContract("scores", (1, 4), "float32"),
    )
    taken, given = borders((conv_export.folder / "student.int8.tflite").read_bytes())
    assert (taken.dtype, given.dtype) == ("int8", "int8")
    assert (given.scale, given.zero_point) == (1 / 256, -128)


@pytest.mark.parametrize("keep", [0, 7, 40, 0.5, 0.97])
def test_a_file_cut_short_is_told_in_a_sentence(told, tmp_path, keep):
    path = tmp_path / "model.tflite"
    zip_starts = told.rindex(b"PK\x03\x04")
    path.write_bytes(told[: keep if isinstance(keep, int) else int(keep * zip_starts)])
    with pytest.raises(ExportError, match=r"model\.tflite"):
        read_metadata(path)
