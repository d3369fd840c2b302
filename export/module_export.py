"""Writes and checks the files of somebody else's network, as `export.artifacts` does a run's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.artifacts import FORMATS, Progress, _check_formats, _Work
from export.contract import InputContract, TensorContract
from export.errors import ExportError
from export.exportable import Exportable
from export.folder import replaced_folder
from export.quiet import quiet
from export.refusals import refusal, refuse_left_over
from export.report import ExportReport

if TYPE_CHECKING:
    from torch import nn


def export_module(
    exportable: Exportable,
    folder: Path,
    formats: Collection[str] = FORMATS,
    int8: bool = True,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes `<folder>/export/` and checks every file in it on the windows that were held back.

    Raises ExportError, with the operator's name and what to use instead, for a network that cannot be
    converted; an earlier export is then untouched.
    """
    _check_formats(formats)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet(), replaced_folder(folder / "export") as new:
        work = _ModuleWork(exportable, folder, new, progress or (lambda *_: None))
        work.write_models(formats, int8)
        return work.finish()


class _ModuleRun:
    """An Exportable with the face of a run."""

    def __init__(self, exportable: Exportable, folder: Path) -> None:
        contract = exportable.contract
        self.folder, self.exportable, self.plan = folder, exportable, contract
        self.labels, self.framing = contract.labels, contract.framing
        self.rate_hz, self.window, self.seeds = contract.rate_hz, contract.window, (0,)

    def student(self, seed: int | None = None) -> nn.Module:
        return self.exportable.student

    def windows(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        found = self.exportable.train if part == "train" else self.exportable.test
        return found.values, found.labels


class _ModuleWork(_Work):
    def __init__(self, exportable: Exportable, folder: Path, new: Path, progress: Progress) -> None:
        super().__init__(_ModuleRun(exportable, folder), exportable.student, 0, new, progress)
        self.exportable = exportable

    def _write_tflite(self, windows: np.ndarray | None) -> None:
        with _refused(self.exportable.origin, "tflite"):
            super()._write_tflite(windows)

    def _write_onnx(self, windows: np.ndarray | None) -> None:
        with _refused(self.exportable.origin, "onnx"):
            super()._write_onnx(windows)

    def _add_tflite(self, name: str, model: bytes) -> None:
        from firmware_sim.model import read_model

        (self.folder / name).write_bytes(model)
        refuse_left_over({step.name for step in read_model(self.folder / name).operators}, self.exportable.origin)
        super()._add_tflite(name, model)

    def _contract(self, taken: TensorContract, given: TensorContract) -> InputContract:
        contract = self.exportable.contract
        return replace(contract, input=replace(taken, name=contract.input.name), output=given)

    def _float_borders(self) -> tuple[TensorContract, TensorContract]:
        return self.exportable.contract.input, self.exportable.contract.output


@contextmanager
def _refused(target: str, format_: str) -> Iterator[None]:
    """Turns what a converter raises into the sentence that names the operator."""
    from firmware_sim.errors import SimError

    try:
        yield
    except (ExportError, SimError, OSError, MemoryError):
        raise
    except Exception as error:  # other people's networks: the converters raise whatever they like
        raise refusal(error, target, format_) from error
