"""The cost report of an emulated run: exact counts, cycles by the core's rule, the estimate beside them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.emulator.cortex_m import BOARDS, CortexMRun, run_cortex_m
from firmware_sim.emulator.counts import InstructionCounts
from firmware_sim.emulator.cycles import CORE_MODELS, CoreModel, Cycles
from firmware_sim.emulator.litert import run_litert
from firmware_sim.emulator.places import Places
from firmware_sim.emulator.prefix import prefixes
from firmware_sim.emulator.processor import IDENTITIES, Processor
from firmware_sim.emulator.reasons import OperatorDifference, differences
from firmware_sim.errors import SimError
from firmware_sim.measure import noise_for
from firmware_sim.model import Model
from firmware_sim.profile import DeviceProfile
from firmware_sim.report import Also, CostReport, Counts, Energy, Latency, OperatorCost
from firmware_sim.runtimes.litert import LiteRtSession
from firmware_sim.runtimes.session import Port

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


@dataclass(frozen=True)
class Parity:
    """The emulated outputs beside those of the same kernels on this machine, for one random input.

    values: how many were compared; differing: how many are not equal; largest: the largest difference, in
    steps of the output's scale where it is quantised, else absolute.
    """

    kernels: str
    values: int
    differing: int
    largest: float


@dataclass(frozen=True)
class EmulatedReport(CostReport):
    """A cost report with what only an emulator knows.

    core_model: the rule from counts to cycles and where it is from; classes: instructions by class;
    parity: None for C code, whose golden vectors are its own check (`golden_failed`: how many failed);
    differences: estimated and emulated cycles of each operator, with the reason where it is known.
    """

    core_model: Mapping[str, str] | None = None
    classes: Mapping[str, int] | None = None
    parity: Parity | None = None
    golden_failed: int | None = None
    differences: tuple[OperatorDifference, ...] = ()


def emulate(
    model: Model,
    profile: DeviceProfile,
    estimated: CostReport,
    places: Places | None = None,
    progress: Progress = lambda items, _, __: items,
) -> EmulatedReport:
    """Run `model` in the arm64 LiteRT on the emulated processor of `profile`, whole and operator by operator.

    estimated: the estimate of the same model on the same profile, which stands beside. progress: a maker
    of bars. Raises SimError for a core that is not emulated and where the emulator is not installed.
    """
    processor = processor_of(profile)
    session = LiteRtSession(model.path)
    rng = np.random.default_rng(0)
    inputs = [noise_for(port, rng) for port in session.inputs]
    run = run_litert(model.path, inputs, processor, places)
    by_operator = _by_operator(model, inputs, run.counts, processor, places, progress)
    core_model = CORE_MODELS[profile.core]
    cycles = core_model.cycles(run.counts)
    return _report(
        estimated, profile, core_model, run.counts, cycles, by_operator,
        parity=compare_outputs(session.outputs, session.infer(inputs), run.outputs),
        warnings=[*estimated.warnings, *_abi_warning(profile), *_cut_warning(model, by_operator)],
    )  # fmt: skip


def emulate_c(
    model: Model,
    profile: DeviceProfile,
    estimated: CostReport,
    sources: Path,
    places: Places | None = None,
) -> EmulatedReport:
    """Run the C code of `model` (a folder that `edgehar export --c` wrote) on the emulated core of `profile`.

    Raises SimError for a core that is not emulated, and where the emulator is not installed.
    """
    if profile.core not in BOARDS:
        raise SimError(f"{profile.core} is not emulated; these are: {', '.join([*IDENTITIES, *BOARDS])}.")
    run = run_cortex_m(sources, profile.core, places)
    core_model = CORE_MODELS[profile.core]
    by_operator = _by_layer(model, run)
    parts = [core_model.cycles(counts, _streams(model, index)) for index, counts in by_operator.items()]
    cycles = sum(parts[1:], parts[0]) if parts else core_model.cycles(run.counts)
    warnings = [*estimated.warnings, f"The emulated code is edgehar's C, not {profile.engine}."]
    if run.exit_code:
        warnings.append(f"{run.exit_code} golden vectors fail on the emulated {profile.core}: {run.output}")
    return _report(
        estimated, profile, core_model, run.counts, cycles, by_operator,
        golden_failed=run.exit_code, warnings=warnings,
    )  # fmt: skip


def processor_of(profile: DeviceProfile) -> Processor:
    """The profile's processor; unknown caches are what most such cores have. Raises SimError."""
    if profile.core not in IDENTITIES or profile.core not in CORE_MODELS:
        known = [core for core in IDENTITIES if core in CORE_MODELS]
        raise SimError(f"{profile.core} is not emulated; these are: {', '.join([*known, *BOARDS])}.")
    return Processor(profile.core, profile.clock_mhz, **(profile.caches or {}))


def compare_outputs(ports: Sequence[Port], expected: Sequence[np.ndarray], given: bytes) -> Parity:
    """Outputs of a session beside the bytes of an emulated run. Raises SimError if their sizes differ."""
    if len(given) != sum(values.nbytes for values in expected):
        raise SimError(f"The emulated run gave {len(given)} bytes of output and this machine another number.")
    total = differing = start = 0
    largest = 0.0
    for port, values in zip(ports, expected, strict=True):
        other = np.frombuffer(given[start : start + values.nbytes], port.dtype)
        start += values.nbytes
        gap = np.abs(values.reshape(-1).astype(np.float64) - other)
        total, differing = total + gap.size, differing + int(np.count_nonzero(gap))
        largest = max(largest, float(gap.max(initial=0.0)))
    return Parity("litert-xnnpack", total, differing, largest)


def _report(
    estimated: CostReport,
    profile: DeviceProfile,
    core_model: CoreModel,
    counts: InstructionCounts,
    cycles: Cycles,
    by_operator: Mapping[int, InstructionCounts],
    **more: Any,
) -> EmulatedReport:
    values: dict[str, Any] = {field.name: getattr(estimated, field.name) for field in fields(CostReport)}
    latency = _latency(cycles, profile)
    also = [Also(estimated.method, estimated.latency_ms)] if estimated.latency_ms else []
    costs = _operators(estimated, core_model, by_operator)
    caches = profile.core in IDENTITIES
    values |= {
        "method": "emulated",
        "latency_ms": latency,
        "also": (*estimated.also, *also),
        "counts": Counts(
            counts.total, counts.l1d_misses if caches else None, counts.l2_misses if caches else None
        ),
        "energy_uj": _energy(latency, profile),
        "per_operator": costs,
        "core_model": {"rule": core_model.rule, "source": core_model.source},
        "classes": {name: count for name, count in counts.by_class.items() if count},
        "differences": differences(estimated.per_operator, costs, by_operator, core_model),
    }
    return EmulatedReport(**{**values, **more, "warnings": tuple(more["warnings"])})


def _latency(cycles: Cycles, profile: DeviceProfile) -> Latency:
    value, low, high = (c / (1000 * profile.clock_mhz) for c in (cycles.value, cycles.low, cycles.high))
    return Latency(value, low, high, None, "stated")


def _energy(latency: Latency, profile: DeviceProfile) -> Energy | None:
    if profile.active_mw is None:
        return None
    return Energy(*(profile.active_mw * ms for ms in (latency.value, latency.low, latency.high)))


def _operators(
    estimated: CostReport, core_model: CoreModel, by_operator: Mapping[int, InstructionCounts]
) -> tuple[OperatorCost, ...]:
    cycles = {
        cost.index: core_model.cycles(by_operator[cost.index], cost.name == "FULLY_CONNECTED").value
        for cost in estimated.per_operator
        if cost.index in by_operator
    }
    total = sum(cycles.values())
    return tuple(
        OperatorCost(c.index, c.name, c.macs, cycles.get(c.index), _share(cycles.get(c.index), total))
        for c in estimated.per_operator
    )


def _share(cycles: float | None, total: float) -> float | None:
    return cycles / total if cycles is not None and total else None


def _by_operator(
    model: Model,
    inputs: Sequence[np.ndarray],
    whole: InstructionCounts,
    processor: Processor,
    places: Places | None,
    progress: Progress,
) -> dict[int, InstructionCounts]:
    """What each operator added to the counts; empty for a file that cannot be cut. Their sum is the whole."""
    found: dict[int, InstructionCounts] = {}
    before: InstructionCounts | None = None
    cuts = list(prefixes(model.path.read_bytes()))
    with tempfile.TemporaryDirectory(prefix="edgehar-prefix-") as folder:
        for index, data in progress(cuts, f"emulating {model.path.name}", len(cuts)):
            path = Path(folder) / "prefix.tflite"
            path.write_bytes(data)
            try:
                counts = run_litert(path, inputs, processor, places).counts
            except SimError:
                return {}
            found[index] = counts if before is None else counts - before
            before = counts
    if before is None:
        return {0: whole} if len(model.operators) == 1 else {}
    return {**found, len(model.operators) - 1: whole - before}


def _by_layer(model: Model, run: CortexMRun) -> dict[int, InstructionCounts]:
    """The layers of a C student by operator: it marks every operator that computes, in the file's order."""
    layers = run.inferences[0].layers
    working = [operator.index for operator in model.operators if operator.name != "RESHAPE"]
    return dict(zip(working, layers, strict=True)) if len(working) == len(layers) else {}


def _streams(model: Model, index: int) -> bool:
    return model.operators[index].name == "FULLY_CONNECTED"


def _abi_warning(profile: DeviceProfile) -> list[str]:
    if profile.abi != "armv7":
        return []
    return [f"{profile.name} runs 32-bit code, which is not emulated: these are counts of its 64-bit code."]


def _cut_warning(model: Model, by_operator: Mapping[int, InstructionCounts]) -> list[str]:
    if by_operator:
        return []
    return [f"{model.path.name} cannot be cut after each operator: cycles of an operator are null."]
