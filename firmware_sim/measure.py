"""A cost report by running the file on this machine with its real runtime, on one thread."""

from __future__ import annotations

import hashlib
import platform
import time
from pathlib import Path

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.estimate import memory_warnings, model_figures, plan_memory
from firmware_sim.model import Model, read_model
from firmware_sim.report import (
    SCHEMA,
    CostReport,
    DeviceFigures,
    Latency,
    Memory,
    ModelFigures,
    OperatorCost,
)
from firmware_sim.runtimes.litert import LiteRtSession
from firmware_sim.runtimes.ort import OrtSession
from firmware_sim.runtimes.session import Port, Session

HOST = "host"
LEAST, MOST, SECONDS = 30, 1000, 1.0  # timed inferences: as many as fit into a second, within these
WARM_UP = 5


def measure(path: Path, profile: str = HOST, repeats: int | None = None) -> CostReport:
    """Time `path` (`.tflite` or `.onnx`) here: median, and the 10th and 90th percentile as bounds.

    repeats: how many inferences are timed after a warm-up; None for as many as a second holds, 30 to 1000.
    Raises SimError for a file that its runtime refuses, and for a profile other than `host`.
    """
    if profile != HOST:
        raise SimError(f"Only {HOST} can be measured, not {profile!r}: estimate it instead.")
    if path.suffix == ".onnx":
        return _report(path, OrtSession(path), "onnxruntime", _read_onnx(path), None, repeats)
    model = read_model(path)
    return _report(path, LiteRtSession(path), "litert-xnnpack", model_figures(model), model, repeats)


def time_inferences(session: Session, repeats: int | None = None) -> np.ndarray:
    """Milliseconds of each timed inference, (repeats,), on seeded noise within each input's range."""
    rng = np.random.default_rng(0)
    inputs = [noise_for(port, rng) for port in session.inputs]
    for _ in range(WARM_UP):
        started = time.perf_counter()
        session.infer(inputs)
        last = time.perf_counter() - started
    count = repeats or int(np.clip(SECONDS / max(last, 1e-9), LEAST, MOST))
    times = np.empty(count)
    for i in range(count):
        started = time.perf_counter()
        session.infer(inputs)
        times[i] = time.perf_counter() - started
    return 1000 * times


def noise_for(port: Port, rng: np.random.Generator) -> np.ndarray:
    """Noise within the range of an input, as the file stores it, in its shape."""
    if port.dtype in (np.int8, np.uint8, np.int16):
        limits = np.iinfo(port.dtype)
        return rng.integers(limits.min, limits.max, port.shape, port.dtype, endpoint=True)
    if port.dtype.kind == "f":
        return rng.standard_normal(port.shape).astype(port.dtype)
    return np.zeros(port.shape, port.dtype)  # indices, where noise could lie outside a table


def _report(
    path: Path,
    session: Session,
    engine: str,
    figures: ModelFigures,
    model: Model | None,
    repeats: int | None,
) -> CostReport:
    times = time_inferences(session, repeats)
    low, value, high, p95 = (float(ms) for ms in np.percentile(times, [10, 50, 90, 95]))
    operators = model.operators if model else ()
    return CostReport(
        schema=SCHEMA,
        model=figures,
        device=DeviceFigures(HOST, _processor(), None, engine),
        method="measured",
        latency_ms=Latency(value, low, high, p95, "measured"),
        also=(),
        counts=None,
        memory=_memory(path, figures, model, engine),
        energy_uj=None,
        per_operator=tuple(OperatorCost(o.index, o.name, o.macs, None, None) for o in operators),
        warnings=(*_model_warnings(figures, model, engine), _unmeasured()),
    )


def _memory(path: Path, figures: ModelFigures, model: Model | None, engine: str) -> Memory:
    if model is not None:
        return plan_memory(model, 8, engine, None)
    return Memory(None, None, figures.weights_bytes, None, path.stat().st_size)


def _model_warnings(figures: ModelFigures, model: Model | None, engine: str) -> list[str]:
    if model is not None:
        return [*model.warnings, *memory_warnings(model, engine)]
    warnings = ["MACs and memory of an .onnx file are unknown: export a .tflite to plan its arena."]
    if figures.weights_bytes is None:
        warnings.append("The package onnx is not installed: operators and weights_bytes are null.")
    return warnings


def _unmeasured() -> str:
    return f"Not measured on {HOST}: clock_mhz, counts, energy_uj, cycles of an operator."


def _read_onnx(path: Path) -> ModelFigures:
    """Operators and bytes of the constants of an `.onnx` file, null where the onnx package is missing."""
    if not path.is_file():
        raise SimError(f"{path}: there is no such file; give the path of an .onnx file.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        import onnx
    except ImportError:
        return ModelFigures(str(path), sha256, None, None, None)
    try:
        graph = onnx.load(str(path)).graph
        weights = sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)
    except Exception as error:  # protobuf's errors differ between its implementations
        raise SimError(f"{path}: is not an .onnx file or is damaged; copy or export it again.") from error
    return ModelFigures(str(path), sha256, None, len(graph.node), weights)


def _processor() -> str:
    """The processor's name as the system gives it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
