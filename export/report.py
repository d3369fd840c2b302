"""What an export is made from and what it tells: the records behind export.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from export.contract import InputContract, TensorContract

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PACKAGES = ("torch", "litert-torch", "ai-edge-litert", "ai-edge-quantizer", "onnx", "onnxruntime")
SCHEMA = 1


class _Plan(Protocol):
    @property
    def student(self) -> str: ...


class ExportableRun(Protocol):
    """What export needs of a run folder; `edgehar.runs.Run` has it."""

    @property
    def folder(self) -> Path: ...
    @property
    def plan(self) -> _Plan: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def framing(self) -> str: ...
    @property
    def rate_hz(self) -> float | None: ...
    @property
    def window(self) -> int: ...

    def student(self, seed: int | None = None) -> nn.Module: ...

    def windows(self, part: str) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class FileReport:
    """One exported model file: what it takes and gives, its size, and how it did on the test clips.

    operators: type -> count. float_parts: submodules of the student that an int8 file keeps in float.
    runtime: what ran it. accuracy, agreement and the rest as in `export.parity.Parity`.
    """

    input: TensorContract
    output: TensorContract
    bytes: int
    sha256: str
    operators: dict[str, int]
    float_parts: tuple[str, ...]
    seed: int
    runtime: str
    accuracy: float
    agreement: float
    max_difference: float | None
    passed: bool
    why: str | None


@dataclass(frozen=True)
class ExportReport:
    """What `export_run` wrote: `export.json` is `to_json()`.

    files: by name, in the order written; those that an earlier export left stand in `kept` as it told them.
    """

    folder: Path
    seed: int
    contract: InputContract
    student_accuracy: float
    clips: int
    files: dict[str, FileReport]
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every file written now agrees with the student."""
        return all(report.passed for report in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """The object of export.json: no path and no time, so that equal exports give equal bytes."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "passed": self.passed,
            "contract": self.contract.common_json(),
            "student": {"accuracy": self.student_accuracy, "clips": self.clips},
            "files": {name: asdict(report) for name, report in self.files.items()} | self.kept,
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """The versions of the packages that make the files."""
    return {name: metadata.version(name) for name in PACKAGES}
