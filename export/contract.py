"""What an app must know to feed a model file and to read its answer.

The contract travels inside the file: in a `.tflite` as the named metadata buffer `EDGEHAR_CONTRACT`, in an
`.onnx` under the same key of `metadata_props`, both as JSON. `export.json` is printed from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.errors import ExportError

CONTRACT_KEY = "EDGEHAR_CONTRACT"
INPUT_NAME = "acc"
OUTPUT_NAME = "scores"


@dataclass(frozen=True)
class TensorContract:
    """One tensor at the border of a model file.

    real value = (stored value - zero_point) * scale where dtype is an integer; both are None for floats.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class InputContract:
    """What one model file takes and gives.

    input: `acc` (1, window, 3), raw acceleration in `unit`, columns in `axis_order`; a file of other
    people's network may take another stream of as many columns as `axis_order` names.
    output: `scores` (1, len(labels)), probabilities that sum to 1; score i belongs to labels[i].
    framing: "clip" (a whole clip resampled to `window` samples) or "window" (`window` samples at rate_hz).
    rate_hz: samples a second, None where clips of mixed length were resampled to one window.
    normalisation: always done inside the model; feed raw values. version: of the model, as its author counts.
    """

    input: TensorContract
    output: TensorContract
    labels: tuple[str, ...]
    window: int
    framing: str
    rate_hz: float | None
    student: str
    unit: str = "m/s^2"
    axis_order: tuple[str, ...] = ("x", "y", "z")
    normalisation: str = "inside the model"
    version: str = "1.0.0"

    def to_json(self) -> dict[str, Any]:
        """The contract as an object that JSON can hold; `from_json` reads it back equal."""
        return json.loads(json.dumps(asdict(self)))

    def common_json(self) -> dict[str, Any]:
        """What all files of one export share: everything but the two tensors."""
        return {key: value for key, value in self.to_json().items() if key not in ("input", "output")}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> InputContract:
        """The contract that `to_json` wrote; keys of later versions are ignored, no `version` is 1.0.0.

        Raises KeyError, TypeError or ValueError if it is not one.
        """
        fields = {name: found[name] for name in cls.__dataclass_fields__ if name != "version"}
        fields["version"] = found.get("version", cls.version)
        fields |= {end: _tensor(found[end]) for end in ("input", "output")}
        fields |= {many: tuple(found[many]) for many in ("labels", "axis_order")}
        contract = cls(**fields)
        if contract.output.shape[-1] != len(contract.labels):
            raise ValueError(f"{len(contract.labels)} labels for {contract.output.shape[-1]} scores")
        return contract

    def dumps(self) -> str:
        """One line of JSON with sorted keys: equal contracts give equal bytes."""
        return json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _tensor(found: Mapping[str, Any]) -> TensorContract:
    fields = {name: found[name] for name in TensorContract.__dataclass_fields__}
    return TensorContract(**fields | {"shape": tuple(found["shape"])})


def read_contract(path: str | Path) -> InputContract:
    """The contract inside a `.tflite` or `.onnx` file that edgehar exported.

    Raises ExportError if the file is missing, is not a model, or carries no contract.
    """
    path = Path(path)
    readers = {".tflite": _tflite_contract, ".onnx": _onnx_contract}
    if path.suffix not in readers:
        raise ExportError(f"{path} is neither .tflite nor .onnx; name a file that edgehar exported.")
    if not path.is_file():
        raise ExportError(f"There is no file {path}; write it with: edgehar export.")
    text = readers[path.suffix](path)
    if text is None:
        raise ExportError(
            f"{path} has no edgehar contract, which says what it takes; export it with edgehar."
        )
    try:
        return InputContract.from_json(json.loads(text))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ExportError(f"{path} has a damaged edgehar contract ({error}); export it again.") from error


def _tflite_contract(path: Path) -> bytes | None:
    from export.tflite_file import read_metadata

    return read_metadata(path).get(CONTRACT_KEY)


def _onnx_contract(path: Path) -> str | None:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model(path, load_external_data=False)
    except DecodeError as error:
        raise ExportError(f"{path} is not an ONNX model, or it was cut short; export it again.") from error
    if not model.graph.node:
        raise ExportError(f"{path} is not an ONNX model, or it was cut short; export it again.")
    return next((entry.value for entry in model.metadata_props if entry.key == CONTRACT_KEY), None)
