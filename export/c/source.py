"""The text of student.c and student.h."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from textwrap import wrap

import numpy as np

from export.c.graph import Graph, scale_of, zero_point_of
from export.c.layer import Layer
from export.c.plan import Plan
from export.contract import InputContract
from firmware_sim.model import Tensor

# In the order in which they stand in student.c.
KERNELS = (
    "common", "rescale", "requantise", "requantise_any", "words", "column", "conv_2d", "depthwise_conv_2d",
    "fully_connected", "add", "mul", "pool_2d", "average_pool_2d", "max_pool_2d", "mean", "pad", "softmax",
    "quantize",
)  # fmt: skip
C_TYPES = {"int8": "int8_t", "int32": "int32_t", "uint32": "uint32_t"}
WIDTH = 110


@dataclass(frozen=True)
class Student:
    """All that the text is made from. contract: None for a file that edgehar did not write."""

    graph: Graph
    layers: Sequence[Layer]
    plan: Plan
    contract: InputContract | None


def kernel_text(name: str) -> str:
    """One of the C files of `export/c/kernels`."""
    return (files("export.c") / "kernels" / f"{name}.c").read_text("utf-8")


def template_text(name: str) -> str:
    """One of the files of `export/c/templates`."""
    return (files("export.c") / "templates" / name).read_text("utf-8")


def numbers(values: Iterable[int], indent: str = "    ") -> str:
    """Numbers between commas, in lines."""
    return "\n".join(
        wrap(", ".join(map(str, values)), WIDTH, initial_indent=indent, subsequent_indent=indent)
    )


def array(name: str, values: np.ndarray) -> str:
    """A constant array. Weights are read by words: all lie at multiples of 4 bytes."""
    kind = C_TYPES[str(values.dtype)]
    flat = values.reshape(-1).tolist()
    if kind == "int32_t":
        flat = ["INT32_MIN" if value == -(2**31) else value for value in flat]
    align = "_Alignas(4) " if kind == "int8_t" else ""
    return f"static {align}const {kind} {name}[{len(flat)}] = {{\n{numbers(flat)}\n}};\n"


def layer_name(layer: Layer) -> str:
    """What the constants of a layer are called after: `conv_2d_3`."""
    return f"{layer.operator.name.lower()}_{layer.operator.index}"


def _struct(layer: Layer) -> str:
    """The layer's arrays, and the struct that holds its sizes and points to them."""
    name = layer_name(layer)
    arrays = [array(f"{name}_{part}", values) for part, values in layer.arrays.items()]
    fields = [f".{part} = {name}_{part}," for part in layer.arrays]
    fields += [f".{part} = {_value(value)}," for part, value in layer.fields.items()]
    lines = "\n".join(f"    {line}" for line in fields)
    return "".join(arrays) + f"static const {layer.struct}_t {name} = {{\n{lines}\n}};\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f".{name} = {_value(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(_value, value)) + "}"
    return str(value)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape[1:] if len(tensor.shape) > 1 else tensor.shape))


def _comment(student: Student, layer: Layer) -> str:
    model, operator = student.graph.model, layer.operator
    source, output = model.inputs_of(operator)[0], model.outputs_of(operator)[0]
    macs = f", {operator.macs:,} MACs" if operator.macs else ""
    return f"{operator.index} {operator.name}: {_shape(source)} -> {_shape(output)}{macs}"


def _where(student: Student, layer: Layer, place: int) -> str:
    tensor = student.graph.model.tensors[layer.inputs[place]]
    if tensor.constant:
        return f"{layer_name(layer)}_operand_{place}"
    return f"TENSOR({student.plan.offsets[tensor.index]})"


def _operands(student: Student, layer: Layer) -> str:
    """Constant inputs of element-wise operators, as arrays."""
    graph = student.graph
    tensors = [(place, graph.model.tensors[index]) for place, index in enumerate(layer.inputs)]
    return "".join(
        array(f"{layer_name(layer)}_operand_{place}", graph.values(tensor))
        for place, tensor in tensors
        if tensor.constant
    )


def _call(student: Student, layer: Layer) -> str:
    arguments = [f"&{layer_name(layer)}", *(_where(student, layer, i) for i in range(len(layer.inputs)))]
    arguments.append(f"TENSOR({student.plan.offsets[layer.operator.outputs[0]]})")
    if layer.scratch_bytes:
        arguments.append(f"SCRATCH({student.plan.scratch[layer.operator.index]})")
    return f"{layer.function}({', '.join(arguments)});"


def _steps(student: Student) -> str:
    lines = []
    for layer in student.layers:
        if layer.moves_nothing:
            lines.append(f"    /* {_comment(student, layer)}, in place */")
            continue
        lines.append(f"    /* {_comment(student, layer)} */")
        lines.append(f"    {_call(student, layer)}")
        lines.append(f"    STUDENT_MARK({layer.operator.index});")
    return "\n".join(lines)


def source_text(student: Student) -> str:
    """student.c: the kernels that the network needs, its constants, its arena, and the way through it."""
    working = [layer for layer in student.layers if not layer.moves_nothing]
    needed = {kernel for layer in working for kernel in layer.kernels}
    if convolutions := [layer for layer in working if "halvings" in layer.arrays]:
        needed |= (
            {"requantise"} if all(layer.is_plain for layer in convolutions) else {"rescale", "requantise_any"}
        )
    constants = [
        f"/* {_comment(student, layer)} */\n{_operands(student, layer)}{_struct(layer)}" for layer in working
    ]
    graph, offsets = student.graph, student.plan.offsets
    macs = f"{graph.model.macs:,}"
    values = {
        "SHA256": graph.model.sha256,
        "MACS": macs,
        "KERNELS": "\n".join(kernel_text(name) for name in KERNELS if name in needed),
        "CONSTANTS": "\n".join(constants),
        "ARENA_BYTES": str(student.plan.arena_bytes),
        "LABELS": _labels(student.contract),
        "STEPS": _steps(student),
        "INPUT": str(offsets[graph.input.index]),
        "LOGITS": str(offsets[graph.logits.index]),
        "OUTPUT": str(offsets[graph.output.index]),
    }
    return fill(template_text("student.c"), values)


def _labels(contract: InputContract | None) -> str:
    if contract is None:
        return ""
    names = "".join(f'    "{escape(label)}",\n' for label in contract.labels)
    return f"\nconst char *const student_labels[STUDENT_SCORES] = {{\n{names}}};\n"


def escape(text: str) -> str:
    """Text as it may stand between a C string's quotes: UTF-8 beyond ASCII in octal."""
    plain = set(range(0x20, 0x7F)) - {0x22, 0x5C, 0x3F}  # no quote, backslash or (trigraphs) question mark
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode())


def fill(template: str, values: dict[str, str]) -> str:
    """The template with each @NAME@ replaced."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def header_text(student: Student) -> str:
    """student.h: sizes, scales, the functions to call."""
    graph, contract = student.graph, student.contract
    values = {
        "FILE": graph.model.path.name,
        "SHA256": graph.model.sha256,
        "INPUTS": str(graph.input.elements),
        "INPUT_SHAPE": _shape(graph.input),
        "INPUT_SCALE": _float(scale_of(graph.input)),
        "INPUT_ZERO_POINT": str(zero_point_of(graph.input)),
        "LOGITS": str(graph.logits.elements),
        "SCORES": str(graph.output.elements),
        "SCORE_SCALE": _float(scale_of(graph.output)),
        "SCORE_ZERO_POINT": str(zero_point_of(graph.output)),
        "ARENA_BYTES": str(student.plan.arena_bytes),
        "WINDOW": _window(student),
        "LABELS": "" if contract is None else "extern const char *const student_labels[STUDENT_SCORES];\n",
    }
    return fill(template_text("student.h"), values)


def _float(value: float) -> str:
    """A float32 so that C reads the same bits."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _window(student: Student) -> str:
    """Of a network over time (1, T, C): its steps, channels and rate."""
    shape, contract = student.graph.input.shape, student.contract
    if len(shape) != 3:
        return ""
    rate = contract.rate_hz if contract else None
    said = "samples a second" if rate else "0: a whole clip is resampled to the window, it does not stream"
    unit = f", {contract.unit}, {' '.join(contract.axis_order)}" if contract else ""
    return (
        f"\n#define STUDENT_WINDOW {shape[1]} /* samples */\n"
        f"#define STUDENT_CHANNELS {shape[2]} /* values of a sample{unit} */\n"
        f"#define STUDENT_RATE_HZ {_float(rate or 0.0)} /* {said} */\n"
        f"#define STUDENT_STREAMS {int(bool(rate))}\n"
    )
