"""One zip for whoever runs the student without edgehar: models, golden windows, card, C, the page."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.c.package import C_FILES
from export.card import model_card
from export.contract import InputContract, read_contract
from export.deploy import site
from export.errors import ExportError
from export.kinds import KINDS
from export.kotlin import FILE_NAME, student_kt
from export.parity import file_scores
from export.push import stored

if TYPE_CHECKING:
    from edgehar.runs import Run

NAME = "bundle.zip"
SUMS = "SHA256SUMS"
WINDOWS = 8
DATE = (1980, 1, 1, 0, 0, 0)
MODELS = {
    "student.tflite": "LiteRT on phones and computers, float32",
    "student.int8.tflite": "LiteRT and microcontrollers, int8 in and out",
    "student.onnx": "onnxruntime, float32",
    "student.int8.onnx": "onnxruntime, int8 inside, float32 in and out",
}


@dataclass(frozen=True)
class BundleReport:
    """path: of the zip. parts: bytes in the zip by first folder or file. left_out: why, by part."""

    path: Path
    bytes: int
    parts: dict[str, int]
    left_out: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As a part of what `edgehar export --bundle --json` prints."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "parts": self.parts,
            "left_out": self.left_out,
        }


def write_bundle(run: Run, without_c: str | None = None) -> BundleReport:
    """Writes `<run>/export/bundle.zip` of what was exported there, the C student included.

    without_c: the sentence that says why there is none. The phone's page is in it where LiteRT.js has been
    fetched and can run the student. Equal input gives equal bytes; it is written whole or not at all.
    Raises ExportError where the export is not there.
    """
    folder = run.folder / "export"
    told = _told(folder)
    contract = read_contract(folder / "student.int8.tflite")
    left_out = {} if without_c is None else {"c": without_c}
    contents = {name: (folder / name).read_bytes() for name in (*told["files"], "labels.txt", "export.json")}
    if without_c is None:
        contents |= _c(folder)
    try:
        contents |= _page(folder / "student.int8.tflite")
    except ExportError as error:
        left_out["web"] = str(error).replace(f"{folder}{os.sep}", "")
    contents |= _handed_over(run, told, contract, left_out)
    contents[SUMS] = _sums(contents)
    return _write_zip(folder / NAME, contents, left_out)


def _handed_over(
    run: Run, told: Mapping[str, Any], contract: InputContract, left_out: Mapping[str, str]
) -> dict[str, bytes]:
    """What is made for the bundle alone: golden windows, card, README, scripts, licence."""
    folder, names = run.folder / "export", list(told["files"])
    clips = {part: run.clips(part, "acc") for part in ("train", "test")}
    test = clips["test"].arrays["acc"]
    windows = test[np.unique(np.linspace(0, len(test) - 1, WINDOWS).round().astype(int))]
    subjects = {part: [str(subject) for subject in found.subjects] for part, found in clips.items()}
    card = model_card(run.config["plan"], run.metrics, told, contract, subjects)
    texts = {
        "MODEL_CARD.md": card,
        "README.md": _readme(contract, names, len(windows), left_out),
        "score.py": _part("score.py"),
        FILE_NAME: student_kt(contract, "student.int8.tflite"),
        "LICENSE": _licence(),
    }
    return _golden(folder, names, windows, contract) | {name: text.encode() for name, text in texts.items()}


def _c(folder: Path) -> dict[str, bytes]:
    if any(not (folder / "c" / name).is_file() for name in C_FILES):
        raise ExportError(f"{folder} holds no whole C student; write it with: edgehar export --c.")
    return {f"c/{name}": (folder / "c" / name).read_bytes() for name in C_FILES}


def _page(model: Path) -> dict[str, bytes]:
    """The folder web/, as any server may hand it out, and a server of Python alone."""
    pages = {path.lstrip("/"): content for path, content in site(model).items() if path != "/"}
    read = {name: found if isinstance(found, bytes) else found.read_bytes() for name, found in pages.items()}
    return {f"web/{name}": content for name, content in read.items()} | {
        "serve.py": _part("serve.py").encode()
    }


def _licence() -> str:
    """Apache-2.0, edgehar's own and LiteRT.js's."""
    text = distribution("edgehar").read_text("licenses/LICENSE")
    assert text is not None, "the wheel has it"
    return text


def _sums(contents: Mapping[str, bytes]) -> bytes:
    """As `sha256sum -c` reads them, so that a zip cut short shows."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items())]
    return "".join(lines).encode()


def _told(folder: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((folder / "export.json").read_text("utf-8"))
        missing = [name for name in told["files"] if not (folder / name).is_file()]
    except (OSError, ValueError, KeyError, TypeError):
        raise ExportError(f"{folder} holds no export; write it with: edgehar export --int8.") from None
    if missing:
        raise ExportError(f"{folder / missing[0]} is missing; write it with: edgehar export --int8.")
    return told


def _part(name: str) -> str:
    return (files("export") / "bundle_parts" / name).read_text("utf-8")


def _golden(folder: Path, names: list[str], windows: np.ndarray, contract: InputContract) -> dict[str, bytes]:
    """For Python by file; and for Student.kt the bytes that the int8 file takes and gives."""
    scores = {name: file_scores(folder / name, windows)[1] for name in names}
    rounded = {name: np.round(found.astype(float), 7).tolist() for name, found in scores.items()}
    packed = io.BytesIO()
    np.save(packed, windows.astype(np.float32))
    text = json.dumps(rounded, indent=1) + "\n"
    return {
        "golden/windows.npy": packed.getvalue(),
        "golden/scores.json": text.encode(),
        "golden/windows.bin": stored(windows, contract.input),
        "golden/scores.bin": stored(scores["student.int8.tflite"], contract.output),
    }


def _readme(contract: InputContract, names: list[str], golden: int, left_out: Mapping[str, str]) -> str:
    rows = [f"| `{name}` | {_what(name)} |" for name in names]
    rate = (
        f" at {contract.rate_hz:g} Hz" if contract.rate_hz else ", a whole action resampled to that length,"
    )
    values = {
        "STUDENT": contract.student,
        "CLASSES": str(len(contract.labels)),
        "WINDOW": str(contract.window),
        "UNIT": contract.unit,
        "AXES": ", ".join(contract.axis_order),
        "RATE": rate,
        "FILES": "\n".join(rows),
        "GOLDEN": str(golden),
    }
    text = "\n".join(_row(line, left_out) for line in _part("README.md").splitlines()) + "\n"
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _what(name: str) -> str:
    """A model file's row: what it is for, or what its kind is."""
    _, kind, format_ = name.split(".") if name.count(".") == 2 else ("", "float", "")
    return MODELS.get(name) or f"{'onnxruntime' if format_ == 'onnx' else 'LiteRT'}, {KINDS[kind].told}"


def _row(line: str, left_out: Mapping[str, str]) -> str:
    """A line of the README; where it is about a part that is left out, why."""
    for part, reason in left_out.items():
        if line.startswith(f"| `{part}/`"):
            return f"| no `{part}/` | {reason} |"
    return line


def _write_zip(path: Path, contents: Mapping[str, bytes], left_out: dict[str, str]) -> BundleReport:
    """Sorted, with one date and one mode for all, so that equal contents give an equal zip."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with zipfile.ZipFile(new, "w") as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, DATE)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, contents[name])
            parts: dict[str, int] = {}
            for info in archive.infolist():
                part = info.filename.partition("/")[0]
                parts[part] = parts.get(part, 0) + info.compress_size
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return BundleReport(path, path.stat().st_size, parts, left_out)
