"""Writes the folder that a firmware developer is handed: the student in C, its check, its Makefile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.c.golden import golden_text, golden_vectors
from export.c.graph import read_graph
from export.c.layers import build_layers
from export.c.plan import plan_arena
from export.c.source import Student, header_text, source_text, template_text
from export.contract import CONTRACT_KEY, InputContract, read_contract
from export.tflite_file import read_metadata


@dataclass(frozen=True)
class CReport:
    """What was written. operators: how many of them compute something.

    arena_bytes: RAM of the student; weights_bytes: flash of its constants in the model file.
    """

    folder: Path
    model: str
    sha256: str
    macs: int
    operators: int
    arena_bytes: int
    weights_bytes: int
    golden: int


def load_student(path: Path) -> Student:
    """A `.tflite` file, read, checked and planned. Raises ExportError for what C cannot do."""
    graph = read_graph(path)
    layers = build_layers(graph)
    return Student(graph, layers, plan_arena(graph, layers), contract_of(path))


def contract_of(path: Path) -> InputContract | None:
    """The contract inside a file that edgehar exported; None for any other."""
    return read_contract(path) if CONTRACT_KEY in read_metadata(path) else None


def write_c(path: Path, folder: Path, windows: np.ndarray | None = None) -> CReport:
    """Writes student.c, student.h, golden.h, main.c and Makefile for the int8 file `path` into `folder`.

    windows: (N, T, 3) in m/s^2, the golden vectors are taken from; None: noise. Equal input gives equal
    bytes. Raises ExportError for a file or operator that C cannot do; nothing is written then.
    """
    student = load_student(path)
    golden = golden_vectors(student.graph, windows)
    texts = {
        "student.c": source_text(student),
        "student.h": header_text(student),
        "golden.h": golden_text(golden),
        "main.c": template_text("main.c"),
        "Makefile": template_text("Makefile"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    model = student.graph.model
    return CReport(
        folder=folder,
        model=path.name,
        sha256=model.sha256,
        macs=model.macs,
        operators=sum(not layer.moves_nothing for layer in student.layers),
        arena_bytes=student.plan.arena_bytes,
        weights_bytes=model.weights_bytes,
        golden=len(golden.inputs),
    )
