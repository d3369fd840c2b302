"""Writes a run's `export/`: model files, labels.txt and export.json, all checked, as a whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.contract import INPUT_NAME, OUTPUT_NAME, InputContract, TensorContract
from export.errors import ExportError
from export.folder import replaced_folder
from export.parity import compare, file_scores, student_scores
from export.quiet import quiet
from export.report import ExportableRun, ExportReport, FileReport

if TYPE_CHECKING:
    from torch import nn

FORMATS = ("tflite", "onnx")

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all


def export_run(
    run: ExportableRun,
    seed: int | None = None,
    formats: Collection[str] = FORMATS,
    int8: bool = True,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes `<run>/export/` and checks every file in it against the torch student on the test windows.

    seed: whose student; None takes the run's first. formats: of FORMATS. int8: quantised files as well,
    calibrated on training windows. Files of other kinds from an earlier export stay. A file that fails
    its check is written all the same; `report.passed` says so.

    Raises ExportError for what cannot be used; the earlier export is then untouched, as it is when the
    disk is full (OSError) or the program is killed.
    """
    _check_formats(formats)
    seed = run.seeds[0] if seed is None else seed
    with quiet():
        student = run.student(seed).cpu().eval()
        _check_labels(run, student)
        with replaced_folder(run.folder / "export") as folder:
            work = _Work(run, student, seed, folder, progress or (lambda *_: None))
            work.write_models(formats, int8)
            return work.finish()


class _Work:
    """One export under way: writes into `folder` what it is told to, and remembers each file's report."""

    def __init__(
        self, run: ExportableRun, student: nn.Module, seed: int, folder: Path, progress: Progress
    ) -> None:
        self.run, self.student, self.seed, self.folder, self.progress = run, student, seed, folder, progress
        self.test, self.test_labels = run.windows("test")
        self.reference = student_scores(student, self.test)
        self.files: dict[str, FileReport] = {}

    def write_models(self, formats: Collection[str], int8: bool) -> None:
        from export.calibrate import choose_windows

        windows = choose_windows(*self.run.windows("train")) if int8 else None
        if "tflite" in formats:
            self._write_tflite(windows)
        if "onnx" in formats:
            self._write_onnx(windows)

    def _write_tflite(self, windows: np.ndarray | None) -> None:
        from export import convert, quantize

        self.progress("converting to .tflite", 0, 1)
        model = convert.to_tflite(self.student, self.run.window)
        self._add_tflite("student.tflite", model)
        if windows is not None:
            kept = quantize.float_tensors(model, self.student)
            report = self._counter("measuring ranges for .tflite")
            self._add_tflite("student.int8.tflite", quantize.quantize_tflite(model, windows, kept, report))

    def _write_onnx(self, windows: np.ndarray | None) -> None:
        from export import convert, quantize

        self.progress("converting to .onnx", 0, 1)
        model = convert.to_onnx(self.student, self.run.window)
        self._add_onnx("student.onnx", model.model)
        if windows is not None:
            parts = quantize.float_parts(self.student)
            report = self._counter("measuring ranges for .onnx")
            self._add_onnx("student.int8.onnx", quantize.quantize_onnx(model, windows, parts, report))

    def _add_tflite(self, name: str, model: bytes) -> None:
        from export.tflite_file import borders, with_contract
        from firmware_sim.model import read_model

        contract = self._contract(*borders(model))
        (self.folder / name).write_bytes(with_contract(model, contract))
        operators = Counter(operator.name for operator in read_model(self.folder / name).operators)
        self._check(name, contract, operators)

    def _add_onnx(self, name: str, model: Any) -> None:
        from export.convert import with_onnx_contract

        contract = self._contract(*self._float_borders())
        (self.folder / name).write_bytes(with_onnx_contract(model, contract))
        self._check(name, contract, Counter(node.op_type for node in model.graph.node))

    def _check(self, name: str, contract: InputContract, operators: Counter[str]) -> None:
        """Runs the file that was just written on the test windows, and notes how it did."""
        from export.quantize import float_parts

        self.progress(f"checking {name}", 0, 1)
        path = self.folder / name
        int8 = ".int8." in name
        runtime, scores = file_scores(path, self.test)
        parity = compare(self.reference, scores, self.test_labels, int8)
        self.files[name] = FileReport(
            input=contract.input,
            output=contract.output,
            bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            operators=dict(sorted(operators.items())),
            float_parts=float_parts(self.student) if int8 else (),
            seed=self.seed,
            runtime=runtime,
            **asdict(parity),
        )
        self.progress(f"checking {name}", 1, 1)

    def finish(self) -> ExportReport:
        """Adds labels.txt, what an earlier export left of other kinds, and export.json."""
        target = self.run.folder / "export"
        report = ExportReport(
            folder=target,
            seed=self.seed,
            contract=self._contract(*self._float_borders()),
            student_accuracy=float((self.reference.argmax(axis=1) == self.test_labels).mean()),
            clips=len(self.test_labels),
            files=self.files,
            kept=_keep_other_kinds(target, self.folder, self.files),
        )
        (self.folder / "labels.txt").write_text("".join(f"{label}\n" for label in self.run.labels), "utf-8")
        text = json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n"
        (self.folder / "export.json").write_text(text, "utf-8")
        return report

    def _contract(self, taken: TensorContract, given: TensorContract) -> InputContract:
        run = self.run
        return InputContract(
            input=taken,
            output=given,
            labels=tuple(run.labels),
            window=run.window,
            framing=run.framing,
            rate_hz=run.rate_hz,
            student=run.plan.student,
        )

    def _float_borders(self) -> tuple[TensorContract, TensorContract]:
        taken = TensorContract(INPUT_NAME, (1, self.run.window, 3), "float32")
        return taken, TensorContract(OUTPUT_NAME, (1, len(self.run.labels)), "float32")

    def _counter(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(what, done, total)


def _keep_other_kinds(old: Path, new: Path, written: Collection[str]) -> dict[str, Any]:
    """Copies the files of `old` that this export does not write; returns their entries in its export.json."""
    if not old.is_dir():
        return {}
    remade = {*written, "labels.txt", "export.json"}
    for file in sorted(old.iterdir()):
        if file.name not in remade:
            copy = shutil.copytree if file.is_dir() else shutil.copy2
            copy(file, new / file.name)
    try:
        told = json.loads((old / "export.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the files stay; what a damaged export.json said of them is lost
    return {name: entry for name, entry in told.items() if name not in remade and (new / name).exists()}


def _check_formats(formats: Collection[str]) -> None:
    for name in formats:
        if name not in FORMATS:
            raise ExportError(f"There is no format called {name!r}; choose of: {', '.join(FORMATS)}.")
    if not formats:
        raise ExportError(f"No format was chosen; choose of: {', '.join(FORMATS)}.")


def _check_labels(run: ExportableRun, student: nn.Module) -> None:
    import torch

    with torch.no_grad():
        scores = student(torch.zeros(1, run.window, 3)).logits.shape[-1]
    if scores != len(run.labels):
        raise ExportError(
            f"{run.folder / 'labels.txt'} has {len(run.labels)} names, the student gives {scores} scores; "
            "mend labels.txt or train again."
        )
