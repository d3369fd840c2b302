"""What all runtimes share: an open file that takes one clip at a time, and the way through many clips."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from firmware_sim.errors import SimError


@dataclass(frozen=True)
class Port:
    """An input or output of a file. scale is 0 where its numbers are not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scale: float = 0.0
    zero_point: int = 0

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Real values as the file stores them: clip(round(x / scale) + zero point) for integers."""
        if self.scale == 0.0:
            return np.ascontiguousarray(values, self.dtype)
        limits = np.iinfo(self.dtype)
        steps = np.round(values / np.float32(self.scale)) + self.zero_point
        return np.clip(steps, limits.min, limits.max).astype(self.dtype)

    def decode(self, stored: np.ndarray) -> np.ndarray:
        """What the file stores as float32 values."""
        if self.scale == 0.0:
            return stored.astype(np.float32)
        return (stored.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class Session(Protocol):
    """An open model file."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def infer(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One inference: an array for each input, as the file stores it; likewise the outputs."""
        ...


def run_clips(session: Session, path: Path, x: np.ndarray) -> np.ndarray:
    """Feed each clip of x (N, ...) to an open file of one input and one output: (N, classes) float32.

    Raises SimError where the file has other inputs, or x another shape or values that are not finite.
    """
    port, output = _only(session.inputs, path, "input"), _only(session.outputs, path, "output")
    if x.ndim != len(port.shape) or x.shape[1:] != port.shape[1:]:
        expected = ("N", *port.shape[1:])
        raise SimError(
            f"{path}: takes clips of shape ({', '.join(map(str, expected))}), not {x.shape}; "
            "resample or cut them to that."
        )
    if not np.isfinite(x).all():
        raise SimError(f"{path}: the clips hold NaN or infinite values; clean them first.")
    scores = [
        output.decode(session.infer([port.encode(clip[np.newaxis])])[0]).reshape(-1)
        for clip in np.asarray(x, np.float32)
    ]
    return np.stack(scores) if scores else np.empty((0, int(np.prod(output.shape[1:]))), np.float32)


def _only(ports: tuple[Port, ...], path: Path, what: str) -> Port:
    if len(ports) != 1 or ports[0].shape[:1] != (1,):
        shapes = ", ".join(str(port.shape) for port in ports)
        raise SimError(f"{path}: has {what}s {shapes}; export it with one {what} of batch 1 to run clips.")
    return ports[0]


def require(module: str, package: str) -> ModuleType:
    """Import a runtime's module. Raises SimError that says what to type where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SimError(f"Running this file needs {package} ({error}). Type: pip install {package}") from error


@contextmanager
def silence() -> Iterator[list[str]]:
    """Keep what native code prints to stderr away from it; the yielded list holds it afterwards."""
    printed: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield printed
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            printed.append(file.read().decode("utf-8", "replace"))
