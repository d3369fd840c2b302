"""Golden vectors: inputs, and what LiteRT's reference kernels make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.c.graph import Graph, scale_of, zero_point_of
from export.c.source import numbers
from firmware_sim.runtimes.session import require, silence

WINDOWS = 8
LIMIT_BYTES = 64 * 1024  # of all inputs together, in flash
SEED = 7


@dataclass(frozen=True)
class Golden:
    """int8 as the file stores them: inputs (N, ...), logits (N, classes), scores (N, classes).

    named: what each input is, for people.
    """

    inputs: np.ndarray
    logits: np.ndarray
    scores: np.ndarray
    named: tuple[str, ...]


def golden_vectors(graph: Graph, windows: np.ndarray | None = None) -> Golden:
    """Vectors for a file: real windows (N, ...) in real units if there are some, else noise; and extremes.

    At most eight of the windows, evenly picked; fewer of all where the inputs are large. The extremes come
    first: they are kept.
    """
    shape = graph.input.shape[1:]
    named = _extremes(shape)
    if windows is not None and len(windows):
        picked = np.unique(np.linspace(0, len(windows) - 1, WINDOWS).round().astype(int))
        named |= {f"test window {i}": quantise(graph, windows[i]) for i in picked}
    else:
        rng = np.random.default_rng(SEED)
        drawn = rng.integers(-128, 128, (WINDOWS, *shape)).astype(np.int8)
        named |= {f"noise {i}": values for i, values in enumerate(drawn)}
    most = max(2, LIMIT_BYTES // int(np.prod(shape)))
    kept = dict(_mixed(list(named.items()))[:most])
    inputs = np.stack(list(kept.values()))
    logits, scores = run_reference(graph, inputs)
    return Golden(inputs, logits, scores, tuple(kept))


def _extremes(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The inputs at which sums are largest, and a network most easily overflows."""
    chess = np.where(np.arange(int(np.prod(shape))).reshape(shape) % 2, 127, -128).astype(np.int8)
    return {
        "all lowest": np.full(shape, -128, np.int8),
        "all highest": np.full(shape, 127, np.int8),
        "by turns": chess,
        "by turns, the other way": ~chess,
        "all stored zeros": np.zeros(shape, np.int8),
    }


def _mixed(named: list[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
    """An extreme and a window by turns, so that a short list has both."""
    extremes, windows = named[:5], named[5:]
    turns = [pair for both in zip(extremes, windows, strict=False) for pair in both]
    return turns + extremes[len(windows) :] + windows[len(extremes) :]


def quantise(graph: Graph, values: np.ndarray) -> np.ndarray:
    """Real values as the file's input stores them."""
    steps = np.round(values.astype(np.float32) / np.float32(scale_of(graph.input)))
    return np.clip(steps + zero_point_of(graph.input), -128, 127).astype(np.int8)


def run_reference(graph: Graph, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and scores (N, ...) int8 of inputs (N, ...) int8 by LiteRT's reference kernels."""
    litert = require("ai_edge_litert.interpreter", "ai-edge-litert")
    with silence():
        interpreter = litert.Interpreter(
            model_path=str(graph.model.path),
            num_threads=1,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    found: list[list[np.ndarray]] = [[], []]
    for values in inputs:
        interpreter.set_tensor(graph.input.index, values[None])
        interpreter.invoke()
        for kept, tensor in zip(found, (graph.logits, graph.output), strict=True):
            kept.append(interpreter.get_tensor(tensor.index).reshape(-1))
    logits, scores = (np.stack(kept) for kept in found)
    return logits, scores


def golden_text(golden: Golden) -> str:
    """golden.h."""
    names = "\n".join(f" * {i} {name}" for i, name in enumerate(golden.named))
    arrays = "\n".join(
        f"static const int8_t golden_{name}[GOLDEN_COUNT][{size}] = {{\n{_rows(values)}\n}};"
        for name, size, values in (
            ("inputs", "STUDENT_INPUTS", golden.inputs),
            ("logits", "STUDENT_LOGITS", golden.logits),
            ("scores", "STUDENT_SCORES", golden.scores),
        )
    )
    return (
        "/* Written by `edgehar export --c`: what LiteRT's reference kernels make of these inputs.\n"
        f" *\n{names}\n */\n"
        '#ifndef GOLDEN_H\n#define GOLDEN_H\n\n#include "student.h"\n\n'
        f"#define GOLDEN_COUNT {len(golden.inputs)}\n\n{arrays}\n\n#endif\n"
    )


def _rows(values: np.ndarray) -> str:
    return ",\n".join(f"    {{\n{numbers(row.reshape(-1).tolist(), ' ' * 8)}\n    }}" for row in values)
