"""The same file for TFLite-Micro: its bytes as C, the operators to register, an arena that was tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.c.graph import Graph, scale_of
from export.c.source import fill, numbers, template_text
from export.errors import ExportError
from firmware_sim.arena import align
from firmware_sim.errors import SimError
from firmware_sim.runtimes.session import require, silence
from firmware_sim.runtimes.tflm import TflmSession

# tflite::MicroMutableOpResolver's method of each operator that C has a kernel for.
METHODS = {
    "CONV_2D": "AddConv2D", "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D", "FULLY_CONNECTED": "AddFullyConnected",
    "ADD": "AddAdd", "SUB": "AddSub", "MUL": "AddMul", "AVERAGE_POOL_2D": "AddAveragePool2D",
    "MAX_POOL_2D": "AddMaxPool2D", "MEAN": "AddMean", "PAD": "AddPad", "PADV2": "AddPadV2",
    "SOFTMAX": "AddSoftmax", "QUANTIZE": "AddQuantize", "RESHAPE": "AddReshape", "SQUEEZE": "AddSqueeze",
    "EXPAND_DIMS": "AddExpandDims",
}  # fmt: skip


@dataclass(frozen=True)
class TflmReport:
    """measured_bytes: what the interpreter used here; arena_bytes: with the margin, what model.h says.

    largest_difference: steps between its scores, run in an arena of exactly arena_bytes, and the golden
    ones; its fully connected layer rounds twice where LiteRT's rounds once, so a logit may be a step away for
    each, and allowed_difference is what that can make of a score. None where TFLite-Micro is not installed.
    """

    measured_bytes: int | None
    margin_bytes: int
    arena_bytes: int | None
    largest_difference: int | None
    allowed_difference: int

    @property
    def passed(self) -> bool:
        """Whether it gives the golden scores, as far as its own rounding allows."""
        return self.largest_difference is None or self.largest_difference <= self.allowed_difference


def write_tflm(graph: Graph, folder: Path, inputs: np.ndarray, scores: np.ndarray) -> TflmReport:
    """Writes model.h and resolver.h into `folder`, and runs the file in the arena that model.h names.

    inputs (N, ...), scores (N, classes): golden vectors. Raises ExportError if TFLite-Micro refuses it.
    """
    report = _try(graph, inputs, scores)
    names = sorted({operator.name for operator in graph.model.operators})
    calls = "".join(f"    TF_LITE_ENSURE_STATUS(resolver.{METHODS[name]}());\n" for name in names)
    values = {
        "FILE": graph.model.path.name,
        "SHA256": graph.model.sha256,
        "BYTES": str(graph.model.file_bytes),
        "ARENA": _arena_lines(report),
        "NUMBERS": numbers(graph.model.path.read_bytes()),
        "COUNT": str(len(names)),
        "CALLS": calls.rstrip("\n"),
    }
    for name in ("model.h", "resolver.h"):
        text = fill(template_text(name), values)
        (folder / name).write_text(text, "utf-8", newline="\n")
    return report


def _try(graph: Graph, inputs: np.ndarray, scores: np.ndarray) -> TflmReport:
    margin, allowed = align(_columns(graph)) + align(1), _allowed_difference(graph)
    try:
        require("tflite_micro", "tflite-micro")
    except SimError:
        return TflmReport(None, margin, None, None, allowed)
    try:
        used = TflmSession(graph.model.path).arena()
    except SimError as error:
        raise ExportError(str(error)) from error
    measured, margin = used["total"], margin + max(0, _planning(graph) - used["head"])
    arena = align(measured + margin)
    found = run_in(graph, inputs, arena)
    difference = np.abs(found.astype(int) - scores).max(initial=0)
    return TflmReport(measured, margin, arena, int(difference), allowed)


def run_in(graph: Graph, inputs: np.ndarray, arena_bytes: int) -> np.ndarray:
    """Scores (N, classes) int8 of inputs (N, ...) int8 by TFLite-Micro in an arena of exactly arena_bytes.

    Raises ValueError or RuntimeError, as its interpreter does, where the arena is too small.
    """
    runtime = require("tflite_micro", "tflite-micro").runtime
    with silence():
        interpreter = runtime.Interpreter.from_file(str(graph.model.path), arena_size=arena_bytes)
    found = []
    for values in inputs:
        interpreter.set_input(values[None], 0)
        interpreter.invoke()
        found.append(interpreter.get_output(0).reshape(-1).copy())
    return np.stack(found)


def _allowed_difference(graph: Graph) -> int:
    """Steps of a score: a logit may move by one for each fully connected layer, a softmax by half of that."""
    steps = max(1, sum(operator.name == "FULLY_CONNECTED" for operator in graph.model.operators))
    if graph.logits.index == graph.output.index:
        return steps
    return 1 + math.ceil(steps * scale_of(graph.logits) / 2 / scale_of(graph.output))


def _columns(graph: Graph) -> int:
    """What an optimised library's convolutions ask for beside: two columns of int16, as CMSIS-NN does."""
    columns = [
        graph.model.tensors[operator.inputs[1]].elements // graph.model.tensors[operator.inputs[1]].shape[0]
        for operator in graph.model.operators
        if operator.name == "CONV_2D"
    ]
    return 2 * 2 * max(columns, default=0)


def _planning(graph: Graph) -> int:
    """Bytes that the head must have while the plan is made, which is more than a tiny network's activations.

    A generous bound: its interpreter does not report them, and crashes where they are missing.
    """
    return 1024 + 64 * len(graph.model.tensors)


def _arena_lines(report: TflmReport) -> str:
    if report.arena_bytes is None:
        return "/* The arena's size is not known: TFLite-Micro was not there to measure it. */"
    return (
        f"/* {report.measured_bytes} bytes as measured by its interpreter with 64-bit pointers, of which a\n"
        f" * microcontroller needs less, and {report.margin_bytes} bytes for an optimised library's"
        " scratch. */\n"
        f"#define STUDENT_MODEL_ARENA_BYTES {report.arena_bytes}"
    )
