"""Writes an `export/` folder: model files, labels.txt, export.json, operators.json; checked, as a whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.check import Checker
from export.contract import InputContract
from export.exportable import Exportable, ExportableRun, from_run
from export.folder import replaced_folder
from export.int8 import Plan, make_plan
from export.kinds import Choices, file_name
from export.quiet import quiet
from export.report import ExportReport

if TYPE_CHECKING:
    from export.convert import OnnxStudent

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

OPERATORS_FILE, PICTURE_FILE = "operators.json", "operators.png"


def export_run(
    run: ExportableRun,
    choices: Choices | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes `<run>/export/` from the student of a seed, the run's first if none is named.

    As `export_student`, whose errors it passes on.
    """
    with quiet():
        source = from_run(run, seed)
    return export_student(source, run.folder / "export", choices, progress)


def export_student(
    source: Exportable,
    folder: Path,
    choices: Choices | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes a network's files into `folder`, and checks every one against it on its test windows.

    choices: both float formats and nothing quantised if none are given. Files of other kinds from an
    earlier export stay. A file that fails its check is written all the same; `report.passed` says so.

    Raises ExportError for what cannot be used; the earlier export is then untouched, as it is when the
    disk is full or the folder write-protected (OSError), or the program is killed.
    """
    with quiet(), replaced_folder(folder) as new:
        work = _Work(source, choices or Choices(), folder, new, progress or (lambda *_: None))
        work.write_models()
        return work.finish()


class _Work:
    """One export under way: writes into `folder` what was chosen, and remembers each file's report."""

    def __init__(
        self, source: Exportable, choices: Choices, target: Path, folder: Path, progress: Progress
    ) -> None:
        version = choices.version or source.contract.version
        source = replace(source, contract=replace(source.contract, version=version))
        self.source, self.choices, self.target, self.folder = source, choices, target, folder
        self.progress = progress
        self.checker = Checker(source)
        self.plan: Plan | None = None

    def write_models(self) -> None:
        if self.choices.formats == ("onnx",) and not self.choices.keep_float:
            self._write_onnx()
            return
        from export import convert

        self.progress("converting to .tflite", 0, 1)
        model = convert.to_tflite(self.source.student, *self.source.shape)
        if self.choices.kinds:
            self.plan = make_plan(self.source, model, self.choices, self._counter)
        self._write_tflite(model)
        self._write_onnx()

    def _write_tflite(self, model: bytes) -> None:
        for kind in self.choices.of("tflite"):
            content = model
            if kind != "float":
                assert self.plan is not None
                self.progress(f"quantising to {kind}", 0, 1)
                content = self.plan.quantize(kind)
            self._add_tflite(kind, content)

    def _add_tflite(self, kind: str, content: bytes) -> None:
        from export.tflite_file import borders, with_contract

        name = file_name(kind, "tflite")
        contract = self._contract(*borders(content))
        (self.folder / name).write_bytes(with_contract(content, contract))
        operators = None
        if kind != "float" and self.plan is not None:
            self.progress(f"auditing {name}", 0, 1)
            operators = self.plan.audit(kind, content)
        self._check(name, kind, contract, operators)

    def _write_onnx(self) -> None:
        kinds = self.choices.of("onnx")
        if not kinds:
            return
        from export import convert

        self.progress("converting to .onnx", 0, 1)
        tuned = self.plan.tuned if self.plan is not None else None
        plain = convert.to_onnx(self.source.student, *self.source.shape)
        self._add_onnx("float", plain.model)
        if "int8" in kinds:
            self._add_int8_onnx(convert.to_onnx(tuned.student, *self.source.shape) if tuned else plain)

    def _add_int8_onnx(self, student: OnnxStudent) -> None:
        from export.audit_onnx import audit_onnx
        from export.calibrate import choose_windows
        from export.quantize import float_parts
        from export.quantize_onnx import float_nodes, quantize_onnx

        train = self.source.train
        windows = np.ascontiguousarray(train.values[choose_windows(train.values, train.labels)], np.float32)
        modules = self.plan.kept_modules() if self.plan is not None else None
        kept = float_nodes(student, float_parts(self.source.student), modules)
        model = quantize_onnx(student, windows, kept, self._counter("measuring ranges for .onnx"))
        self.progress(f"auditing {file_name('int8', 'onnx')}", 0, 1)
        self._add_onnx("int8", model, audit_onnx(student, model, kept, windows))

    def _add_onnx(self, kind: str, model: Any, operators: Any = None) -> None:
        from export.convert import with_onnx_contract

        name = file_name(kind, "onnx")
        contract = self.source.contract
        (self.folder / name).write_bytes(with_onnx_contract(model, contract))
        self._check(name, kind, contract, operators)

    def _check(self, name: str, kind: str, contract: InputContract, operators: Any) -> None:
        self.progress(f"checking {name}", 0, 1)
        self.checker.check(self.folder / name, kind, contract, self.plan, operators)
        self.progress(f"checking {name}", 1, 1)

    def finish(self) -> ExportReport:
        """Adds labels.txt, what an earlier export left of other kinds, and the reports."""
        checker, plan = self.checker, self.plan
        files = checker.files
        written = {*files, "labels.txt", "export.json", OPERATORS_FILE, PICTURE_FILE}
        _copy_others(self.target, self.folder, written)
        report = ExportReport(
            folder=self.target,
            seed=self.source.seed,
            contract=self.source.contract,
            student_accuracy=checker.student_accuracy,
            clips=len(self.source.test),
            files=files,
            operators=checker.operators,
            pairs=checker.pairs(),
            held_back=plan.held_back if plan else None,
            auto=plan.auto if plan else None,
            kept=_told_of_others(self.target / "export.json", self.folder, written),
            kept_operators=_told_of_others(self.target / OPERATORS_FILE, self.folder, written),
        )
        self._write_reports(report)
        return report

    def _write_reports(self, report: ExportReport) -> None:
        labels = "".join(f"{label}\n" for label in report.contract.labels)
        (self.folder / "labels.txt").write_text(labels, "utf-8")
        _write_json(self.folder / "export.json", report.to_json())
        told = report.operators_json()
        if told["files"]:
            from export.audit_picture import draw_operators

            self.progress("drawing the operators", 0, 1)
            _write_json(self.folder / OPERATORS_FILE, told)
            draw_operators(told["files"], self.folder / PICTURE_FILE)

    def _contract(self, taken: Any, given: Any) -> InputContract:
        contract = self.source.contract
        return replace(contract, input=replace(taken, name=contract.input.name), output=given)

    def _counter(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(what, done, total)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _copy_others(old: Path, new: Path, written: Collection[str]) -> None:
    """Copies the files of `old` that this export does not write."""
    if not old.is_dir():
        return
    for file in sorted(old.iterdir()):
        if file.name not in written:
            copy = shutil.copytree if file.is_dir() else shutil.copy2
            copy(file, new / file.name)


def _told_of_others(path: Path, new: Path, written: Collection[str]) -> dict[str, Any]:
    """What an earlier report said of the files that stay; nothing where it is damaged."""
    try:
        told = json.loads(path.read_text("utf-8"))["files"]
        return {name: entry for name, entry in told.items() if name not in written and (new / name).exists()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
