"""From counts to cycles, by hand and against the public figures that the rules name."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from firmware_sim.emulator.counts import CLASSES, InstructionCounts
from firmware_sim.emulator.cycles import CORE_MODELS, Cycles

# MobileNetV1-1.0-224 with random weights in the arm64 LiteRT 2.3: instructions, L1D and L2 misses.
MOBILENET = {
    ("cortex-a53", "int8"): (223_650_000, 800_000, 210_000),
    ("cortex-a53", "fp32"): (332_050_000, 6_500_000, 1_890_000),
    ("cortex-a72", "int8"): (174_600_000, 820_000, 150_000),
    ("cortex-a72", "fp32"): (210_400_000, 6_040_000, 970_000),
}
# Instructions of CMSIS-NN (2026) on an emulated Cortex-M4 (docs/emulation.md), by the name in latency.csv.
CMSIS_NN = {"ic_resnet8": 29_870_000, "kws_dscnn": 7_840_000, "vww_mobilenet_v1_0.25_96": 24_720_000}
CMSIS_NN_DENSE = {"ad_autoencoder": 580_000}


def _counts(total: int, l1d: int = 0, l2: int = 0) -> InstructionCounts:
    return InstructionCounts(total, dict.fromkeys(CLASSES, 0), l1d_misses=l1d, l2_misses=l2)


def test_instructions_and_misses_add_up_and_the_bounds_enclose_them() -> None:
    cycles = CORE_MODELS["cortex-a53"].cycles(_counts(1000, 10, 2))
    assert cycles.value == 1000 + 13 * 10 + 150 * 2
    assert cycles.low == pytest.approx(770 + (130 + 300) / 2)
    assert cycles.high == 2000 + 2 * (130 + 300)
    assert cycles + cycles == Cycles(2 * cycles.value, 2 * cycles.low, 2 * cycles.high)


def test_a_layer_that_streams_its_weights_waits_for_flash_on_a_microcontroller_only() -> None:
    assert CORE_MODELS["cortex-m4"].cycles(_counts(100), True).value == pytest.approx(178)
    assert CORE_MODELS["cortex-m4"].cycles(_counts(100)).value == pytest.approx(152)
    assert CORE_MODELS["cortex-a53"].cycles(_counts(100), True).value == 100


@pytest.mark.parametrize("core", CORE_MODELS)
def test_every_rule_has_a_source_and_an_interval(core: str) -> None:
    model = CORE_MODELS[core]
    assert model.low < model.per_instruction < model.high
    assert len(model.source) > 30 and f"{model.per_instruction:g} x instructions" in model.rule


@pytest.mark.parametrize(("core", "dtype"), MOBILENET)
def test_published_mobilenet_latencies_lie_within_the_interval(core: str, dtype: str, data_set) -> None:
    rows = csv.DictReader((data_set("mlperf_tiny").parent / "application_cores.csv").open())
    row = next(
        r for r in rows if (r["core"], r["dtype"], r["model"]) == (core, dtype, "mobilenet_v1_1.0_224")
    )
    measured = float(row["latency_ms"]) * 1000 * float(row["clock_mhz"]) * float(row["threads"])
    cycles = CORE_MODELS[core].cycles(_counts(*MOBILENET[core, dtype]))
    assert cycles.low < measured < cycles.high
    assert cycles.value == pytest.approx(
        measured, rel=0.12 if (core, dtype) != ("cortex-a72", "fp32") else 0.3
    )


@pytest.mark.parametrize(
    ("core", "engine"), [("Cortex-M4F", "microTVM + CMSIS-NN"), ("Cortex-M33", "microTVM + CMSIS-NN")]
)
def test_rules_of_microcontrollers_against_measured_boards(core: str, engine: str, data_set: object) -> None:
    """The rows of CMSIS-NN, whose kernels were counted: all within the interval, within 10 % of the rule."""
    rule = CORE_MODELS["cortex-m4f" if core == "Cortex-M4F" else "cortex-m33"]
    compared = 0
    for row in csv.DictReader((Path(data_set("mlperf_tiny")) / "latency.csv").open()):  # type: ignore[operator]
        known = {**CMSIS_NN, **CMSIS_NN_DENSE}
        if (row["core"], row["runtime_family"], row["dtype"]) != (core, engine, "int8") or row[
            "model"
        ] not in known:
            continue
        measured = float(row["latency_ms"]) * 1000 * float(row["clock_mhz"])
        cycles = rule.cycles(_counts(known[row["model"]]), row["model"] in CMSIS_NN_DENSE)
        assert cycles.low < measured < cycles.high, row
        assert cycles.value == pytest.approx(measured, rel=0.1), row
        compared += 1
    assert compared >= 8
