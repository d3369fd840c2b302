"""Reads and writes what stands around the network in a `.tflite`: names, metadata, borders.

Two metadata entries are written: `EDGEHAR_CONTRACT` (JSON, see `export.contract`) and `TFLITE_METADATA`,
the standard one that other people's tools show, with the labels as an attached file.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from export.contract import CONTRACT_KEY, INPUT_NAME, OUTPUT_NAME, InputContract, TensorContract
from export.errors import ExportError
from export.shrink import pack
from export.tflite_metadata import LABELS_FILE, METADATA_NAME, pack_metadata
from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.schema import Reader, damage_is_an_error, text

_LARGEST_OLD_CODE = 127


def read_metadata(path: Path) -> dict[str, bytes]:
    """All named metadata buffers of a `.tflite`. Raises ExportError if the file is not one, or is damaged."""
    try:
        read_model(path)  # checks the whole file, where the metadata alone may be intact
        with damage_is_an_error(path):
            reader = Reader(path.read_bytes())
            buffers = reader.tables(reader.root, "Buffers")
            entries = reader.tables(reader.root, "Metadata")
            data = [reader.numbers(buffers[entry.Buffer()], "Data") for entry in entries]
            return {text(entry.Name()): bytes(held) for entry, held in zip(entries, data, strict=True)}
    except SimError as error:
        raise ExportError(str(error)) from error


def borders(content: bytes) -> tuple[TensorContract, TensorContract]:
    """The one input and the one output of a `.tflite`, under the names that edgehar gives them."""
    graph = _read(content).subgraphs[0]
    return (
        _border(INPUT_NAME, graph.tensors[graph.inputs[0]]),
        _border(OUTPUT_NAME, graph.tensors[graph.outputs[0]]),
    )


def _border(name: str, tensor: Any) -> TensorContract:
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.TensorType
    dtypes = {kinds.FLOAT32: "float32", kinds.INT8: "int8", kinds.INT16: "int16"}
    shape = tuple(int(size) for size in tensor.shape)
    quantisation = tensor.quantization
    if tensor.type == kinds.FLOAT32 or quantisation is None:
        return TensorContract(name, shape, dtypes[tensor.type])
    scale, zero = quantisation.scale[0], quantisation.zeroPoint[0]
    return TensorContract(name, shape, dtypes[tensor.type], float(scale), int(zero))


def with_contract(content: bytes, contract: InputContract) -> bytes:
    """The same network with short names, its ends named as the contract says, and the contract inside.

    The bytes are as few as `export.shrink` makes them. A zip with labels.txt follows the model, where the
    standard metadata looks for it.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = _read(content)
    graph = model.subgraphs[0]
    _shorten_names(graph.tensors)
    graph.tensors[graph.inputs[0]].name = contract.input.name.encode()
    graph.tensors[graph.outputs[0]].name = contract.output.name.encode()
    for signature in model.signatureDefs or []:
        signature.inputs[0].name = contract.input.name.encode()
        signature.outputs[0].name = contract.output.name.encode()
    for code in model.operatorCodes:
        # The quantiser leaves the old one-byte code at 0, which older readers take for ADD.
        code.deprecatedBuiltinCode = min(code.builtinCode, _LARGEST_OLD_CODE)
    model.description = f"edgehar student {contract.student}".encode()
    entries = {CONTRACT_KEY: contract.dumps().encode(), METADATA_NAME: pack_metadata(contract)}
    model.metadata = model.metadata or []
    for name, data in entries.items():
        model.metadata.append(schema.MetadataT(name=name.encode(), buffer=len(model.buffers)))
        model.buffers.append(schema.BufferT(data=data))
    return _with_attached(pack(model), LABELS_FILE, "".join(f"{label}\n" for label in contract.labels))


def own_location(name: str) -> str:
    """Of the places in the student that the converter names an operator after, the one it ends in."""
    return name.split(";;")[0]


def _shorten_names(tensors: list[Any]) -> None:
    """`...Student_student/torch.nn...Sequential_stem/torch.nn...Conv2d_1;` -> `stem/1`, unique by a number.

    The converter's names are a sixth of a small int8 file.
    """
    taken: dict[str, int] = {}
    for tensor in tensors:
        if not tensor.name:  # a constant of a file that has been through here before
            continue
        short = _short(tensor.name.decode())
        taken[short] = taken.get(short, 0) + 1
        tensor.name = (short if taken[short] == 1 else f"{short};{taken[short]}").encode()


def _short(name: str) -> str:
    """The attributes' path of a converter's name below the student; other names stay."""
    path = own_location(name).partition(";")[0]
    steps = [step.rpartition(".")[2].partition("_")[2] for step in path.split("/")]
    return "/".join(steps[2:]) or ("student" if "/" in path else name)


def _read(content: bytes) -> Any:
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def _with_attached(content: bytes, name: str, lines: str) -> bytes:
    """The model followed by a zip with one stored file of a fixed date: equal exports give equal bytes."""
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), lines)
    return packed.getvalue()
