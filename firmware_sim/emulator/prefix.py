"""A `.tflite` file cut off after one of its operators, so that what each operator costs can be counted.

A delegate runs the whole graph as one step, so there is nowhere to put a marker between its operators. The
counts of the first k operators less those of the first k - 1 are what operator k added.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tflite.Model import Model as FlatModel
from tflite.SignatureDef import SignatureDef
from tflite.SubGraph import SubGraph
from tflite.TensorMap import TensorMap

# Slots of the published schema, as flatbuffers numbers them.
_OUTPUTS, _OPERATORS, _TENSOR_INDEX = 8, 10, 6


def prefixes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(index, file) for every operator of the first graph but the last: the file ends after that operator.

    Yields nothing for a file that has several outputs, or whose operators do: it cannot be cut in place.
    """
    flat = FlatModel.GetRootAs(data, 0)
    graph = flat.Subgraphs(0)
    signatures = [_of_signature(flat.SignatureDefs(i)) for i in range(flat.SignatureDefsLength())]
    if graph.OutputsLength() != 1 or None in signatures:
        return
    length_at = _vector(graph, _OPERATORS) - 4
    places = [_vector(graph, _OUTPUTS), *(place for place in signatures if place is not None)]
    for index in range(graph.OperatorsLength() - 1):
        operator = graph.Operators(index)
        if operator.OutputsLength() != 1:
            return
        cut = bytearray(data)
        struct.pack_into("<I", cut, length_at, index + 1)
        for place in places:
            struct.pack_into("<i", cut, place, operator.Outputs(0))
        yield index, bytes(cut)


def _of_signature(signature: SignatureDef) -> int | None:
    """Where a signature keeps the index of its one output; None where it has others or keeps none."""
    if signature.OutputsLength() != 1:
        return None
    output: TensorMap = signature.Outputs(0)
    offset = output._tab.Offset(_TENSOR_INDEX)
    return output._tab.Pos + offset if offset else None


def _vector(graph: SubGraph, slot: int) -> int:
    """Where the first element of a vector lies; its length is in the four bytes before."""
    return int(graph._tab.Vector(graph._tab.Offset(slot)))
