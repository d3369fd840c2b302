"""From what was executed to cycles: one documented rule a core, with the interval in which to believe it.

Counts are exact; cycles are not. An emulator knows no pipeline, so every rule here is a number of cycles
an instruction and a cache miss, taken from public measurements that its `source` names.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim.emulator.counts import InstructionCounts


@dataclass(frozen=True)
class Cycles:
    """A number of clock cycles and the interval in which to believe it."""

    value: float
    low: float
    high: float

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.value + other.value, self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class CoreModel:
    """cycles = per_instruction x instructions + l1_miss x L1D misses + l2_miss x L2 misses.

    low, high: the range of per_instruction. A miss counts half in the lower bound (a prefetcher hides it)
    and double in the upper one (a watch's memory is slower than a board's). streaming: the same three
    numbers for layers that read every weight once, where a microcontroller waits for its flash.
    """

    per_instruction: float
    low: float
    high: float
    l1_miss: float
    l2_miss: float
    streaming: tuple[float, float, float] | None
    source: str

    def cycles(self, counts: InstructionCounts, streams_weights: bool = False) -> Cycles:
        """Cycles of what was counted. streams_weights: of a fully connected layer."""
        missed = self.l1_miss * counts.l1d_misses + self.l2_miss * counts.l2_misses
        value, low, high = (
            self.streaming
            if streams_weights and self.streaming
            else (self.per_instruction, self.low, self.high)
        )
        total = counts.total
        return Cycles(value * total + missed, low * total + missed / 2, high * total + 2 * missed)

    @property
    def rule(self) -> str:
        """The rule in words."""
        text = f"cycles = {self.per_instruction:g} x instructions ({self.low:g} to {self.high:g})"
        if self.l1_miss:
            text += f" + {self.l1_miss:g} x L1D misses + {self.l2_miss:g} x L2 misses (half to double)"
        if self.streaming:
            value, low, high = self.streaming
            text += f"; fully connected layers {value:g} ({low:g} to {high:g})"
        return text


PI = "XNNPACK's published MobileNetV1 figures (README, 2022, 4 threads) for a Raspberry Pi {board}: {hits}"
M4_SOURCE = (
    "MLPerf Tiny v1.0, microTVM + CMSIS-NN on a NUCLEO-L4R5ZI (120 MHz): measured cycles over instructions "
    "counted for CMSIS-NN 1.46 to 1.57 (ic, kws, vww) and 1.78 (ad); other code is believed within 20 %"
)
M4, M4_FLASH = (1.52, 1.25, 1.85), (1.78, 1.4, 2.2)


def _scaled(ratio: float, low: float, high: float, source: str) -> CoreModel:
    """The rule of the Cortex-M4 times the ratio of two cores' cycles for the same engine and models."""
    plain, flash = (
        [round(number * by, 2) for number, by in zip(rule, (ratio, low, high), strict=True)]
        for rule in (M4, M4_FLASH)
    )
    return CoreModel(plain[0], plain[1], plain[2], 0.0, 0.0, (flash[0], flash[1], flash[2]), source)


_M4 = CoreModel(*M4, 0.0, 0.0, M4_FLASH, M4_SOURCE)
CORE_MODELS: dict[str, CoreModel] = {
    "cortex-a53": CoreModel(
        1.0, 0.77, 2.0, 13.0, 150.0, None,
        PI.format(board="3+ (32-bit code)", hits="emulated int8 +3 %, float32 +10 %"),
    ),
    "cortex-a55": CoreModel(
        1.0, 0.77, 2.0, 13.0, 150.0, None,
        "the Cortex-A53's rule, as no public figure of an A55 was at hand; both issue up to two instructions "
        "a cycle, in order",
    ),
    "cortex-a72": CoreModel(
        0.7, 0.45, 1.4, 9.0, 130.0, None, PI.format(board="4", hits="emulated int8 +3 %, float32 -29 %")
    ),
    "cortex-m3": CoreModel(
        1.52, 1.1, 2.3, 0.0, 0.0, (1.78, 1.2, 2.7),
        "the Cortex-M4's rule, widened, as no public figure of an M3 was at hand",
    ),
    "cortex-m4": _M4,
    "cortex-m4f": _M4,
    "cortex-m7": _scaled(
        0.56, 0.51, 0.62,
        "the Cortex-M4's rule times 0.56: cycles of a NUCLEO-H7A3ZI over those of a NUCLEO-L4R5ZI, same "
        "engine and model, are 0.51 to 0.62 (MLPerf Tiny: X-CUBE-AI 7.3 to 10, HALE int8)",
    ),
    "cortex-m33": _scaled(
        0.85, 0.77, 0.9,
        "the Cortex-M4's rule times 0.85: cycles of an nRF5340 or NUCLEO-U385RG over those of a "
        "NUCLEO-L4R5ZI, same engine and model, are 0.77 to 0.9 (MLPerf Tiny: microTVM + CMSIS-NN, "
        "X-CUBE-AI 10)",
    ),
}  # fmt: skip
