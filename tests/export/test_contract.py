import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.contract import CONTRACT_KEY, InputContract, TensorContract, read_contract
from export.errors import ExportError

FILES = ["student.tflite", "student.int8.tflite", "student.onnx", "student.int8.onnx"]


def contract_for(labels, window=64, rate_hz=None, scale=None, zero_point=None):
    dtype = "float32" if scale is None else "int8"
    return InputContract(
        input=TensorContract("acc", (1, window, 3), dtype, scale, zero_point),
        output=TensorContract("scores", (1, len(labels)), "float32"),
        labels=tuple(labels),
        window=window,
        framing="clip",
        rate_hz=rate_hz,
        student="acc-watch",
    )


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=5),
    st.integers(1, 1000),
    st.none() | st.floats(1, 1000),
    st.none() | st.floats(1e-6, 10),
)
def test_what_is_written_is_read_back(labels, window, rate_hz, scale):
    contract = contract_for(labels, window, rate_hz, scale, None if scale is None else -3)
    assert InputContract.from_json(json.loads(contract.dumps())) == contract


def test_a_later_version_may_say_more():
    told = contract_for("ab").to_json() | {"since": "tomorrow"}
    assert InputContract.from_json(told) == contract_for("ab")


def test_what_all_files_share_has_no_tensors():
    shared = contract_for("ab").common_json()
    assert shared["labels"] == ["a", "b"] and shared["unit"] == "m/s^2" and shared["rate_hz"] is None
    assert "input" not in shared and "output" not in shared


@pytest.mark.parametrize("name", FILES)
def test_every_exported_file_carries_its_contract(name, conv_export):
    contract = read_contract(conv_export.folder / name)
    report = conv_export.files[name]
    assert contract == replace(conv_export.contract, input=report.input, output=report.output)
    assert contract.labels == ("rest", "wave", "knock", "größer")
    assert (contract.window, contract.framing, contract.rate_hz) == (64, "clip", 50.0)


def test_an_unknown_rate_stays_unknown(picture_export):
    assert read_contract(picture_export.folder / "student.tflite").rate_hz is None


@pytest.mark.parametrize("name", ["gone.tflite", "notes.txt", "other.tflite", "other.onnx", "empty.onnx"])
def test_what_is_no_model_is_told_in_a_sentence(name, tmp_path):
    path = tmp_path / name
    if not name.startswith("gone"):
        path.write_bytes(b"" if name.startswith("empty") else b"\xff\x01 nothing of the kind")
    with pytest.raises(ExportError, match=rf"{name.replace('.', '[.]')}.*[.]$"):
        read_contract(path)


@pytest.mark.parametrize("name", FILES)
def test_a_model_cut_short_is_told_in_a_sentence(name, conv_export, tmp_path):
    content = (conv_export.folder / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ExportError, match="cut short"):
        read_contract(tmp_path / name)


def test_a_model_of_others_has_no_contract(conv_tflite, conv_onnx, tmp_path):
    (tmp_path / "a.tflite").write_bytes(conv_tflite)
    (tmp_path / "a.onnx").write_bytes(conv_onnx.model.SerializeToString())
    for path in tmp_path.iterdir():
        with pytest.raises(ExportError, match="has no edgehar contract"):
            read_contract(path)


@pytest.mark.parametrize("change", [{"labels": ["a"]}, {"input": None}, {"window": None}])
def test_a_damaged_contract_is_told_in_a_sentence(change, conv_onnx, tmp_path):
    import onnx

    told = contract_for("abcd").to_json() | change
    if change == {"window": None}:
        del told["window"]
    model = onnx.ModelProto()
    model.CopyFrom(conv_onnx.model)
    onnx.helper.set_model_props(model, {CONTRACT_KEY: json.dumps(told)})
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ExportError, match="damaged edgehar contract"):
        read_contract(tmp_path / "a.onnx")
