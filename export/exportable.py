"""What is exported: a network with the windows to calibrate and to check it on, wherever it is from.

A run folder becomes one by `from_run`; other people's networks need only fill the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from export.contract import INPUT_NAME, OUTPUT_NAME, InputContract, TensorContract
from export.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


@dataclass(frozen=True)
class Windows:
    """Windows as the student sees them: values (N, T, C) float32, labels (N,) int64 (class indices).

    subjects: (N,) who was recorded, or None where that is unknown.
    """

    values: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, keep: np.ndarray) -> Windows:
        """The windows where `keep` (N,) is true, or those that it lists."""
        subjects = None if self.subjects is None else self.subjects[keep]
        return Windows(self.values[keep], self.labels[keep], subjects)


@dataclass(frozen=True)
class Exportable:
    """A trained network and all that export must know of it.

    student: called with (N, T, C) float32, it returns something with `.logits` (N, classes); on the CPU, in
    eval mode. It may have `float_parts`, names of submodules that int8 would ruin.
    contract: of its float files; `float_contract` makes one. train: windows to calibrate on, and to choose
    on; test: windows that are only judged on. origin: what the user knows it by, for sentences.
    """

    student: nn.Module
    contract: InputContract
    train: Windows
    test: Windows
    origin: str
    seed: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(T, C): samples and columns of one window."""
        return self.contract.input.shape[1], self.contract.input.shape[2]


class _Plan(Protocol):
    @property
    def student(self) -> str: ...


class _Clips(Protocol):
    @property
    def arrays(self) -> Mapping[str, np.ndarray]: ...
    @property
    def labels(self) -> np.ndarray: ...
    @property
    def subjects(self) -> np.ndarray: ...


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

    def clips(self, part: str, *streams: str) -> _Clips: ...


def from_run(run: ExportableRun, seed: int | None = None) -> Exportable:
    """The student of a run's seed (its first if none is named), with the windows of its split.

    Raises ExportError if labels.txt does not match the classes that the student tells apart.
    """
    seed = run.seeds[0] if seed is None else seed
    student = run.student(seed).cpu().eval()
    contract = float_contract(
        run.labels, run.window, student=run.plan.student, framing=run.framing, rate_hz=run.rate_hz
    )
    _check_labels(student, contract, run.folder / "labels.txt")
    train, test = (_windows(run.clips(part, "acc")) for part in ("train", "test"))
    return Exportable(student, contract, train, test, origin=str(run.folder), seed=seed)


def float_contract(
    labels: tuple[str, ...],
    window: int,
    *,
    student: str,
    framing: str,
    rate_hz: float | None,
    channels: int = 3,
) -> InputContract:
    """The contract of a float file that takes windows (1, window, channels) and scores the labels."""
    return InputContract(
        input=TensorContract(INPUT_NAME, (1, window, channels), "float32"),
        output=TensorContract(OUTPUT_NAME, (1, len(labels)), "float32"),
        labels=tuple(labels),
        window=window,
        framing=framing,
        rate_hz=rate_hz,
        student=student,
    )


def _windows(clips: _Clips) -> Windows:
    return Windows(clips.arrays["acc"], clips.labels, clips.subjects)


def _check_labels(student: nn.Module, contract: InputContract, path: Path) -> None:
    import torch

    with torch.no_grad():
        scores = student(torch.zeros(contract.input.shape)).logits.shape[-1]
    if scores != len(contract.labels):
        raise ExportError(
            f"{path} has {len(contract.labels)} names, the student gives {scores} scores; "
            "mend labels.txt or train again."
        )
