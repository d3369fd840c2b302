"""What an export tells: the records behind export.json and operators.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from export.across import RuntimeReport, StressReport
from export.audit import OperatorReport, left_float, rank
from export.auto import AutoReport
from export.contract import InputContract, TensorContract
from export.held_back import HeldBack
from export.parity import Parity

PACKAGES = ("torch", "litert-torch", "ai-edge-litert", "ai-edge-quantizer", "onnx", "onnxruntime")
SCHEMA = 2
WORST = 3


@dataclass(frozen=True)
class OperatorSummary:
    """Of a quantised file in a few figures; operators.json has them all.

    logits_snr_db: before the softmax, the last operator that has a figure. worst: names of those that add
    the most noise. left_float: name -> why, of every operator that is not quantised.
    """

    logits_snr_db: float | None
    worst: tuple[str, ...]
    left_float: dict[str, str]


@dataclass(frozen=True)
class FileReport:
    """One exported model file: what it takes and gives, its size, and how it did on the test clips.

    operators: type -> count. arena_bytes: what TFLite-Micro's arena takes on a 64-bit host, None where it
    does not run the file. float_parts: submodules of the student that a quantised file keeps in float.
    kept_float: operators that --keep-float or --auto left in float. runtime: what apps run it with; accuracy,
    agreement and the rest are that runtime's, as in `export.parity.Parity`. runtimes: every one that was
    asked. stress: on windows that no recording holds. summary: of a quantised file, else None.
    """

    kind: str
    input: TensorContract
    output: TensorContract
    bytes: int
    sha256: str
    operators: dict[str, int]
    arena_bytes: int | None
    float_parts: tuple[str, ...]
    kept_float: tuple[str, ...]
    fine_tuned: bool
    seed: int | None
    runtime: str
    accuracy: float
    agreement: float
    max_difference: float | None
    passed: bool
    why: str | None
    runtimes: dict[str, RuntimeReport] = field(default_factory=dict)
    stress: dict[str, StressReport] = field(default_factory=dict)
    summary: OperatorSummary | None = None


@dataclass(frozen=True)
class PairReport:
    """Two files of one kind, `.tflite` and `.onnx`, on the same test clips."""

    files: tuple[str, str]
    agreement: float
    max_difference: float | None
    passed: bool
    why: str | None


@dataclass(frozen=True)
class HeldBackReport:
    """What int8 loses on training windows that it was not calibrated on.

    plain: calibrated alone. tuned: fine-tuned by --qat too; both on the windows that --qat did not see.
    """

    plain: HeldBack
    tuned: HeldBack | None = None


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote: `export.json` is `to_json()`, `operators.json` is `operators_json()`.

    files: by name, in the order written; those that an earlier export left stand in `kept` as it told them.
    held_back: None where nothing was calibrated, or there were too few windows to hold any back.
    """

    folder: Path
    seed: int | None
    contract: InputContract
    student_accuracy: float
    clips: int
    files: dict[str, FileReport]
    operators: dict[str, tuple[OperatorReport, ...]] = field(default_factory=dict)
    pairs: tuple[PairReport, ...] = ()
    held_back: HeldBackReport | None = None
    auto: AutoReport | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    kept_operators: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every file written now agrees with the student, and with its twin."""
        files = all(report.passed for report in self.files.values())
        pairs = all(pair.passed for pair in self.pairs)
        return files and pairs and (self.auto is None or self.auto.reached)

    @property
    def advice(self) -> str | None:
        """What to try where int8 loses more than half a point on held-back training windows."""
        if self.held_back is None or self.held_back.tuned is not None or self.held_back.plain.within:
            return None
        lost = self.held_back.plain.lost_points
        return (
            f"int8 loses {lost:.1f} points on training clips that were held back; "
            "try --qat, which fine-tunes the student for int8, or --auto, which keeps the worst operators "
            "in float."
        )

    def to_json(self) -> dict[str, Any]:
        """The object of export.json: no path and no time, so that equal exports give equal bytes."""
        held = self.held_back
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "passed": self.passed,
            "contract": self.contract.common_json(),
            "student": {"accuracy": self.student_accuracy, "clips": self.clips},
            "held_back": None if held is None else _held_json(held),
            "auto": None if self.auto is None else asdict(self.auto),
            "advice": self.advice,
            "files": {name: asdict(report) for name, report in self.files.items()} | self.kept,
            "pairs": [asdict(pair) for pair in self.pairs],
            "versions": versions(),
        }

    def operators_json(self) -> dict[str, Any]:
        """The object of operators.json: every operator of every quantised file."""
        told = {name: [asdict(operator) for operator in found] for name, found in self.operators.items()}
        return {"schema": SCHEMA, "files": told | self.kept_operators}


def summarise(operators: Sequence[OperatorReport]) -> OperatorSummary:
    """A few figures of an audit; a worst operator is one that adds noise at all."""
    known = [op for op in operators if op.snr_db is not None and op.type.upper() != "SOFTMAX"]
    return OperatorSummary(
        logits_snr_db=known[-1].snr_db if known else None,
        worst=tuple(op.name for op in rank(operators)[:WORST] if op.added_noise),
        left_float={op.name: op.reason or "" for op in left_float(operators)},
    )


def first_fault(
    parity: Parity, runtimes: dict[str, RuntimeReport], stress: dict[str, StressReport]
) -> str | None:
    """Why a file fails its checks; None if it passes them all."""
    if parity.why is not None:
        return parity.why
    for name, report in runtimes.items():
        if report.why is not None:
            return report.why if name in report.why else f"by {name}, {report.why}"
    return next((f"on {group}, {found.why}" for group, found in stress.items() if found.why), None)


def versions() -> dict[str, str]:
    """The versions of the packages that make the files."""
    return {name: metadata.version(name) for name in PACKAGES}


def _held_json(report: HeldBackReport) -> dict[str, Any]:
    found = {"plain": report.plain, "tuned": report.tuned}
    return {
        name: None if held is None else asdict(held) | {"lost_points": held.lost_points}
        for name, held in found.items()
    }
