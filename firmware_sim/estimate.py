"""A cost report from a model file and a device profile alone: nothing is run."""

from __future__ import annotations

from firmware_sim.arena import UNKNOWN_SCRATCH, activation_bytes, plan_activations
from firmware_sim.model import Model, Operator
from firmware_sim.persistent import persistent_bytes
from firmware_sim.profile import DeviceProfile
from firmware_sim.rates import RATES, Rates, Speed, number_kind
from firmware_sim.report import (
    SCHEMA,
    CostReport,
    DeviceFigures,
    Energy,
    Latency,
    Memory,
    ModelFigures,
    OperatorCost,
)

TRANSPOSED = ("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE")  # their first input is the output's shape
STATED_LOW, STATED_HIGH = 0.5, 2.0  # how far a stated speed is trusted


def estimate(model: Model, profile: DeviceProfile) -> CostReport:
    """What `model` costs on `profile`, from stated speeds: bounds are half and double of the value.

    int8 and float32 operators have different speeds. Where an operator computes in numbers that no speed
    is stated for, or core and engine have none at all, latency and energy are null and a warning says so.
    """
    warnings = list(model.warnings)
    cycles, unknown = _cycles(model, RATES.get((profile.core, profile.runtime)), profile)
    warnings += unknown
    latency = None if cycles is None else _stated(sum(cycles) / (1000 * profile.clock_mhz))
    energy = _energy(latency, profile)
    if latency and energy is None:
        warnings.append(f"No power is known for {profile.name}: energy_uj is null.")
    memory = plan_memory(model, profile.pointer_bytes, profile.runtime, profile.weights_in)
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
        warnings=(*warnings, *memory_warnings(model, profile.runtime), *_too_large(memory, profile)),
    )


def model_figures(model: Model) -> ModelFigures:
    """The report's part about the file."""
    return ModelFigures(str(model.path), model.sha256, model.macs, len(model.operators), model.weights_bytes)


def plan_memory(model: Model, pointer_bytes: int, runtime: str, weights_in: str | None) -> Memory:
    """The report's part about memory: TFLite-Micro's arena, and what must be kept for the model.

    ram_bytes: the arena, and the file where weights lie in RAM; null for XNNPACK, which packs copies of
    them. flash_bytes: the file. Neither counts the runtime's own code and stack.
    """
    planned = activation_bytes(plan_activations(model))
    arena = planned + persistent_bytes(model, pointer_bytes)
    in_ram = model.file_bytes if weights_in == "ram" else 0
    return Memory(
        arena_bytes=arena,
        activation_bytes=planned,
        weights_bytes=model.weights_bytes,
        ram_bytes=None if runtime == "litert-xnnpack" else arena + in_ram,
        flash_bytes=model.file_bytes,
    )


def memory_warnings(model: Model, runtime: str) -> list[str]:
    """What the memory figures do not know."""
    warnings = []
    if model.has_weights_behind and runtime.startswith("tflm"):
        warnings.append(
            "Weights lie behind the flatbuffer, where TFLite-Micro does not look: it cannot run this file."
        )
    if runtime == "litert-xnnpack":
        warnings.append(
            "The arena is TFLite-Micro's plan; XNNPACK has its own and packs copies of the weights: "
            "ram_bytes is null."
        )
    elif not runtime.startswith("tflm"):
        warnings.append(f"The arena is TFLite-Micro's plan; {runtime} has its own.")
    for name in sorted({operator.name for operator in model.operators} & UNKNOWN_SCRATCH):
        warnings.append(f"The scratch buffers of {name} are unknown: the arena is larger than planned.")
    return warnings


def _stated(value_ms: float) -> Latency:
    return Latency(value_ms, STATED_LOW * value_ms, STATED_HIGH * value_ms, None, "stated")


def _energy(latency: Latency | None, profile: DeviceProfile) -> Energy | None:
    """mW times ms is uJ."""
    if latency is None or profile.active_mw is None:
        return None
    return Energy(*(profile.active_mw * ms for ms in (latency.value, latency.low, latency.high)))


def _cycles(
    model: Model, rates: Rates | None, profile: DeviceProfile
) -> tuple[list[float] | None, list[str]]:
    """Cycles of each operator, or None and why."""
    where = f"{profile.core} with {profile.engine}"
    if rates is None:
        return None, [f"No speed is known for {where}: latency_ms is null."]
    cycles, unknown = [], set()
    for operator in model.operators:
        speed = _speed(model, operator, rates)
        if speed is None:
            unknown.add(f"{operator.name} in {_both(*_numbers(model, operator))}")
            continue
        elements = sum(tensor.elements for tensor in model.outputs_of(operator))
        cycles.append(speed.cycles(operator.name, operator.macs, elements, model.bytes_moved(operator)))
    if unknown:
        what = ", ".join(sorted(unknown))
        return None, [f"No speed is known for {what} on {where}: latency_ms is null."]
    return cycles, []


def _numbers(model: Model, operator: Operator) -> tuple[str, str]:
    """The dtypes that an operator with MACs multiplies: of its activations and of its weights."""
    activation = operator.inputs[2 if operator.name in TRANSPOSED else 0]
    return model.tensors[activation].dtype, model.tensors[operator.inputs[1]].dtype


def _both(activation: str, weights: str) -> str:
    return activation if activation == weights else f"{activation} with {weights} weights"


def _speed(model: Model, operator: Operator, rates: Rates) -> Speed | None:
    """The speed an operator runs at. Without MACs only bytes and elements count: int8's speed has them."""
    if not operator.macs:
        return rates.speeds["int8"]
    kind = number_kind(*_numbers(model, operator))
    return rates.speeds.get(kind) if kind else None


def _per_operator(model: Model, cycles: list[float] | None) -> tuple[OperatorCost, ...]:
    total = sum(cycles) if cycles else 0.0
    return tuple(
        OperatorCost(
            index=operator.index,
            name=operator.name,
            macs=operator.macs,
            cycles=cycles[i] if cycles else None,
            share=cycles[i] / total if cycles and total else None,
        )
        for i, operator in enumerate(model.operators)
    )


def _too_large(memory: Memory, profile: DeviceProfile) -> list[str]:
    """Warnings where the model does not fit the device."""
    limits = (
        ("RAM", memory.ram_bytes or memory.arena_bytes, profile.ram_bytes),
        ("flash", memory.flash_bytes, profile.flash_bytes),
    )
    return [
        f"Too large for {profile.name}: it needs {_kib(needed)} of {where} and there is {_kib(limit)}."
        for where, needed, limit in limits
        if needed is not None and needed > limit
    ]


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
