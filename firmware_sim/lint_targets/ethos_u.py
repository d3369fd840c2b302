"""Arm's Ethos-U: vela, its compiler, is run on the file, and says what it leaves to the Cortex-M."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim.lint_targets import tflm
from firmware_sim.lint_targets.finding import Asked, Finding, Verdict, gathered
from firmware_sim.model import Model, Operator

ACCELERATOR = "ethos-u55-128"
SECONDS = 600
_LEFT = re.compile(r"Warning \(supported operators\) operator: (\w+), ofm: '([^']*)'\nReason: ([^\n]*)")
_SHARE = re.compile(r"(CPU|NPU) operators = (\d+)")
_FIGURES = re.compile(r"^(Total (?:SRAM|Off-chip Flash) used) +([\d.]+ KiB)", re.M)


def ask(model: Model) -> Asked:
    """What vela leaves to the processor beside the Ethos-U: slow, or refused where TFLite-Micro refuses it.

    Raises SimError if vela is not installed.
    """
    said = run_vela(model.path)
    refused = {place: finding for finding in tflm.ask(model).findings for place in finding.places}
    found: list[tuple[Operator, str, Verdict, str]] = []
    for operator, reason in _left(model, said):
        dtype = tflm.worked_in(model, operator)
        here = refused.get(operator.index)
        if here is not None and here.verdict == "refused":
            found.append((operator, dtype, "refused", f"{reason}; and on the Cortex-M {here.why}"))
        else:
            found.append((operator, dtype, "slow", f"{reason}: it runs on the Cortex-M"))
    counts = {who: int(count) for who, count in _SHARE.findall(said)}
    if not counts:
        why = said.strip().splitlines()[-1] if said.strip() else "it said nothing"
        return Asked("vela", (Finding("the file", "", (), "refused", f"vela fails: {why}", None),))
    notes = [f"{counts.get('NPU', 0)} operators on the Ethos-U, {counts.get('CPU', 0)} on the Cortex-M."]
    notes += [f"{what}: {size}." for what, size in _FIGURES.findall(said)]
    return Asked(f"vela, for {ACCELERATOR}", gathered(found), tuple(notes))


def run_vela(path: Path) -> str:
    """What vela prints of a file. Raises SimError if it is not installed, or does not end in ten minutes."""
    if find_spec("ethosu") is None:
        raise SimError("The target ethos-u asks vela, Arm's compiler. Type: pip install ethos-u-vela")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ethosu.vela", str(path.absolute()), "--output-dir", folder]
        try:
            ended = subprocess.run(
                [*command, "--accelerator-config", ACCELERATOR],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SimError(f"{path}: vela did not end in {SECONDS} s; lint it without ethos-u.") from None
    return ended.stdout + ended.stderr


def _left(model: Model, said: str) -> list[tuple[Operator, str]]:
    """Operators that vela does not take, with its reason; it names them by type and output."""
    waiting = list(model.operators)
    left = []
    for kind, output, reason in _LEFT.findall(said):
        for operator in waiting:
            if operator.name == kind and any(made.name == output for made in model.outputs_of(operator)):
                left.append((operator, re.sub(r" \([^)]*\)$", "", reason)))
                waiting.remove(operator)
                break
    return left
