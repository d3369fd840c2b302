"""How a student becomes int8: ranges, what stays float, fine-tuning, and what held-back windows lose.

All choices are made here, on training windows alone; `export.artifacts` writes and judges what comes out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.audit import OperatorReport, audit
from export.auto import AutoReport, take_out
from export.calibrate import Extremes, Ranges, choose_windows, measure_extremes, merge_ranges
from export.errors import ExportError
from export.exportable import Exportable
from export.held_back import HeldBack, divide_folds, judge_held_back
from export.kinds import INT8, KINDS, Choices
from export.operators import NamedOperator, find_operators, float_tensors, name_operators
from export.parity import RUNTIMES_BY_SUFFIX, student_scores
from export.quantize import KeptFloat, float_parts, quantize_tflite
from export.report import HeldBackReport

if TYPE_CHECKING:
    from torch import nn

Counter = Callable[[str], Callable[[int, int], None]]  # what is being done -> progress(done, total)
_ALONE = (0,)  # the fold that --qat does not train on


@dataclass
class Network:
    """A student as a float `.tflite`, its activations' extremes by fold, and the names of its operators."""

    student: nn.Module
    model: bytes
    folds: list[Extremes]
    named: tuple[NamedOperator, ...] = field(default=())

    @cached_property
    def ranges(self) -> Ranges:
        """Over all windows."""
        return merge_ranges(self.folds)


@dataclass
class Plan:
    """What quantised files are made from: `plain`, or for int8 `tuned` where --qat was asked for."""

    plain: Network
    tuned: Network | None
    kept: KeptFloat
    windows: np.ndarray
    held_back: HeldBackReport | None
    auto: AutoReport | None

    def network(self, kind: str) -> Network:
        """The network that a kind is made from."""
        return self.tuned if self.tuned is not None and kind in INT8 else self.plain

    def quantize(self, kind: str) -> bytes:
        """A quantised `.tflite`, ranges from all calibration windows."""
        network = self.network(kind)
        ranges = network.ranges if KINDS[kind].calibrated else None
        return quantize_tflite(network.model, kind, ranges, self.kept)

    def audit(self, kind: str, quantised: bytes) -> tuple[OperatorReport, ...]:
        """Its operators, on calibration windows, against the network that it was made from."""
        network = self.network(kind)
        return audit(network.model, quantised, kind, network.named, self.kept, self.windows)

    def kept_names(self) -> tuple[str, ...]:
        """The operators that --keep-float or --auto left in float."""
        outputs = {*self.kept.named, *self.kept.taken}
        return tuple(operator.name for operator in self.plain.named if operator.output in outputs)

    def kept_modules(self) -> dict[str, str]:
        """The modules of those operators, which stay float in an `.onnx` too, and why.

        The converter also writes neighbours of another block into a merged operator; those are left out.
        """
        outputs = {*self.kept.named, *self.kept.taken}
        return {
            module: self.kept.reason(operator.output) or ""
            for operator in self.plain.named
            if operator.output in outputs
            for module in operator.modules
            if module.rpartition(".")[0] == operator.name.partition("#")[0].rpartition(".")[0]
        }


def make_plan(source: Exportable, model: bytes, choices: Choices, counter: Counter) -> Plan:
    """Settles how the chosen kinds are quantised. model: the student's float `.tflite`.

    Raises ExportError for training windows that cannot calibrate, and for an unknown --keep-float.
    """
    return _Planner(source, choices, counter).plan(model)


class _Planner:
    def __init__(self, source: Exportable, choices: Choices, counter: Counter) -> None:
        self.source, self.choices, self.counter = source, choices, counter
        self.train = source.train.only(choose_windows(source.train.values, source.train.labels))
        self.folds = divide_folds(self.train)
        self.expected = student_scores(source.student, self.train.values).argmax(axis=1)

    def plan(self, model: bytes) -> Plan:
        plain = self._network(self.source.student, model, "measuring ranges")
        kept = KeptFloat(
            parts=tuple(float_tensors(model, self.source.student, float_parts(self.source.student))),
            named=tuple(op.output for op in find_operators(plain.named, self.choices.keep_float)),
        )
        if not set(INT8) & set(self.choices.kinds) or not self.folds:
            self._check_folds()
            return Plan(plain, None, kept, self.train.values, None, None)
        tuned = self._fine_tuned() if self.choices.qat else None
        judged = _ALONE if tuned else None
        before = self._lost(plain, kept, judged)
        after = self._lost(tuned, kept, judged) if tuned else None
        auto = None
        if self.choices.auto:
            kept, auto = self._take_out(tuned or plain, kept, judged)
        return Plan(plain, tuned, kept, self.train.values, HeldBackReport(before, after), auto)

    def _network(self, student: nn.Module, model: bytes, what: str) -> Network:
        parts = [self.train.values[rows] for rows in self.folds] or [self.train.values]
        told, done, folds = self.counter(what), 0, []
        for part in parts:
            folds.append(measure_extremes(model, part, partial(self._tell, told, done)))
            done += len(part)
        return Network(student, model, folds, name_operators(model, student))

    def _tell(self, told: Callable[[int, int], None], before: int, done: int, _: int) -> None:
        told(before + done, len(self.train))

    def _fine_tuned(self) -> Network:
        from export.convert import to_tflite
        from export.qat import fine_tune

        seen = np.sort(np.concatenate(self.folds[1:]))
        student = fine_tune(
            self.source.student, self.train.values[seen], progress=self.counter("fine-tuning for int8")
        )
        return self._network(student, to_tflite(student, *self.source.shape), "measuring ranges again")

    def _lost(self, network: Network, kept: KeptFloat, judged: tuple[int, ...] | None) -> HeldBack:
        return judge_held_back(
            self.train,
            self.expected,
            self.folds,
            network.folds,
            lambda ranges: quantize_tflite(network.model, "int8", ranges, kept),
            decide,
            judged,
        )

    def _take_out(
        self, network: Network, kept: KeptFloat, judged: tuple[int, ...] | None
    ) -> tuple[KeptFloat, AutoReport]:
        told, tries = self.counter("taking operators out"), 0

        def attempt(kept: KeptFloat) -> tuple[HeldBack, tuple[OperatorReport, ...]]:
            nonlocal tries
            tries += 1
            told(tries, len(network.named))
            quantised = quantize_tflite(network.model, "int8", network.ranges, kept)
            found = audit(network.model, quantised, "int8", network.named, kept, self.train.values)
            return self._lost(network, kept, judged), found

        return take_out(attempt, network.named, kept)

    def _check_folds(self) -> None:
        option = "--auto" if self.choices.auto else "--qat" if self.choices.qat else None
        if option is not None and not self.folds:
            raise ExportError(
                f"{option} judges on training clips that are held back, and {len(self.train)} are too few "
                "to hold any; calibrate on at least 10."
            )


def decide(model: bytes, windows: np.ndarray) -> np.ndarray:
    """The classes (N,) that a `.tflite` in memory gives windows (N, T, C), by the runtime that apps use."""
    from firmware_sim.runtimes import RUNTIMES

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        return RUNTIMES[RUNTIMES_BY_SUFFIX[".tflite"]](path, windows).argmax(axis=1)
