"""What an operator gives a processor to do, in amounts that have a physical meaning: the features of cost.

An operator is filed by the kernel that runs it (`Work.kind`), and charged for its MACs, its outputs, its
weights and for being called at all. Costs are fitted to amounts (`firmware_sim/fit.py`), so that the same few
numbers serve every model.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from firmware_sim.macs import CONVOLUTIONS
from firmware_sim.model import Model, Operator

# Amounts, in the order of every vector of costs. MACs by kernel: convolutions larger than one point, those
# whose input channels are no multiple of 4 (SIMD kernels read four at a time), points, depthwise, dense.
# Then elements that a kernel with MACs gives out (requantised), elements that any other operator touches,
# calls, and bytes of weights (read from flash at least once).
KINDS = (
    "convolution", "unaligned", "pointwise", "depthwise", "dense", "output", "element", "operator", "weight",
)  # fmt: skip
MAC_KINDS = KINDS[:5]
FREE = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})  # bytes stay where they are
SIMD_CHANNELS = 4
TRANSPOSED = ("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE")  # their first input is the output's shape


@dataclass(frozen=True)
class Work:
    """One operator. macs_executed, live_outputs: without dead channels, as in `model.Operator`.

    kind: one of MAC_KINDS, `element` (no MACs), `free`, or `unknown` (charged by bytes). elements: of its
    outputs, or of its input where that is larger (pools). numbers: `int8`, `float32`, ..., of its MACs.
    """

    name: str
    kind: str
    macs: int
    macs_executed: int
    elements: int
    live_outputs: float
    weights_bytes: int
    bytes_moved: int
    numbers: str | None

    def amounts(self, dropped: float = 0.0) -> tuple[float, ...]:
        """Its amounts in the order of KINDS. dropped: the share of dead channels that the runtime drops."""
        amounts = dict.fromkeys(KINDS, 0.0)
        if self.kind == "free":
            return tuple(amounts.values())
        amounts["operator"] = 1.0
        if self.kind == "unknown":
            amounts["element"] = float(self.bytes_moved)
            return tuple(amounts.values())
        outputs = self.elements * (1 - dropped * (1 - self.live_outputs))
        if self.kind == "element":
            amounts["element"] = outputs
            return tuple(amounts.values())
        amounts[self.kind] = self.macs - dropped * (self.macs - self.macs_executed)
        amounts["output"] = outputs
        amounts["weight"] = self.weights_bytes * amounts[self.kind] / self.macs
        return tuple(amounts.values())


def work_of(model: Model) -> tuple[Work, ...]:
    """The work of each operator, in order."""
    return tuple(_work(model, operator) for operator in model.operators)


def _work(model: Model, operator: Operator) -> Work:
    inputs, outputs = model.inputs_of(operator), model.outputs_of(operator)
    made = sum(tensor.elements for tensor in outputs)
    read = max((tensor.elements for tensor in inputs if not tensor.constant), default=0)
    return Work(
        name=operator.name,
        kind=_kind(model, operator),
        macs=operator.macs or 0,
        macs_executed=operator.macs_executed or 0,
        elements=made if operator.macs else max(made, read),
        live_outputs=operator.live_outputs,
        weights_bytes=sum(tensor.bytes for tensor in inputs if tensor.constant),
        bytes_moved=model.bytes_moved(operator),
        numbers=_numbers(model, operator) if operator.macs else None,
    )


def _kind(model: Model, operator: Operator) -> str:
    if operator.macs is None:
        return "unknown"
    if not operator.macs:
        return "free" if operator.name in FREE else "element"
    if operator.name == "DEPTHWISE_CONV_2D":
        return "depthwise"
    if operator.name not in CONVOLUTIONS:
        return "dense"
    kernel = model.tensors[operator.inputs[1]].shape
    if kernel[-1] % SIMD_CHANNELS:
        return "unaligned"
    return "pointwise" if kernel[1:-1] == (1,) * (len(kernel) - 2) else "convolution"


def _numbers(model: Model, operator: Operator) -> str:
    """What an operator with MACs computes in: `int8`, `float32`, ... or `int16 with int8 weights`.

    Float activations with int8 weights (dynamic range) run integer MACs in XNNPACK and count as int8.
    """
    activation = model.tensors[operator.inputs[2 if operator.name in TRANSPOSED else 0]].dtype
    weights = model.tensors[operator.inputs[1]].dtype
    if weights in ("int8", "int4") and activation in ("int8", "float32"):
        return "int8"
    if activation != weights:
        return f"{activation} with {weights} weights"
    return "int8" if activation == "uint8" else activation


def numbers_of(works: Iterable[Work]) -> str | None:
    """The numbers that all of a model's MACs are computed in; None if they differ or there are none."""
    kinds = {work.numbers for work in works if work.numbers}
    return kinds.pop() if len(kinds) == 1 else None


def total(works: Iterable[Work], dropped: float = 0.0) -> tuple[float, ...]:
    """Amounts of a whole model, in the order of KINDS."""
    sums = [0.0] * len(KINDS)
    for work in works:
        sums = [a + b for a, b in zip(sums, work.amounts(dropped), strict=True)]
    return tuple(sums)


def write_works(path: Path, models: dict[str, tuple[Work, ...]]) -> None:
    """Write the work of named models as a table, one row an operator, so that no model file is needed."""
    names = [field.name for field in fields(Work)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["model", *names])
        for model, works in models.items():
            for work in works:
                table.writerow([model, *("" if v is None else v for v in vars(work).values())])


def read_works(path: Path) -> dict[str, tuple[Work, ...]]:
    """What `write_works` wrote."""
    models: dict[str, list[Work]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            models.setdefault(row["model"], []).append(_from_row(row))
    return {name: tuple(works) for name, works in models.items()}


def _from_row(row: dict[str, str]) -> Work:
    return Work(
        name=row["name"],
        kind=row["kind"],
        macs=int(row["macs"]),
        macs_executed=int(row["macs_executed"]),
        elements=int(row["elements"]),
        live_outputs=float(row["live_outputs"]),
        weights_bytes=int(row["weights_bytes"]),
        bytes_moved=int(row["bytes_moved"]),
        numbers=row["numbers"] or None,
    )
