import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from export.contract import CONTRACT_KEY, InputContract, TensorContract
from export.convert import with_onnx_contract
from export.onnx_metadata import properties
from export.tflite_metadata import describe, describe_input

CONTRACT = InputContract(
    input=TensorContract("acc", (1, 64, 3), "float32"),
    output=TensorContract("scores", (1, 4), "float32"),
    labels=("rest", "wave", "knock", "größer"),
    window=64,
    framing="window",
    rate_hz=50.0,
    student="acc-small",
    version="1.2.0",
)


@pytest.fixture
def opened(conv_onnx):
    """An onnxruntime session of the convolution student with that contract."""

    def make(contract):
        content = with_onnx_contract(conv_onnx.model, contract)
        onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    return make


def test_onnxruntime_shows_it(opened):
    told = opened(CONTRACT).get_modelmeta()
    found = told.custom_metadata_map
    assert found == properties(CONTRACT)
    assert found["unit"] == "m/s^2" and found["axis_order"] == "x,y,z" and found["rate_hz"] == "50"
    assert (found["window"], found["normalisation"], found["version"]) == ("64", "inside the model", "1.2.0")
    assert json.loads(found["labels"]) == list(CONTRACT.labels)
    assert InputContract.from_json(json.loads(found[CONTRACT_KEY])) == CONTRACT
    assert told.description == describe(CONTRACT)


def test_the_input_says_what_to_feed(conv_onnx):
    model = onnx.load_from_string(with_onnx_contract(conv_onnx.model, CONTRACT))
    assert model.graph.input[0].doc_string == describe_input(CONTRACT)


def test_the_ends_have_the_contracts_names_and_the_numbers_stay(opened, train_windows):
    other = replace(CONTRACT, input=replace(CONTRACT.input, name="gyro"))
    one, two = opened(CONTRACT), opened(other)
    assert [end.name for end in two.get_inputs() + two.get_outputs()] == ["gyro", "scores"]
    window = train_windows[:1]
    assert np.array_equal(one.run(None, {"acc": window})[0], two.run(None, {"gyro": window})[0])


def test_an_unknown_rate_is_empty():
    assert properties(replace(CONTRACT, rate_hz=None))["rate_hz"] == ""
