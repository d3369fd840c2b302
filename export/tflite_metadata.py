"""The standard TFLite metadata (schema `metadata_schema.fbs`, file identifier M001) of a student.

Written slot by slot with flatbuffers alone: tflite-support's own writer cannot be installed beside the
rest. The slots are those of the published schema, which the tests read the result by; only the tables that a
student needs are here.
"""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers  # type: ignore[import-untyped]

from export.contract import InputContract

METADATA_NAME = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
_FILE_IDENTIFIER = b"M001"
_PARSER_VERSION = "1.0.0"  # the first that understands all that is written here
_FEATURE_PROPERTIES = 1  # member of the union ContentProperties
_NORMALISATION_OPTIONS = 1  # member of the union ProcessUnitOptions
_TENSOR_AXIS_LABELS = 2  # member of AssociatedFileType


def pack_metadata(contract: InputContract) -> bytes:
    """A packed ModelMetadata: name, version, description, the input as a feature tensor, the scores with
    labels.txt.

    The input's NormalizationOptions are mean 0 and std 1: the graph normalises itself, and a consumer that
    follows them changes nothing.
    """
    builder = flatbuffers.Builder(1024)
    given = _feature(
        builder,
        contract.output.name,
        "Probability of each label, in the order of labels.txt.",
        ("batch", "label"),
        {5: _stats(builder, 0.0, 1.0), 6: _vector(builder, [_labels_file(builder)])},
    )
    taken = _feature(
        builder,
        contract.input.name,
        describe_input(contract),
        ("batch", "time", "axis"),
        {4: _vector(builder, [_no_normalisation(builder)])},
    )
    graph = _table(builder, {2: _vector(builder, [taken]), 3: _vector(builder, [given])})
    model = _table(
        builder,
        {
            0: builder.CreateString(contract.student),
            1: builder.CreateString(describe(contract)),
            2: builder.CreateString(contract.version),
            3: _vector(builder, [graph]),
            7: builder.CreateString(_PARSER_VERSION),
        },
    )
    builder.Finish(model, file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def describe(contract: InputContract) -> str:
    """One sentence that tells what the file is for."""
    signals = {"acc": "an accelerometer", "gyro": "a gyroscope", "orientation": "an orientation sensor"}
    signal = signals.get(contract.input.name, f"the signal {contract.input.name!r}")
    return f"Tells {len(contract.labels)} classes apart by {signal}."


def describe_input(contract: InputContract) -> str:
    """One sentence that tells an app's author what to feed: quantity, unit, axes, rate, window."""
    rate = f"at {contract.rate_hz:g} Hz" if contract.rate_hz else "resampled from a clip of any length"
    if contract.framing == "window" and contract.rate_hz is None:
        rate = "at the rate it was trained with, which is not known here"
    names = {"acc": "Acceleration with gravity", "gyro": "Angular rate"}
    what = names.get(contract.input.name, contract.input.name)
    unit = "a unit that is not known here" if contract.unit == "unknown" else contract.unit
    return (
        f"{what} in {unit}, axes {', '.join(contract.axis_order)}, {contract.window} samples {rate}; "
        f"raw values, normalisation is {contract.normalisation}."
    )


def _feature(
    builder: flatbuffers.Builder,
    name: str,
    description: str,
    dimensions: Sequence[str],
    more: dict[int, int],
) -> int:
    """A TensorMetadata whose content is a plain feature."""
    content = _table(builder, {1: _table(builder, {})}, unions={0: _FEATURE_PROPERTIES})
    named = _vector(builder, [builder.CreateString(dimension) for dimension in dimensions])
    fields = {0: builder.CreateString(name), 1: builder.CreateString(description), 2: named, 3: content}
    return _table(builder, fields | more)


def _labels_file(builder: flatbuffers.Builder) -> int:
    name = builder.CreateString(LABELS_FILE)
    description = builder.CreateString("One label a line, in the order of the scores.")
    return _table(builder, {0: name, 1: description}, codes={2: _TENSOR_AXIS_LABELS})


def _no_normalisation(builder: flatbuffers.Builder) -> int:
    """A ProcessUnit of NormalizationOptions with mean 0 and std 1."""
    options = _table(builder, {0: _floats(builder, 0.0), 1: _floats(builder, 1.0)})
    return _table(builder, {1: options}, unions={0: _NORMALISATION_OPTIONS})


def _stats(builder: flatbuffers.Builder, least: float, most: float) -> int:
    return _table(builder, {0: _floats(builder, most), 1: _floats(builder, least)})


def _floats(builder: flatbuffers.Builder, *values: float) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


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
