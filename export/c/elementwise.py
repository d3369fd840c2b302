"""Operators that work value by value: ADD, SUB, MUL, QUANTIZE."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from export.c.graph import Graph, scale_of, zero_point_of
from export.c.layer import Layer, Unsupported, ends, layer_scale, limits, scaling, zero_points
from export.c.rounding import multiplier_of
from firmware_sim.model import Operator, Tensor


def _operands(graph: Graph, operator: Operator) -> Iterator[tuple[Tensor, int]]:
    """Both inputs of an element-wise operator, and after how many values each is repeated."""
    output = graph.model.outputs_of(operator)[0]
    for tensor in graph.model.inputs_of(operator)[:2]:
        if tensor.dtype != "int8" or tensor.quantisation is None:
            raise Unsupported(f"has an operand of {tensor.dtype}; quantise it to int8")
        shape = tensor.shape
        while shape and shape[0] == 1:
            shape = shape[1:]
        if shape != output.shape[len(output.shape) - len(shape) :]:
            raise Unsupported(
                f"spreads {tensor.shape} over {output.shape}, C only repeats last dimensions; reshape it so"
            )
        yield tensor, prod(shape)


def add(graph: Graph, operator: Operator, options: Any) -> Layer:
    """ADD and SUB."""
    output = graph.model.outputs_of(operator)[0]
    (first, first_values), (second, second_values) = _operands(graph, operator)
    common = 2 * max(scale_of(first), scale_of(second))

    def term(tensor: Tensor, values: int) -> dict[str, object]:
        factor = scale_of(tensor) / common
        return {"values": values, "zero_point": zero_point_of(tensor), **scaling(factor)}

    final = scaling(common / ((1 << 20) * scale_of(output)))
    return Layer(
        operator,
        ("common", "rescale", "add"),
        "add",
        "add",
        {
            "first": term(first, first_values),
            "second": term(second, second_values),
            "values": output.elements,
            "zero_point": zero_point_of(output),
            **final,
            **limits(options.fusedActivationFunction, output),
            "sign": -1 if operator.name == "SUB" else 1,
        },
        inputs=(first.index, second.index),
    )


def mul(graph: Graph, operator: Operator, options: Any) -> Layer:
    """MUL."""
    output = graph.model.outputs_of(operator)[0]
    (first, first_values), (second, second_values) = _operands(graph, operator)
    factor = scale_of(first) * scale_of(second) / scale_of(output)
    if multiplier_of(factor)[1] > 13:
        raise Unsupported("can overflow 32 bits; quantise it with a larger output scale")
    return Layer(
        operator,
        ("common", "rescale", "mul"),
        "mul",
        "mul",
        {
            "first_values": first_values,
            "second_values": second_values,
            "first_zero_point": zero_point_of(first),
            "second_zero_point": zero_point_of(second),
            "values": output.elements,
            "zero_point": zero_point_of(output),
            **scaling(factor),
            **limits(options.fusedActivationFunction, output),
        },
        inputs=(first.index, second.index),
    )


def quantize(graph: Graph, operator: Operator, options: Any) -> Layer:
    """QUANTIZE from int8 to int8 of another scale."""
    source, output = ends(graph, operator)
    return Layer(
        operator,
        ("common", "rescale", "quantize"),
        "quantize",
        "quantize",
        {
            "values": output.elements,
            **zero_points(source, output),
            **scaling(layer_scale(source, output)),
        },
        inputs=(source.index,),
    )
