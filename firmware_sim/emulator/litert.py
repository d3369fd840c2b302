"""Runs a `.tflite` file in LiteRT's own arm64 build under QEMU's user mode, and counts one inference."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_sim.emulator.build import build_plugin, build_runner
from firmware_sim.emulator.counts import InstructionCounts, read_markers
from firmware_sim.emulator.places import Places, find_emulator
from firmware_sim.emulator.processor import Processor, faked_root
from firmware_sim.errors import SimError

WARM_RUNS = 2  # between markers 0 and 1; what is left of a first inference's extra work is gone by then
RUNS = 12  # between markers 1 and 2
SECONDS = 600


@dataclass(frozen=True)
class LiteRtRun:
    """One inference: its counts, warm, and its outputs' bytes one after another as the file stores them."""

    counts: InstructionCounts
    outputs: bytes


def run_litert(
    path: Path, inputs: Sequence[np.ndarray], processor: Processor, places: Places | None = None
) -> LiteRtRun:
    """Run `path` on the emulated `processor` with XNNPACK on one thread.

    inputs: an array an input, as the file stores it. The counts are those of (12 runs - 2 runs) / 10, so
    that neither start-up nor the marker counts. Raises SimError where LiteRT refuses the file.
    """
    places = find_emulator(places=places)
    with tempfile.TemporaryDirectory(prefix="edgehar-emulator-") as name:
        folder = Path(name)
        (folder / "inputs").write_bytes(b"".join(np.ascontiguousarray(x).tobytes() for x in inputs))
        (folder / "lrun").symlink_to(build_runner(places))
        (folder / "model").symlink_to(path.resolve())
        words = ["./lrun", "/opt/libLiteRt.so", "model", str(RUNS), "inputs", "outputs"]
        _run([*_qemu(places, processor), *words], places, folder, path)
        marks = dict(read_markers(folder / "counts"))
        counts = ((marks[2] - marks[1]) - (marks[1] - marks[0])).divided(RUNS - WARM_RUNS)
        return LiteRtRun(counts, (folder / "outputs").read_bytes())


def _qemu(places: Places, processor: Processor) -> list[str]:
    caches = ",".join(
        f"{name}={getattr(processor, field)}"
        for name in ("l1i", "l1d", "l2")
        for name, field in ((name, f"{name}_bytes"), (f"{name}_ways", f"{name}_ways"))
    )
    return [
        str(places.qemu_user), "-L", str(faked_root(places, processor)), "-cpu", processor.identity.qemu_cpu,
        "-U", "LD_LIBRARY_PATH", "-plugin", f"{build_plugin(places)},out=counts,cache=1,{caches}",
    ]  # fmt: skip


def _run(command: list[str], places: Places, folder: Path, path: Path) -> None:
    """Run the emulator in `folder`. The guest sees the same words and no environment wherever it runs: the
    length of a path would move its stack, and with it some counts by a few instructions."""
    environment = {"LD_LIBRARY_PATH": places.environment["LD_LIBRARY_PATH"]}
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SimError(f"{path}: took more than {SECONDS} s under emulation; estimate it instead.") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"signal {-done.returncode}"]
        raise SimError(f"{path}: the arm64 LiteRT refuses it ({lines[-1].strip()}).")
