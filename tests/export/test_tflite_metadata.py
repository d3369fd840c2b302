"""Read back by the published schema's own text, and by the official library where it is installed."""

import contextlib
import ctypes
import json
from dataclasses import replace

import flatbuffers
import pytest

from export.contract import InputContract, TensorContract
from export.tflite_file import with_contract
from export.tflite_metadata import describe, describe_input, pack_metadata

CONTRACT = InputContract(
    input=TensorContract("acc", (1, 128, 3), "int8", 0.3, 5),
    output=TensorContract("scores", (1, 2), "int8", 1 / 256, -128),
    labels=("rest", "größer"),
    window=128,
    framing="window",
    rate_hz=50.0,
    student="acc-watch",
    version="2.1.0",
)


@pytest.fixture
def read(load_beside):
    return load_beside("metadata_reader").read_metadata_buffer


@pytest.fixture(scope="module")
def library(without):
    """`tflite-support`'s own metadata module; its native parts want libusb, whose package is loaded first."""
    try:
        with contextlib.suppress(ImportError):
            import libusb_package

            ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
        from tensorflow_lite_support.metadata.python import metadata
    except ImportError as error:
        without(f"tflite-support's metadata library cannot be imported ({error})", unless="metadata")
    return metadata


def test_model_and_graph(read):
    content = pack_metadata(CONTRACT)
    assert flatbuffers.util.BufferHasIdentifier(content, 0, b"M001")
    model = read(content)
    assert (model["name"], model["version"]) == ("acc-watch", "2.1.0")
    assert model["description"] == describe(CONTRACT) == "Tells 2 classes apart by an accelerometer."
    assert model["min_parser_version"] == "1.0.0"
    (graph,) = model["subgraph_metadata"]
    assert [each["name"] for each in graph["input_tensor_metadata"]] == ["acc"]
    assert [each["name"] for each in graph["output_tensor_metadata"]] == ["scores"]


def test_the_input_is_a_feature_with_unit_axes_rate_and_window(read):
    taken = read(pack_metadata(CONTRACT))["subgraph_metadata"][0]["input_tensor_metadata"][0]
    assert taken["content"] == {"content_properties": {"is": "FeatureProperties"}}
    assert taken["dimension_names"] == ["batch", "time", "axis"]
    assert taken["description"] == describe_input(CONTRACT)
    for word in ("m/s^2", "x, y, z", "128 samples", "at 50 Hz", "inside the model"):
        assert word in taken["description"]


def test_nobody_shall_normalise_again(read):
    taken = read(pack_metadata(CONTRACT))["subgraph_metadata"][0]["input_tensor_metadata"][0]
    (unit,) = taken["process_units"]
    assert unit == {"options": {"is": "NormalizationOptions", "mean": [0.0], "std": [1.0]}}


def test_the_output_names_its_labels_and_its_range(read):
    given = read(pack_metadata(CONTRACT))["subgraph_metadata"][0]["output_tensor_metadata"][0]
    (file,) = given["associated_files"]
    assert (file["name"], file["type"]) == ("labels.txt", "TENSOR_AXIS_LABELS")
    assert given["stats"] == {"max": [1.0], "min": [0.0]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate_hz": 100.0}, "at 100 Hz"),
        ({"rate_hz": None, "framing": "clip"}, "from a clip of any length"),
        ({"rate_hz": None}, "not known here"),
        ({"unit": "unknown"}, "in a unit that is not known here"),
        ({"input": TensorContract("gyro", (1, 128, 3), "float32")}, "Angular rate"),
    ],
)
def test_what_is_unknown_is_said(change, said):
    assert said in describe_input(replace(CONTRACT, **change))


def test_the_official_library_reads_a_whole_file(conv_tflite, library, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(with_contract(conv_tflite, replace(CONTRACT, labels=("a", "b", "c", "größer"))))
    shown = library.MetadataDisplayer.with_model_file(str(path))
    assert shown.get_packed_associated_file_list() == ["labels.txt"]
    assert shown.get_associated_file_buffer("labels.txt").decode().split() == ["a", "b", "c", "größer"]
    told = json.loads(shown.get_metadata_json())
    assert (told["name"], told["version"]) == ("acc-watch", "2.1.0")
    (graph,) = told["subgraph_metadata"]
    taken, given = graph["input_tensor_metadata"][0], graph["output_tensor_metadata"][0]
    assert taken["description"] == describe_input(CONTRACT)
    assert taken["content"]["content_properties_type"] == "FeatureProperties"
    assert taken["process_units"][0]["options"] == {"mean": [0.0], "std": [1.0]}
    assert given["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"


def test_the_official_library_agrees_on_the_parser_it_takes(library):
    content = pack_metadata(CONTRACT)
    assert library._pywrap_metadata_version.GetMinimumMetadataParserVersion(content) == "1.0.0"
