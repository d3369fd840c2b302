"""What an `.onnx` file says of itself, in `metadata_props` and in ONNX's own fields.

The same as the TFLite metadata says: `EDGEHAR_CONTRACT` for programs, and one plain key for each thing that a
person looks for in a viewer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from export.contract import CONTRACT_KEY, InputContract
from export.tflite_metadata import describe, describe_input

if TYPE_CHECKING:
    import onnx


def describe_model(model: onnx.ModelProto, contract: InputContract) -> None:
    """Writes what the contract says into the model, and names the model's ends as the contract does."""
    import onnx

    model.doc_string = describe(contract)
    model.graph.input[0].doc_string = describe_input(contract)
    model.graph.output[0].doc_string = "Probability of each label, in the order of labels."
    onnx.helper.set_model_props(model, properties(contract))
    _rename(model.graph, model.graph.input[0].name, contract.input.name)
    _rename(model.graph, model.graph.output[0].name, contract.output.name)


def properties(contract: InputContract) -> dict[str, str]:
    """`metadata_props` of a file: the contract as JSON, and its fields one by one."""
    rate = "" if contract.rate_hz is None else f"{contract.rate_hz:g}"
    return {
        CONTRACT_KEY: contract.dumps(),
        "name": contract.student,
        "version": contract.version,
        "description": describe(contract),
        "input": describe_input(contract),
        "unit": contract.unit,
        "axis_order": ",".join(contract.axis_order),
        "rate_hz": rate,
        "window": str(contract.window),
        "framing": contract.framing,
        "normalisation": contract.normalisation,
        "labels": json.dumps(contract.labels, ensure_ascii=False),
    }


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    if old == new:
        return
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
    for holder in (graph.input, graph.output):
        for value in holder:
            if value.name == old:
                value.name = new
