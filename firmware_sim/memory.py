"""What a model takes of RAM and flash on a device: arena, scratch, copies of weights, stack, code.

Sure to the byte is the planned part of TFLite-Micro's arena (`firmware_sim/arena.py`). The rest is estimated,
each by a rule that says where it is from, and lies in `Memory.parts`, so that a sum can be taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from firmware_sim.arena import (
    UNKNOWN_SCRATCH,
    Placed,
    activation_bytes,
    align,
    find_lifetimes,
    plan_activations,
)
from firmware_sim.macs import CONVOLUTIONS
from firmware_sim.model import Model, Operator
from firmware_sim.persistent import persistent_bytes
from firmware_sim.profile import DeviceProfile
from firmware_sim.report import Memory

# X-CUBE-AI keeps this besides its activations, by the difference of its reports with and without runtime
# (4.5 KB for 10 operators, 7.2 KB for 16), works in place down to what is alive at once, and holds a dense
# layer's input once more in 16 bits.
CUBE_RAM, CUBE_RAM_CALL = 1000, 350
DROPPING = frozenset(
    {"x-cube-ai 8.1", "x-cube-ai 9-10", "onnc+cmsis-nn q7", "plumerai 2023.05"}
)  # dead weights
XNNPACK = "litert-xnnpack"
XNNPACK_ALIGNMENT = 64  # of its tensors and packed weights: a cache line
# Outputs are packed by 8, an int8 kernel reads 8 inputs of each at a time; a bias and, per channel, a scale.
PACKED_OUTPUTS, PACKED_INPUTS, PACKED_EXTRA = 8, 8, 8
STACK_BYTES = 2048  # assumed: the kernels keep their buffers in the arena, calls are a dozen deep
SAMPLE_BYTES = 6  # three axes of 16 bits, as the sensor's registers hold them

# Code of X-CUBE-AI 10.2 on a NUCLEO-L4R5ZI: the reported flash of MLPerf Tiny's five images less their
# weights, 16.7 to 61.2 KB, shared out over operator sets by least squares (2 % at most). TFLite-Micro
# publishes no sizes: its interpreter (16 KiB on a Cortex-M3, says its documentation) takes the base's place.
BASE_CODE = {"x-cube-ai": 4965, "tflm": 16_384}
OPERATOR_CODE: Mapping[str, int] = {
    "CONV_2D": 10_482, "DEPTHWISE_CONV_2D": 2857, "FULLY_CONNECTED": 2651, "AVERAGE_POOL_2D": 8953,
    "SOFTMAX": 3482, "ADD": 9625,
}  # fmt: skip
OTHER_CODE = 3000  # of an operator that none of those images holds: assumed
CALL_CODE = 921  # tables and calls that X-CUBE-AI generates for each operator


def plan_for(model: Model, runtime: str) -> tuple[Placed, ...]:
    """The places of activations and scratch buffers as that runtime plans them."""
    if runtime == XNNPACK:
        return plan_activations(model, alignment=XNNPACK_ALIGNMENT, in_place=True, scratch=False)
    return plan_activations(model)


def plan_memory(model: Model, pointer_bytes: int, runtime: str, weights_in: str | None) -> Memory:
    """The report's part about memory, with pointers of 4 or 8 bytes.

    arena_bytes: what is planned, and on TFLite-Micro what lives for ever besides. ram_bytes: arena, scratch
    of optimised kernels, packed weights, stack, the sensor's ring buffer, and the file where weights lie in
    RAM. flash_bytes: the file, less dead weights that the runtime drops, and its code for the operators; the
    file alone where code is unknown.
    """
    planned = activation_bytes(plan_for(model, runtime))
    xnnpack = runtime == XNNPACK
    parts = {
        "persistent_bytes": 0 if xnnpack else persistent_bytes(model, pointer_bytes),
        "scratch_bytes": 0 if xnnpack else kernel_scratch(model, runtime),
        "packed_weights_bytes": packed_weights(model) if xnnpack else 0,
        "stack_bytes": STACK_BYTES,
        "ring_buffer_bytes": ring_buffer(model),
        "weights_in_ram_bytes": model.file_bytes if weights_in == "ram" else 0,
    }
    if _line(runtime) == "x-cube-ai":
        parts["persistent_bytes"] = CUBE_RAM + CUBE_RAM_CALL * len(model.operators)
        parts["planner_bytes"] = _alive_at_once(model) - planned
    code = code_bytes(model, runtime)
    dead = dead_weights(model) if runtime in DROPPING else 0
    arena = planned + parts["persistent_bytes"]
    return Memory(
        arena_bytes=arena,
        activation_bytes=planned,
        weights_bytes=model.weights_bytes,
        ram_bytes=planned + sum(parts.values()),
        flash_bytes=model.file_bytes + (code or 0) - dead,
        parts={**parts, "code_bytes": code, "dead_weights_bytes": -dead},
    )


def kernel_scratch(model: Model, runtime: str) -> int:
    """The largest scratch buffer of optimised int8 kernels (CMSIS-NN and its like), which share one.

    Two columns of a convolution as 16-bit numbers, one of a depthwise convolution (CMSIS-NN's
    `arm_convolve_s8_get_buffer_size` and `arm_depthwise_conv_s8_opt_get_buffer_size`); none in float.
    """
    if runtime == "microtvm native" or "fp32" in runtime:
        return 0
    dense = _line(runtime) == "x-cube-ai"
    return max((_columns(model, operator, dense) for operator in model.operators), default=0)


def _columns(model: Model, operator: Operator, dense: bool) -> int:
    if dense and operator.name == "FULLY_CONNECTED":
        return 2 * model.tensors[operator.inputs[1]].shape[-1]
    if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return 0
    weights = model.tensors[operator.inputs[1]]
    if weights.dtype != "int8":
        return 0
    taps = prod(weights.shape[1:])
    if operator.name == "DEPTHWISE_CONV_2D":
        return 2 * taps
    return 0 if prod(weights.shape[1:-1]) == 1 else 2 * 2 * taps  # a point needs no column


def _alive_at_once(model: Model) -> int:
    """The most bytes of activations that are needed at one moment: no planner can do with less."""
    buffers = find_lifetimes(model, scratch=False)
    moments = range(len(model.operators) + 1)
    return max(sum(b.bytes for b in buffers if b.first <= moment <= b.last) for moment in moments)


def dead_weights(model: Model) -> int:
    """Bytes of weights that belong to dead channels."""
    return round(
        sum(
            sum(tensor.bytes for tensor in model.inputs_of(operator) if tensor.constant)
            * (1 - (operator.macs_executed or 0) / operator.macs)
            for operator in model.operators
            if operator.macs
        )
    )


def _line(runtime: str) -> str:
    return runtime.split(" ")[0].split("+")[0]


def packed_weights(model: Model) -> int:
    """Bytes of the copies of constant weights that XNNPACK packs, estimated from its layout."""
    return sum(_packed(model, operator) for operator in model.operators)


def _packed(model: Model, operator: Operator) -> int:
    if operator.name not in CONVOLUTIONS | {"DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
        return 0
    weights = model.tensors[operator.inputs[1]]
    if not weights.constant or not weights.shape:
        return 0
    size = 4 if weights.dtype == "float32" else 1
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    outputs = weights.shape[-1] if depthwise else weights.shape[0]
    inputs = prod(weights.shape[:-1] if depthwise else weights.shape[1:])
    if size == 1 and not depthwise:
        inputs = align(inputs, PACKED_INPUTS)
    return align(align(outputs, PACKED_OUTPUTS) * (inputs * size + PACKED_EXTRA), XNNPACK_ALIGNMENT)


def ring_buffer(model: Model) -> int:
    """Bytes of the samples of one window of three axes (1, T, 3), kept as the sensor gives them; else 0."""
    shapes = [model.tensors[index].shape for index in model.inputs]
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][-1] == 3:
        return SAMPLE_BYTES * shapes[0][1]
    return 0


def code_bytes(model: Model, runtime: str) -> int | None:
    """Bytes of the runtime's code for the operators that the model has; None where no size is known."""
    line = _line(runtime)
    if line not in BASE_CODE:
        return None
    names = {operator.name for operator in model.operators} - {"RESHAPE"}
    generated = CALL_CODE * len(model.operators) if line == "x-cube-ai" else 0
    return BASE_CODE[line] + generated + sum(OPERATOR_CODE.get(name, OTHER_CODE) for name in names)


def memory_warnings(model: Model, runtime: str) -> list[str]:
    """What the memory figures do not know."""
    warnings = []
    if model.has_weights_behind and runtime.startswith("tflm"):
        warnings.append(
            "Weights lie behind the flatbuffer, where TFLite-Micro does not look: it cannot run this file."
        )
    if runtime == XNNPACK:
        warnings.append("XNNPACK's packed weights and its code are estimated from its layout, not measured.")
    elif not runtime.startswith("tflm"):
        warnings.append(f"The arena is TFLite-Micro's plan; {runtime} has its own.")
    if code_bytes(model, runtime) is None and runtime != XNNPACK:
        warnings.append(f"The code size of {runtime} is unknown: flash_bytes is the file alone.")
    for name in sorted({operator.name for operator in model.operators} & UNKNOWN_SCRATCH):
        warnings.append(f"The scratch buffers of {name} are unknown: the arena is larger than planned.")
    return warnings


def too_large(memory: Memory, profile: DeviceProfile) -> list[str]:
    """Warnings where the model does not fit the device."""
    limits: Sequence[tuple[str, int | None, int]] = (
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
