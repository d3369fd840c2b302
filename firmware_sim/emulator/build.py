"""Builds the plugin (for this machine) and the runner (for arm64) from their C sources, once a version."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from firmware_sim.emulator.places import SETUP, SOURCES, Places
from firmware_sim.errors import SimError

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror")
GUEST_TARGET = "aarch64-linux-gnu.2.34"  # what libLiteRt.so asks of the C library
PLUGIN_WORDS = ("-shared", "-fPIC", "-O2", "-Wl,-z,undefs")
RUNNER_WORDS = ("-target", GUEST_TARGET, "-D_GNU_SOURCE", "-O2", "-s")


def build_plugin(places: Places) -> Path:
    """The counting plugin, built if this version of its source has not been. Raises SimError."""
    return _built(places, "armcount.c", "armcount.so", PLUGIN_WORDS)


def build_runner(places: Places) -> Path:
    """The program that runs a model with LiteRT on arm64, built likewise. Raises SimError."""
    return _built(places, "lrun.c", "lrun", RUNNER_WORDS)


def compile_c(places: Places, words: Sequence[str], out: Path) -> None:
    """Compile with zig. words: its options and sources. Raises SimError with the compiler's first error."""
    out.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*_zig(places), *words, "-o", str(out)],
        env={**os.environ, "PYTHONPATH": str(places.zig)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
        raise SimError(f"{out.name} cannot be compiled ({errors[0]}).")


def _zig(places: Places) -> list[str]:
    if not (places.zig / "ziglang").is_dir() and find_spec("ziglang") is None:
        raise SimError(f"The compiler zig is missing. Type: {SETUP}")
    return [sys.executable, "-m", "ziglang", "cc"]


def _built(places: Places, source: str, name: str, words: Sequence[str]) -> Path:
    path = SOURCES / source
    digest = hashlib.sha256(path.read_bytes() + repr(words).encode()).hexdigest()[:12]
    out = places.build / digest / name
    if not out.is_file():
        neighbour = out.with_name(f"{uuid.uuid4().hex}.{name}")
        compile_c(places, [*WARNINGS, *words, str(path)], neighbour)
        neighbour.replace(out)
    return out
