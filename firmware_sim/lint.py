"""What a target's runtime will refuse or run slowly in a model file, before any device is touched.

    lint(Path("student.int8.tflite"), ["tflm", "ethos-u"]).refused

Each target is asked in the most direct way there is: TFLite-Micro's interpreter and Arm's vela compiler
themselves where they are installed, LiteRT by what it hands to XNNPACK, and tables for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_sim.errors import SimError
from firmware_sim.lint_targets import ethos_u, litert, tables, tflm
from firmware_sim.lint_targets.finding import Asked
from firmware_sim.model import Model, read_model

SCHEMA = 1
TARGETS: dict[str, Callable[[Model], Asked]] = {
    "tflm": tflm.ask,
    "edgehar-c": tables.ask_edgehar_c,
    "ethos-u": ethos_u.ask,
    "litert-xnnpack": litert.ask,
}


@dataclass(frozen=True)
class LintReport:
    """What each target says of a file. refused: the targets that will not run it."""

    model: str
    sha256: str
    operators: int
    targets: dict[str, Asked] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[str, ...]:
        """Targets that refuse an operator of the file."""
        return tuple(name for name, asked in self.targets.items() if asked.refused)

    def to_json(self) -> dict[str, Any]:
        """One object: `schema`, `model`, `refused`, and by target how it was asked and what it found."""
        return {
            "schema": SCHEMA,
            "model": {"path": self.model, "sha256": self.sha256, "operators": self.operators},
            "refused": list(self.refused),
            "targets": {name: asked.to_json() for name, asked in self.targets.items()},
        }


def lint(path: Path | str, targets: Sequence[str]) -> LintReport:
    """Asks each of `targets` (of TARGETS) about a `.tflite` file.

    Raises SimError for another file, a damaged one, an unknown target, and a target whose tool is missing.
    """
    path = Path(path)
    for name in targets:
        if name not in TARGETS:
            raise SimError(f"There is no target called {name!r}; choose of: {', '.join(TARGETS)}.")
    if not targets:
        raise SimError(f"No target was named; choose of: {', '.join(TARGETS)}.")
    if path.suffix == ".onnx":
        raise SimError(f"{path}: these targets run .tflite files only; lint the .tflite of the same export.")
    model = read_model(path)
    asked = {name: TARGETS[name](model) for name in dict.fromkeys(targets)}
    return LintReport(str(path), model.sha256, len(model.operators), asked)
