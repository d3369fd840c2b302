"""Which operator of a quantised file is what it claims to be, and which one loses the signal.

For each operator its type and dtype as the file has them, why it is float where it is, the
signal-to-noise ratio of what it gives against the float file's same tensor on training windows, and its
grid. `added_noise` is what it adds to the noise that comes in, so the largest one names the culprit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.kinds import KINDS
from export.noise import Noise, measure_noise
from export.operators import NamedOperator, as_graph
from export.quantize import GIVES_FLOAT, TAKES_FLOAT, KeptFloat
from firmware_sim.model import Model, Operator

AUDIT_WINDOWS = 128
_INTEGERS = ("int8", "int16")
_BORDERS = {"QUANTIZE", "DEQUANTIZE"}


@dataclass(frozen=True)
class OperatorReport:
    """One operator of a quantised file, in the file's order.

    type, dtype: in the file (dtype of what it gives). weights: dtype of its weights, None without any.
    quantised: whether it computes as its kind promises; reason: why not, else None. snr_db: of what it
    gives, None for what the float file has no tensor for. added_noise: share of the signal, 0 to 1.
    scale, zero_point: of what it gives, None where that is float. low, high: of the float tensor.
    """

    index: int
    name: str
    type: str
    dtype: str
    weights: str | None
    quantised: bool
    reason: str | None
    snr_db: float | None
    added_noise: float | None
    scale: float | None
    zero_point: int | None
    low: float | None
    high: float | None


def audit(
    model: bytes,
    quantised: bytes,
    kind: str,
    named: Sequence[NamedOperator],
    kept: KeptFloat,
    windows: np.ndarray,
) -> tuple[OperatorReport, ...]:
    """Every operator of `quantised`, a quantised form of the float `.tflite` `model`, on windows (N, T, C).

    At most 128 windows are run, evenly chosen. named: `export.operators.name_operators` of `model`.
    """
    noise = measure_noise(model, quantised, some_of(windows))
    graph = as_graph(quantised)
    origins = {operator.output: operator for operator in named}
    return tuple(_report(graph, operator, kind, origins, kept, noise) for operator in graph.operators)


def some_of(windows: np.ndarray) -> np.ndarray:
    """At most 128 of windows (N, T, C), evenly chosen."""
    chosen = np.linspace(0, len(windows) - 1, min(len(windows), AUDIT_WINDOWS)).round().astype(int)
    return windows[np.unique(chosen)]


def rank(operators: Sequence[OperatorReport]) -> list[OperatorReport]:
    """Those that are quantised and have a figure, the ones that add the most noise first."""
    found = [operator for operator in operators if operator.quantised and operator.added_noise is not None]
    return sorted(found, key=lambda operator: (-(operator.added_noise or 0.0), operator.index))


def left_float(operators: Sequence[OperatorReport]) -> list[OperatorReport]:
    """The operators that do not compute as their kind promises."""
    return [operator for operator in operators if not operator.quantised]


def _report(
    graph: Model,
    operator: Operator,
    kind: str,
    origins: dict[str, NamedOperator],
    kept: KeptFloat,
    noise: dict[str, Noise],
) -> OperatorReport:
    output = graph.outputs_of(operator)[0]
    origin, found = origins.get(output.name), noise.get(output.name)
    constants = [t.dtype for t in graph.inputs_of(operator) if t.constant]
    weights = _weights(graph, operator)
    reason = _reason(graph, operator, kind, output.name, kept, weights)
    return OperatorReport(
        index=operator.index,
        name=origin.name if origin else _border_name(operator.name, output.name, graph, operator, origins),
        type=operator.name,
        dtype=output.dtype,
        weights=weights if constants else None,
        quantised=reason is None,
        reason=reason,
        snr_db=found.snr_db if found else None,
        added_noise=added_noise(origin, found, noise),
        scale=found.scale if found else None,
        zero_point=found.zero_point if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
    )


def added_noise(origin: NamedOperator | None, found: Noise | None, noise: dict[str, Noise]) -> float | None:
    """The share of noise that an operator gives beyond what it takes; None where none was measured."""
    if origin is None or found is None:
        return None
    before = max((noise[name].share for name in origin.inputs if name in noise), default=0.0)
    return max(0.0, found.share - before)


def _weights(graph: Model, operator: Operator) -> str | None:
    """The dtype that an operator's weights are stored in, through a DEQUANTIZE of constants."""
    makers = {index: other for other in graph.operators for index in other.outputs}
    stored = []
    for index in operator.inputs:
        maker = makers.get(index)
        if index >= 0 and maker is not None and maker.name == "DEQUANTIZE":
            index = maker.inputs[0]
        if index >= 0 and graph.tensors[index].constant and graph.tensors[index].elements > 1:
            stored.append(graph.tensors[index])
    stored = [tensor for tensor in stored if tensor.dtype not in ("int32", "int64")]
    return max(stored, key=lambda tensor: tensor.elements).dtype if stored else None


def _reason(
    graph: Model, operator: Operator, kind: str, made: str, kept: KeptFloat, weights: str | None
) -> str | None:
    """Why an operator does not compute as its kind promises; None if it does."""
    if operator.name in _BORDERS:
        return _border_reason(graph, operator)
    promised = KINDS[kind]
    if promised.activations not in _INTEGERS:
        if weights in (None, promised.weights):
            return None
        return f"its weights are {weights}: the quantiser has no {kind} form of {operator.name}"
    dtypes = [graph.tensors[index].dtype for index in operator.outputs]
    dtypes += [tensor.dtype for tensor in graph.inputs_of(operator) if not tensor.constant]
    if "float32" not in dtypes:
        return None
    return kept.reason(made) or f"the quantiser has no {promised.activations} form of {operator.name}"


def _border_reason(graph: Model, operator: Operator) -> str | None:
    taken, given = graph.inputs_of(operator)[0], graph.outputs_of(operator)[0]
    if "float" not in taken.dtype + given.dtype:
        return None
    if taken.index in graph.inputs:
        return TAKES_FLOAT
    if given.index in graph.outputs:
        return GIVES_FLOAT
    if taken.constant:
        return f"unpacks weights that are stored in {taken.dtype}"
    return "stands between a float and a quantised operator"


def _border_name(
    type: str, made: str, graph: Model, operator: Operator, origins: dict[str, NamedOperator]
) -> str:
    """`quantize of fc`, after the operator whose result it converts; `dequantize for fc` of weights."""
    taken, given = graph.inputs_of(operator)[0], graph.outputs_of(operator)[0]
    if taken.index in graph.inputs:
        return f"{type.lower()} of input"
    if taken.constant:
        hearer = next((other for other in graph.operators if given.index in other.inputs), None)
        heard = origins.get(graph.outputs_of(hearer)[0].name) if hearer else None
        return f"{type.lower()} for {heard.name if heard else 'weights'}"
    source = origins.get(taken.name) or origins.get(made)
    return f"{type.lower()} of {source.name if source else 'an operator'}"
