"""The standard TFLite metadata (schema `metadata_schema.fbs`, file identifier M001) of a student.

Written slot by slot with flatbuffers alone: tflite-support's own writer cannot be installed beside the
rest. The slots are those of the published schema; only the six tables that a student needs are here.
"""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers  # type: ignore[import-untyped]

from export.contract import InputContract

METADATA_NAME = "TFLITE_METADATA"
_FILE_IDENTIFIER = b"M001"
_FEATURE_PROPERTIES = 1  # member of the union ContentProperties
_TENSOR_AXIS_LABELS = 2  # member of AssociatedFileType


def pack_metadata(contract: InputContract) -> bytes:
    """A packed ModelMetadata: name, description, the input as a feature tensor, the output with labels.txt.

    No NormalizationOptions are given: the graph normalises itself, and a consumer would do it twice.
    """
    builder = flatbuffers.Builder(1024)
    labels = _table(
        builder,
        {
            0: builder.CreateString("labels.txt"),
            1: builder.CreateString("One label a line, in the order of the scores."),
        },
        codes={2: _TENSOR_AXIS_LABELS},
    )
    taken = _feature(builder, contract.input.name, describe_input(contract), [])
    given = _feature(builder, contract.output.name, "Probability of each label.", [labels])
    graph = _table(builder, {2: _vector(builder, [taken]), 3: _vector(builder, [given])})
    model = _table(
        builder,
        {
            0: builder.CreateString(contract.student),
            1: builder.CreateString(f"Recognises {len(contract.labels)} actions from an accelerometer."),
            3: _vector(builder, [graph]),
            7: builder.CreateString("1.0.0"),
        },
    )
    builder.Finish(model, file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def describe_input(contract: InputContract) -> str:
    """One sentence that tells an app's author what to feed."""
    rate = "clips of any length resampled" if contract.rate_hz is None else f"{contract.rate_hz:g} Hz"
    return (
        f"Acceleration in {contract.unit} with gravity, axes {', '.join(contract.axis_order)}, "
        f"{contract.window} samples ({rate}); raw values, normalisation is {contract.normalisation}."
    )


def _feature(builder: flatbuffers.Builder, name: str, description: str, files: Sequence[int]) -> int:
    """A TensorMetadata whose content is a plain feature, with associated files."""
    content = _table(builder, {1: _table(builder, {})}, unions={0: _FEATURE_PROPERTIES})
    fields = {0: builder.CreateString(name), 1: builder.CreateString(description), 3: content}
    if files:
        fields[6] = _vector(builder, files)
    return _table(builder, fields)


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _table(
    builder: flatbuffers.Builder,
    offsets: dict[int, int],
    codes: dict[int, int] | None = None,
    unions: dict[int, int] | None = None,
) -> int:
    """A table from slot to what lies there: offsets, enumerations (int8) and union types (uint8)."""
    builder.StartObject(1 + max([*offsets, *(codes or {}), *(unions or {}), 0]))
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, code in (codes or {}).items():
        builder.PrependInt8Slot(slot, code, 0)
    for slot, union in (unions or {}).items():
        builder.PrependUint8Slot(slot, union, 0)
    return builder.EndObject()
