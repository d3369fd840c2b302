"""Writes the folder that a firmware developer is handed: the student in C, its check, its Makefile."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.c.golden import golden_text, golden_vectors
from export.c.graph import read_graph
from export.c.layers import build_layers
from export.c.plan import plan_arena
from export.c.source import Student, header_text, source_text, template_text
from export.c.tflm import TflmReport, write_tflm
from export.contract import CONTRACT_KEY, InputContract, read_contract
from export.errors import ExportError
from export.folder import replaced_folder
from export.tflite_file import read_metadata

SCHEMA = 1
OURS = "student.c"  # a folder that holds it may be replaced
C_FILES = ("student.c", "student.h", "golden.h", "main.c", "Makefile", "tflm/model.h", "tflm/resolver.h")


@dataclass(frozen=True)
class CReport:
    """What was written. operators: how many of them compute something; golden: vectors in golden.h.

    arena_bytes: RAM of the student; weights_bytes: its constants in the model file.
    """

    folder: Path
    model: str
    sha256: str
    macs: int
    operators: int
    arena_bytes: int
    weights_bytes: int
    golden: int
    tflm: TflmReport

    @property
    def passed(self) -> bool:
        """Whether TFLite-Micro, in the arena that model.h names, gives the golden scores."""
        return self.tflm.passed

    def to_json(self) -> dict[str, Any]:
        """The object that `edgehar export --c --json` prints."""
        return {"schema": SCHEMA, "passed": self.passed, **asdict(self), "folder": str(self.folder)}


def load_student(path: Path) -> Student:
    """A `.tflite` file, read, checked and planned. Raises ExportError for what C cannot do."""
    graph = read_graph(path)
    layers = build_layers(graph)
    return Student(graph, layers, plan_arena(graph, layers), contract_of(path))


def contract_of(path: Path) -> InputContract | None:
    """The contract inside a file that edgehar exported; None for any other."""
    return read_contract(path) if CONTRACT_KEY in read_metadata(path) else None


def write_c(path: Path, target: Path, windows: np.ndarray | None = None) -> CReport:
    """Writes the int8 file `path` as C into the folder `target`, which is replaced as a whole.

    student.c and student.h, golden.h with vectors to check them by, main.c, Makefile, and in `tflm` the
    same for TFLite-Micro. windows: (N, T, 3) in m/s^2, from which golden vectors are taken; None: noise.
    Equal input gives equal bytes. Raises ExportError for a file, an operator or a folder that it cannot
    use; what was there before is then untouched.
    """
    student = load_student(path)
    _check_target(target)
    golden = golden_vectors(student.graph, windows)
    texts = {
        "student.c": source_text(student),
        "student.h": header_text(student),
        "golden.h": golden_text(golden),
        "main.c": template_text("main.c"),
        "Makefile": template_text("Makefile"),
    }
    with replaced_folder(target) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8", newline="\n")
        (folder / "tflm").mkdir()
        tflm = write_tflm(student.graph, folder / "tflm", golden.inputs, golden.scores)
    model = student.graph.model
    return CReport(
        folder=target,
        model=path.name,
        sha256=model.sha256,
        macs=model.macs,
        operators=sum(not layer.moves_nothing for layer in student.layers),
        arena_bytes=student.plan.arena_bytes,
        weights_bytes=model.weights_bytes,
        golden=len(golden.inputs),
        tflm=tflm,
    )


def _check_target(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise ExportError(f"{target} is a file; name a folder for the C files with --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / OURS).is_file():
        raise ExportError(f"{target} holds other files; name an empty or new folder with --out.")
    if not target.parent.is_dir():
        raise ExportError(f"There is no folder {target.parent}; make it, or name another with --out.")
