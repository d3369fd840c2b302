"""A battery over every runtime: they agree with arithmetic, with one another, and refuse in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.errors import SimError
from firmware_sim.runtimes import RUNTIMES
from firmware_sim.runtimes.litert import LiteRtSession

PACKAGES = {"litert": "ai_edge_litert", "litert-ref": "ai_edge_litert", "tflm": "tflite_micro"}
TFLITE = tuple(PACKAGES)
# XNNPACK rounds each layer differently; ad's ten dense layers let even the two reference kernels drift apart.
LEAST_STEPS = 1
STEPS_OF_TEN_LAYERS = 2


def _runtime(name: str):
    pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed")
    return RUNTIMES[name]


def test_the_registry() -> None:
    assert set(RUNTIMES) == {"litert", "litert-ref", "tflm", "tensorflow", "onnxruntime"}


@pytest.mark.parametrize("name", TFLITE)
def test_a_dense_layer_is_arithmetic(sketch, tmp_path: Path, name: str) -> None:
    run = _runtime(name)
    graph = sketch()
    w = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = graph.tensor(1, 4)
    y = graph.operator("FULLY_CONNECTED", [x, graph.tensor(3, 4, data=w), -1], 1, 3)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    clips = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    scores = run(path, clips)
    assert scores.shape == (5, 3)
    np.testing.assert_allclose(scores, clips @ w.T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", TFLITE)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_quantised_numbers_are_converted_in_and_out(sketch, tmp_path: Path, name: str, dtype: str) -> None:
    run = _runtime(name)
    graph = sketch(dtype)
    x = graph.tensor(1, 4)
    y = graph.operator("RELU", [x], 1, 4) if dtype == "int8" else x
    if dtype == "int16":
        y = graph.operator("RESHAPE", [x, graph.numbers(1, 4)], 1, 4)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    clips = np.array([[1.0, 0.52, 0.0, 2.0]], np.float32)
    np.testing.assert_allclose(run(path, clips), [[1.0, 0.5, 0.0, 2.0]], atol=1e-6)  # steps of 0.05


@pytest.mark.parametrize(
    "file",
    ["ad01_int8.tflite", "kws_ref_model.tflite", "pretrainedResnet_quant.tflite", "str_ww_ref_model.tflite",
     "vww_96_int8.tflite"],
)  # fmt: skip
def test_reference_kernels_agree_on_published_int8_models(data_set, file: str) -> None:
    reference, micro = _runtime("litert-ref"), _runtime("tflm")
    path = data_set("mlperf_tiny") / "models" / file
    session = LiteRtSession(path, reference=True)
    port, step = session.inputs[0], session.outputs[0].scale
    x = port.decode(np.random.default_rng(0).integers(-128, 128, (6, *port.shape[1:]), np.int8))
    one, other = reference(path, x), micro(path, x)
    is_classifier = not file.startswith("ad")
    allowed = LEAST_STEPS if is_classifier else STEPS_OF_TEN_LAYERS
    assert np.abs(one - other).max() <= (allowed + 0.01) * step
    if is_classifier:
        assert (one.argmax(1) == other.argmax(1)).all()


@pytest.mark.parametrize("file", ["kws_ref_model.tflite", "str_ww_ref_model.tflite", "vww_96_int8.tflite"])
def test_xnnpack_decides_as_the_reference_kernels_do(data_set, file: str) -> None:
    path = data_set("mlperf_tiny") / "models" / file
    port = LiteRtSession(path).inputs[0]
    x = port.decode(np.random.default_rng(1).integers(-128, 128, (6, *port.shape[1:]), np.int8))
    np.testing.assert_allclose(_runtime("litert")(path, x), _runtime("litert-ref")(path, x), atol=0.05)


def test_float_models_agree_on_every_runtime(data_set) -> None:
    path = data_set("mlperf_tiny") / "models" / "vww_96_float.tflite"
    x = np.random.default_rng(0).uniform(0, 1, (2, 96, 96, 3)).astype(np.float32)
    scores = [_runtime(name)(path, x) for name in TFLITE]
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], atol=1e-5)


@pytest.mark.parametrize("name", TFLITE)
def test_nothing_is_printed(sketch, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = _runtime(name)
    graph = sketch()
    x = graph.tensor(1, 4)
    y = graph.operator("RELU", [x], 1, 4)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    capfd.readouterr()
    run(path, np.zeros((1, 4)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", TFLITE)
def test_what_a_runtime_refuses_is_told_in_a_sentence(sketch, tmp_path: Path, name: str) -> None:
    run = _runtime(name)
    graph = sketch()
    x = graph.tensor(1, 4)
    y = graph.operator("CUSTOM:Nobody", [x], 1, 4)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    with pytest.raises(SimError, match="refuses it") as caught:
        run(path, np.zeros((1, 4)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TFLITE)
def test_a_file_that_is_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(SimError, match=r"is not a \.tflite file"):
        _runtime(name)(path, np.zeros((1, 4)))


def test_onnxruntime_runs_one_clip_at_a_time(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    ports = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 4]) for n in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "g", ports[:1], ports[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    clips = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(RUNTIMES["onnxruntime"](tmp_path / "m.onnx", clips), -clips)


def test_weights_behind_the_flatbuffer_run_or_are_refused(sketch, tmp_path: Path) -> None:
    """TFLite-Micro's interpreter multiplies by memory that nobody filled there: ours must not let it."""
    graph = sketch()
    graph.weights_behind = True
    x = graph.tensor(1, 4)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(3, 4), -1], 1, 3)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    assert _runtime("litert")(path, np.ones((1, 4), np.float32)).tolist() == [[4.0, 4.0, 4.0]]
    with pytest.raises(SimError, match="weights lie behind the flatbuffer"):
        _runtime("tflm")(path, np.ones((1, 4), np.float32))
