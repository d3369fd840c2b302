"""Student.kt: a class for Android apps around LiteRT's interpreter, its constants those of one model file."""

from __future__ import annotations

import json
from importlib.resources import files

from export.contract import InputContract
from export.errors import ExportError

FILE_NAME = "Student.kt"


def student_kt(contract: InputContract, model: str) -> str:
    """The Kotlin source for the file `model`, whose contract this is. Equal contracts give equal text.

    Raises ExportError for borders that are neither int8 nor float32.
    """
    ports = contract.input, contract.output
    if {port.dtype for port in ports} not in ({"int8"}, {"float32"}):
        raise ExportError(
            f"{model} has {ports[0].dtype} borders, which Student.kt does not feed; take the int8 file."
        )
    rate = (
        "null // whole clips: not for a stream" if contract.rate_hz is None else repr(float(contract.rate_hz))
    )
    values = {
        "MODEL": model,
        "WINDOW": str(contract.window),
        "AXES": str(contract.input.shape[-1]),
        "AXIS_ORDER": ", ".join(contract.axis_order),
        "UNIT": contract.unit,
        "RATE": rate,
        "INT8": "true" if ports[0].dtype == "int8" else "false",
        "INPUT_SCALE": _float(contract.input.scale, 1.0),
        "INPUT_ZERO": str(contract.input.zero_point or 0),
        "OUTPUT_SCALE": _float(contract.output.scale, 1.0),
        "OUTPUT_ZERO": str(contract.output.zero_point or 0),
        "LABELS": ",\n".join(f"            {_text(label)}" for label in contract.labels),
    }
    text = (files("export") / "bundle_parts" / FILE_NAME).read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _float(value: float | None, otherwise: float) -> str:
    return f"{otherwise if value is None else value!r}f"


def _text(label: str) -> str:
    """A Kotlin string: JSON's, with `$`, which Kotlin would look into, escaped."""
    return json.dumps(label, ensure_ascii=False).replace("$", "\\$")
