"""Runs the files that were written, and notes how they did."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.across import check_runtimes, check_stress
from export.contract import InputContract
from export.errors import ExportError
from export.exportable import Exportable
from export.kinds import KINDS, file_name
from export.parity import RUNTIMES_BY_SUFFIX, compare, student_scores
from export.quantize import float_parts
from export.report import FileReport, PairReport, first_fault, summarise
from export.stress import stress_windows
from firmware_sim.errors import SimError
from firmware_sim.model import read_model

if TYPE_CHECKING:
    from export.audit import OperatorReport
    from export.int8 import Plan


class Checker:
    """What the student says of its test windows and of made ones, and each file's report beside that.

    Raises ExportError if the student's own scores are not finite, or there is no test window.
    """

    def __init__(self, source: Exportable) -> None:
        self.source = source
        self.windows = np.ascontiguousarray(source.test.values, dtype=np.float32)
        self.labels = source.test.labels
        self.reference = student_scores(source.student, self.windows)
        self.stress = stress_windows(self.windows)
        self.stress_reference = {name: self._stressed(name) for name in self.stress}
        self.files: dict[str, FileReport] = {}
        self.operators: dict[str, tuple[OperatorReport, ...]] = {}
        self.scores: dict[str, np.ndarray] = {}

    @property
    def student_accuracy(self) -> float:
        return float((self.reference.argmax(axis=1) == self.labels).mean())

    def check(
        self,
        path: Path,
        kind: str,
        contract: InputContract,
        plan: Plan | None,
        operators: tuple[OperatorReport, ...] | None,
    ) -> None:
        """Runs a file that was just written by every runtime, on test windows and on made ones."""
        exact, step = kind == "float", contract.output.scale
        runtimes, scores = check_runtimes(path, self.windows, self.labels, self.reference, exact, step)
        main = RUNTIMES_BY_SUFFIX[path.suffix]
        stress = check_stress(path, self.stress, self.stress_reference, exact, tuple(scores))
        parity = compare(self.reference, scores[main], self.labels, not exact)
        why = first_fault(parity, runtimes, stress)
        content = path.read_bytes()
        calibrated = KINDS[kind].calibrated
        self.scores[path.name] = scores[main]
        self.files[path.name] = FileReport(
            kind=kind,
            input=contract.input,
            output=contract.output,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            operators=_count_operators(path),
            arena_bytes=_arena(path) if "tflm" in scores else None,
            float_parts=float_parts(self.source.student) if calibrated else (),
            kept_float=plan.kept_names() if plan is not None and calibrated else (),
            fine_tuned=plan is not None and plan.network(kind) is plan.tuned,
            seed=self.source.seed,
            runtime=main,
            **asdict(replace(parity, passed=why is None, why=why)),
            runtimes=runtimes,
            stress=stress,
            summary=summarise(operators) if operators is not None else None,
        )
        if operators is not None:
            self.operators[path.name] = operators

    def pairs(self) -> tuple[PairReport, ...]:
        """Each `.tflite` beside the `.onnx` of its kind, where both were written."""
        found = []
        for kind in KINDS:
            one, other = file_name(kind, "tflite"), file_name(kind, "onnx")
            if one in self.scores and other in self.scores:
                parity = compare(self.scores[one], self.scores[other], self.labels, kind != "float")
                found.append(
                    PairReport(
                        (one, other), parity.agreement, parity.max_difference, parity.passed, parity.why
                    )
                )
        return tuple(found)

    def _stressed(self, group: str) -> np.ndarray:
        try:
            return student_scores(self.source.student, self.stress[group])
        except ExportError:
            raise ExportError(
                f"{self.source.origin}: the student's scores are not finite for windows of {group}; "
                "an app will meet such windows, so guard the divisions and logarithms of the network."
            ) from None


def _count_operators(path: Path) -> dict[str, int]:
    if path.suffix == ".tflite":
        names = [operator.name for operator in read_model(path).operators]
    else:
        import onnx

        names = [node.op_type for node in onnx.load_model(path).graph.node]
    return dict(sorted(Counter(names).items()))


def _arena(path: Path) -> int | None:
    """What TFLite-Micro's arena takes here, None where it does not say."""
    from firmware_sim.runtimes.tflm import TflmSession

    try:
        return TflmSession(path).arena().get("total")
    except SimError:
        return None
