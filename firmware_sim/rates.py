"""Stated speeds: cycles per unit of work, by core and engine, each with its source.

They are read off public measurements and our own instruction counts, not fitted: an estimate made with
them is good to half or double. int8 and float32 have different speeds, and where no source is known for a
kind of number there is none here, so that its latency is null instead of invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware_sim.macs import CONVOLUTIONS


@dataclass(frozen=True)
class Speed:
    """Cycles of one kind of number on one core with one engine.

    convolution, depthwise, dense: cycles per MAC of convolutions, depthwise convolutions and matrix
    products. element: per output element of any operator. byte: per byte read or written by an operator
    without MACs. operator: per operator, whatever it does. An operator whose MACs are unknown is charged
    for every byte it moves the larger of byte and element.
    """

    convolution: float
    depthwise: float
    dense: float
    element: float
    byte: float
    operator: float

    def cycles(self, name: str, macs: int | None, elements: int, bytes_moved: int) -> float:
        """Cycles of one operator. elements: of its outputs; macs: None where unknown."""
        if macs is None:
            work = max(self.byte, self.element) * bytes_moved
        else:
            work = self._per_mac(name) * macs if macs else self.byte * bytes_moved
        return work + self.element * elements + self.operator

    def _per_mac(self, name: str) -> float:
        if name == "DEPTHWISE_CONV_2D":
            return self.depthwise
        return self.convolution if name in CONVOLUTIONS else self.dense


@dataclass(frozen=True)
class Rates:
    """The speeds of a core with an engine, by kind of number (`int8`, `float32`)."""

    speeds: Mapping[str, Speed]
    source: str


def _microcontroller(scale: float, source: str) -> Rates:
    """MLPerf Tiny's rule of thumb: cycles = scale x (MACs + 22.8 x output elements + 13,333 x operators).

    Its one number a core and engine is the median over that pair's rows; no row is off by more than double.
    """
    per_element = 22.8 * scale
    return Rates({"int8": Speed(scale, scale, scale, per_element, 0.0, 13_333 * scale)}, source)


MLPERF = "MLPerf Tiny {rounds}, {board}: median of measured cycles over the rule's sum, {low} to {high}"

RATES: dict[tuple[str, str], Rates] = {
    ("cortex-a53", "litert-xnnpack"): Rates(
        {
            # MACs a cycle: 2.5 in convolutions, 0.75 depthwise, 1.4 dense. float32: 1, 0.5 and 0.5.
            "int8": Speed(1 / 2.5, 1 / 0.75, 1 / 1.4, 0.0, 1.0, 1000.0),
            "float32": Speed(1.0, 2.0, 2.0, 0.0, 1.0, 1000.0),
        },
        "int8: instructions of LiteRT 2.3 (XNNPACK, arm64) counted under emulation on MLPerf Tiny's five "
        "models, one an instruction plus 13 a miss of L1 and 150 of L2; MobileNetV1 so estimated is within "
        "10 % of XNNPACK's published figure for a Raspberry Pi 3+ (32-bit code). float32: that figure alone "
        "(114 ms, 4 cores at 1.4 GHz, 569 M MACs), depthwise and dense halved for memory. "
        "A byte and an operator: assumed.",
    ),
    ("cortex-m4f", "x-cube-ai 9-10"): _microcontroller(
        1.30, MLPERF.format(rounds="v1.2 and v1.3", board="NUCLEO-L4R5ZI", low=1.03, high=1.64)
    ),
    ("cortex-m7", "x-cube-ai 9-10"): _microcontroller(
        0.77, MLPERF.format(rounds="v1.2 and v1.3", board="NUCLEO-H7A3ZI-Q", low=0.64, high=0.91)
    ),
    ("cortex-m33", "x-cube-ai 9-10"): _microcontroller(
        1.14, MLPERF.format(rounds="v1.3", board="NUCLEO-U385RG-Q", low=0.92, high=1.42)
    ),
    ("cortex-m33", "tflm+cmsis-nn"): _microcontroller(
        2.36, MLPERF.format(rounds="v0.7", board="EK-RA6M4", low=2.12, high=3.21)
    ),
    ("cortex-m4f", "microtvm + cmsis-nn"): _microcontroller(
        2.71, MLPERF.format(rounds="v1.0 and v1.1", board="NUCLEO-L4R5ZI", low=2.37, high=3.05)
    ),
}


def number_kind(activation: str, weights: str | None) -> str | None:
    """The kind of number an operator computes in: `int8`, `float32`, or None where no speed is stated.

    activation, weights: dtypes; weights None where the operator has none. Float activations with int8
    weights (dynamic range) run integer MACs in XNNPACK and count as int8.
    """
    if weights in ("int8", "int4") and activation in ("int8", "float32"):
        return "int8"
    if weights not in (None, activation):
        return None
    return {"int8": "int8", "uint8": "int8", "float32": "float32"}.get(activation)
