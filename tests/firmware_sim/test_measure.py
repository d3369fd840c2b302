"""Measuring on this machine. No time is asserted, only what a measurement must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.errors import SimError
from firmware_sim.measure import measure, time_inferences
from firmware_sim.runtimes.session import Port

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def tflite(sketch, tmp_path: Path) -> Path:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
    return graph.write(tmp_path / "m.tflite", [x], [y])


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    weights = onnx.numpy_helper.from_array(np.ones((8, 4), np.float32), "w")
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    ports = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", size])
        for name, size in (("x", 8), ("y", 4))
    ]
    graph = onnx.helper.make_graph([node], "g", ports[:1], ports[1:], [weights])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    return path


def test_a_tflite_file(tflite: Path) -> None:
    report = measure(tflite, repeats=20)
    latency = report.latency_ms
    assert 0 < latency.low <= latency.value <= latency.high
    assert latency.p95 >= latency.high
    assert (report.method, latency.bounds) == ("measured", "measured")
    assert (report.device.name, report.device.engine) == ("host", "litert-xnnpack")
    assert report.model.macs == 32
    assert report.per_operator[0].cycles is None
    assert any("clock_mhz" in warning for warning in report.warnings)


def test_an_onnx_file(onnx_file: Path) -> None:
    report = measure(onnx_file, repeats=20)
    assert report.device.engine == "onnxruntime"
    assert (report.model.operators, report.model.weights_bytes, report.model.macs) == (1, 8 * 4 * 4, None)
    assert report.memory.flash_bytes == onnx_file.stat().st_size
    assert report.memory.arena_bytes is None
    assert any("onnx" in warning for warning in report.warnings)


def test_only_the_host_is_measured(tflite: Path) -> None:
    with pytest.raises(SimError, match="Only host can be measured"):
        measure(tflite, "cpu-arm")


@pytest.mark.parametrize("name", ["none.tflite", "none.onnx"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(SimError, match="no such file"):
        measure(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no onnx"])
def test_no_onnx_file(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(SimError, match=r"x\.onnx"):
        measure(path)


class _Counting:
    """A session that notes what it was fed."""

    inputs = (Port("a", (1, 3), np.dtype(np.int8), 0.1, 0), Port("b", (2,), np.dtype(np.int32)))
    outputs = ()

    def __init__(self) -> None:
        self.fed: list[list[np.ndarray]] = []

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        self.fed.append(inputs)
        return []


def test_every_input_is_fed_in_its_own_kind_of_number_and_warmed_up() -> None:
    session = _Counting()
    assert time_inferences(session, repeats=7).shape == (7,)
    assert len(session.fed) > 7
    first, second = session.fed[0]
    assert (first.dtype, first.shape) == (np.int8, (1, 3))
    assert (second.dtype, second.tolist()) == (np.int32, [0, 0])
