"""The part of TFLite-Micro's arena that lives for ever: its tail.

An estimate, and why: the tail holds the interpreter's own records, and their sizes are those of C++
structures in one build of the library. The sizes here are what the tflite-micro wheel (0.dev20261023, a
64-bit host) printed for graphs of one operator; put together they meet its totals for MLPerf Tiny's models.
On a 32-bit core pointers shrink to 4 bytes. An evaluation tensor and a node consist of pointers, so their
half is sure; for the other records the number of pointers is our reading, and no total was measured on a
board. Optimised kernels (CMSIS-NN) keep records of their own, which are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim.arena import align
from firmware_sim.model import Model, Operator


@dataclass(frozen=True)
class Record:
    """A C++ structure: its bytes with 64-bit pointers, and how many pointers it holds."""

    bytes: int
    pointers: int = 0

    def size(self, pointer_bytes: int) -> int:
        """Its bytes with pointers of `pointer_bytes` (4 or 8)."""
        return self.bytes - self.pointers * (8 - pointer_bytes)


INTERPRETER = Record(488, 40)  # allocators, planner, lists of subgraphs
EVAL_TENSOR = Record(24, 3)  # one a tensor, constants included; data, dims and the type's padding
NODE = Record(64, 8)  # one an operator, with its registration
IO_TENSOR = Record(64, 4)  # one an input or output of the graph
IO_QUANTISATION = Record(32, 2)

# What a kernel keeps (OpData) and the options it was parsed into (builtin data).
KERNEL: dict[str, Record] = {
    "CONV_2D": Record(80, 2), "DEPTHWISE_CONV_2D": Record(80, 2), "TRANSPOSE_CONV": Record(88, 2),
    "FULLY_CONNECTED": Record(72, 2), "SOFTMAX": Record(80, 5), "AVERAGE_POOL_2D": Record(32),
    "MAX_POOL_2D": Record(32), "ADD": Record(60), "SUB": Record(52), "MUL": Record(36), "DIV": Record(28),
    "MEAN": Record(44), "SUM": Record(44), "REDUCE_MAX": Record(44), "REDUCE_MIN": Record(44),
    "CONCATENATION": Record(80), "LOGISTIC": Record(16), "TANH": Record(16), "RELU": Record(28),
    "RELU6": Record(28), "ABS": Record(28), "HARD_SWISH": Record(20), "LEAKY_RELU": Record(24),
    "QUANTIZE": Record(32), "DEQUANTIZE": Record(32), "BATCH_MATMUL": Record(48, 3), "PAD": Record(48),
    "PADV2": Record(48), "RESHAPE": Record(0), "TRANSPOSE": Record(0), "SQRT": Record(0), "EXP": Record(0),
    "MAXIMUM": Record(0), "MINIMUM": Record(0), "EXPAND_DIMS": Record(0), "SQUEEZE": Record(0),
}  # fmt: skip
ANY_KERNEL = Record(48)
OPTIONS: dict[str, int] = {
    "CONV_2D": 28, "DEPTHWISE_CONV_2D": 28, "TRANSPOSE_CONV": 28, "FULLY_CONNECTED": 32, "SOFTMAX": 4,
    "AVERAGE_POOL_2D": 40, "MAX_POOL_2D": 40, "ADD": 8, "SUB": 8, "MUL": 4, "DIV": 4, "MEAN": 8, "SUM": 8,
    "REDUCE_MAX": 8, "REDUCE_MIN": 8, "CONCATENATION": 8, "RESHAPE": 36, "LEAKY_RELU": 4, "BATCH_MATMUL": 4,
}  # fmt: skip
PER_CHANNEL = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})  # also where the model is float
SOFTMAX_INT16_TABLES = 2 * align(513 * 2)


def persistent_bytes(model: Model, pointer_bytes: int = 4) -> int:
    """Estimated bytes of the tail. pointer_bytes: 4 for a 32-bit core, 8 for a 64-bit one."""
    ends = [model.tensors[index] for index in (*model.inputs, *model.outputs)]
    quantised = sum(tensor.quantisation is not None for tensor in ends)
    variables = sum(align(tensor.bytes) for tensor in model.tensors if tensor.variable)
    total = (
        INTERPRETER.size(pointer_bytes)
        + len(model.tensors) * EVAL_TENSOR.size(pointer_bytes)
        + len(model.operators) * NODE.size(pointer_bytes)
        + len(ends) * IO_TENSOR.size(pointer_bytes)
        + quantised * IO_QUANTISATION.size(pointer_bytes)
        + align(len(model.inputs) * pointer_bytes)
        + align(len(model.outputs) * pointer_bytes)
        + sum(_operator_bytes(model, operator, pointer_bytes) for operator in model.operators)
    )
    return total + variables


def _operator_bytes(model: Model, operator: Operator, pointer_bytes: int) -> int:
    kept = align(KERNEL.get(operator.name, ANY_KERNEL).size(pointer_bytes)) + OPTIONS.get(operator.name, 0)
    kept += 2 * align(4 * _channels(model, operator))  # a multiplier and a shift each
    if operator.name == "SOFTMAX" and model.inputs_of(operator)[0].dtype == "int16":
        kept += SOFTMAX_INT16_TABLES
    return kept


def _channels(model: Model, operator: Operator) -> int:
    """Output channels that are scaled one by one; 0 where all share a scale."""
    if operator.name not in PER_CHANNEL and operator.name != "FULLY_CONNECTED":
        return 0
    weights = model.tensors[operator.inputs[1]]
    if operator.name == "FULLY_CONNECTED":
        scales = weights.quantisation.scales if weights.quantisation else ()
        return len(scales) if len(scales) > 1 else 0
    return weights.shape[-1 if operator.name == "DEPTHWISE_CONV_2D" else 0]
