"""A cost report from a model file and a device profile alone: nothing is run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from firmware_sim.costs import Calibration, Interval, UnitCosts, default_calibration
from firmware_sim.memory import memory_warnings, plan_memory, too_large
from firmware_sim.model import Model
from firmware_sim.profile import DeviceProfile
from firmware_sim.report import (
    SCHEMA,
    CostReport,
    DeviceFigures,
    Energy,
    Latency,
    ModelFigures,
    OperatorCost,
)
from firmware_sim.work import KINDS, Work, work_of

# How much further out the bounds go where something is unknown. Chosen, not fitted: no row tells.
SHARE_UNKNOWN = 4.0  # all of the cycles in operators that no row ran: a factor of 4
ARMV7 = 1.35  # 32-bit code: half the SIMD registers, and none of it was emulated
NOT_STATED = 1.1  # for each of the optional figures of a profile that a core of its kind feels
GUESSED = 1.3  # where the profile's source calls a figure a guess
FELT = {"microcontroller": ("weights_in", "flash_wait_states"), "application": ("caches", "memory_mb_s")}
# Cycles that a byte of weights costs more for each wait state of the flash: MLPerf Tiny v1.2, HALE on two
# boards with weights in flash and in RAM (0.46 cycles a byte at 5 wait states, 0.29 at 6).
CYCLES_PER_WAIT = 0.07
USUAL_WAITS = {"cortex-m0+": 2, "cortex-m4f": 5, "cortex-m7": 6, "cortex-m33": 3, "cortex-m85": 3}
LEAST_WEIGHT = 0.05  # cycles that a byte of weights costs at least, however fast its memory
NEW_IN = {
    "pair": "This pair of core and engine was not measured: its costs are those of both with others.",
    "core": "No row was measured on this core: its costs are guessed from the engine on others.",
    "engine": "No row was measured with this engine: its costs are those of others on this core.",
    "both": "Neither core nor engine was measured: the latency is a guess.",
}


def estimate(model: Model, profile: DeviceProfile, calibration: Calibration | None = None) -> CostReport:
    """What `model` costs on `profile`, by a calibration (ours, if none is given).

    Bounds hold 80 % of the errors seen in calibrating, further out where something is unknown. Where an
    operator computes in numbers that were never measured, latency and energy are null and a warning says so.
    """
    calibration = calibration or default_calibration()
    works = work_of(model)
    cycles, interval, unknown = _cycles(works, profile, calibration)
    latency = None
    if cycles is not None and interval is not None:
        latency = _latency(math.fsum(cycles), interval, profile, calibration)
    energy, unpowered = _energy(latency, profile, calibration)
    memory = plan_memory(model, profile.pointer_bytes, profile.runtime, profile.weights_in)
    untold = memory_warnings(model, profile.runtime)
    return CostReport(
        schema=SCHEMA,
        model=model_figures(model),
        device=DeviceFigures(profile.name, profile.core, profile.clock_mhz, profile.engine),
        method="estimated",
        latency_ms=latency,
        also=(),
        counts=None,
        memory=memory,
        energy_uj=energy,
        per_operator=_per_operator(model, cycles),
        warnings=(*model.warnings, *unknown, *unpowered, *untold, *too_large(memory, profile)),
    )


def model_figures(model: Model) -> ModelFigures:
    """The report's part about the file."""
    return ModelFigures(str(model.path), model.sha256, model.macs, len(model.operators), model.weights_bytes)


def _cycles(
    works: Sequence[Work], profile: DeviceProfile, calibration: Calibration
) -> tuple[list[float] | None, Interval | None, list[str]]:
    """Cycles of each operator, the interval of their sum, and what is not known; None where nothing is."""
    usual = _usual_numbers(works)
    numbers = [work.numbers or usual for work in works]
    costs = {name: calibration.costs(profile.core, profile.runtime, name) for name in {*numbers, usual}}
    where = f"{profile.core} with {profile.engine}"
    silent = sorted({f"{w.name} in {w.numbers}" for w in works if w.numbers and costs[w.numbers] is None})
    if silent:
        return None, None, [f"No speed is known for {', '.join(silent)} on {where}: latency_ms is null."]
    units = {name: _at_its_memory(unit, profile) for name, unit in costs.items() if unit}
    cycles = [_delivered(units[n].of(w), w, profile) for w, n in zip(works, numbers, strict=True)]
    interval, warnings = _interval(works, cycles, profile, calibration, units.values())
    return cycles, interval, warnings


def _usual_numbers(works: Iterable[Work]) -> str:
    """The numbers of most MACs: operators without MACs are charged as if they worked in them."""
    macs: dict[str, int] = {}
    for work in works:
        if work.numbers:
            macs[work.numbers] = macs.get(work.numbers, 0) + work.macs
    return max(macs, key=lambda name: macs[name]) if macs else "int8"


def _at_its_memory(costs: UnitCosts, profile: DeviceProfile) -> UnitCosts:
    """The costs with a byte of weights as this device's flash or RAM delivers it, if the profile says how."""
    usual = USUAL_WAITS.get(profile.core)
    waits = 0 if profile.weights_in == "ram" else profile.flash_wait_states
    if usual is None or waits is None or waits == usual:
        return costs
    place = KINDS.index("weight")
    weight = max(costs.cycles[place] + CYCLES_PER_WAIT * (waits - usual), LEAST_WEIGHT)
    return replace(costs, cycles=(*costs.cycles[:place], weight, *costs.cycles[place + 1 :]))


def _delivered(cycles: float, work: Work, profile: DeviceProfile) -> float:
    """At least as long as the memory takes for the operator's bytes, if its rate is known. MB/s: bytes/us."""
    if profile.memory_mb_s is None or work.kind == "free":
        return cycles
    return max(cycles, work.bytes_moved * profile.clock_mhz / profile.memory_mb_s)


def _interval(
    works: Sequence[Work],
    cycles: Sequence[float],
    profile: DeviceProfile,
    calibration: Calibration,
    units: Iterable[UnitCosts],
) -> tuple[Interval, list[str]]:
    family = calibration.family(profile.core)
    widest = max(units, key=lambda unit: unit.interval.high / unit.interval.low)
    interval, warnings = widest.interval, []
    if widest.novelty in NEW_IN:
        warnings.append(NEW_IN[widest.novelty])
    strange = [w.kind == "unknown" or (w.kind != "free" and w.name not in family.operators) for w in works]
    if any(strange) and (whole := math.fsum(cycles)):
        share = math.fsum(c for c, s in zip(cycles, strange, strict=True) if s) / whole
        interval = interval.wider(SHARE_UNKNOWN**share)
        names = sorted({w.name for w, s in zip(works, strange, strict=True) if s and w.kind != "unknown"})
        if names and share > 0.01:
            warnings.append(
                f"No measured model has {', '.join(names)}: {share:.0%} of the latency is a guess."
            )
    if profile.abi == "armv7":
        interval = interval.wider(ARMV7)
        warnings.append("32-bit code (armv7) was never emulated: the bounds are wider.")
    if profile.has_guesses:
        interval = interval.wider(GUESSED)
    felt = FELT["application" if profile.core.startswith("cortex-a") else "microcontroller"]
    for key in felt:
        if getattr(profile, key) is None:
            interval = interval.wider(NOT_STATED)
    return interval, warnings


def _latency(cycles: float, interval: Interval, profile: DeviceProfile, calibration: Calibration) -> Latency:
    value = cycles / (1000 * profile.clock_mhz)
    bounds = calibration.family(profile.core).bounds
    return Latency(value, value * interval.low, value * interval.high, None, bounds)


def _energy(
    latency: Latency | None, profile: DeviceProfile, calibration: Calibration
) -> tuple[Energy | None, list[str]]:
    """Power by the profile, else by its core's rows; mW times ms is uJ."""
    if latency is None:
        return None, []
    power = calibration.power.get(profile.core)
    if profile.active_mw is None and power is None:
        return None, [f"No power is known for {profile.name}: energy_uj is null."]
    mw = profile.active_mw or (power.mw_per_mhz * profile.clock_mhz if power else 0.0)
    spread = power.interval if power and profile.active_mw is None else Interval(1 / 1.15, 1.15)
    low = -math.hypot(math.log(latency.low / latency.value), math.log(spread.low))
    high = math.hypot(math.log(latency.high / latency.value), math.log(spread.high))
    value = mw * latency.value
    guess = f"No power is known for {profile.name}: energy_uj is that of other boards with a {profile.core}."
    return Energy(value, value * math.exp(low), value * math.exp(high)), [] if profile.active_mw else [guess]


def _per_operator(model: Model, cycles: Sequence[float] | None) -> tuple[OperatorCost, ...]:
    whole = math.fsum(cycles) if cycles else 0.0
    return tuple(
        OperatorCost(
            index=operator.index,
            name=operator.name,
            macs=operator.macs,
            cycles=cycles[i] if cycles else None,
            share=cycles[i] / whole if cycles and whole else None,
        )
        for i, operator in enumerate(model.operators)
    )
