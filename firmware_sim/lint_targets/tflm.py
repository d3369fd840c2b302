"""TFLite-Micro: its table of operators and dtypes, and its interpreter, which is asked to run the file."""

from __future__ import annotations

import json
import subprocess
import sys

from firmware_sim.lint_targets.finding import Asked, Finding, Verdict, dtype_of, gathered
from firmware_sim.model import Model, Operator
from firmware_sim.operator_tables import CHEAP, TFLM, TFLM_FAST, TFLM_MOST_INPUTS

MANY_OPERATORS = 200
_TABLE = "the table of its operators"


def ask(model: Model) -> Asked:
    """What TFLite-Micro refuses, by its table and in practice, and what has no CMSIS-NN kernel."""
    said = [(operator, *found) for operator in model.operators for found in _of(model, operator)]
    findings = gathered(said)
    notes = []
    if len(model.operators) > MANY_OPERATORS:
        notes.append(
            f"{len(model.operators)} operators, each with its own part of the arena: recurrent "
            "layers are unrolled step by step; use dilated convolutions instead."
        )
    if any(finding.verdict == "refused" for finding in findings):
        return Asked(_TABLE, findings, tuple(notes))
    how, fault = _tried(model)
    if fault is not None:
        whole = Finding("the file", "", (), "refused", fault, None)
        findings = (whole, *findings)
    return Asked(f"{_TABLE}, and {how}", findings, tuple(notes))


def _of(model: Model, operator: Operator) -> list[tuple[str, Verdict, str]]:
    dtype = worked_in(model, operator)
    if operator.name.startswith("CUSTOM:"):
        return [(dtype, "refused", "it is an operator of somebody's own")]
    if operator.name not in TFLM:
        return [(dtype, "refused", "it has no such kernel")]
    known = TFLM[operator.name]
    if known is not None and dtype in ("int8", "int16", "float32") and dtype not in known:
        return [(dtype, "refused", f"its kernel takes {' or '.join(sorted(known))}, not {dtype}")]
    if operator.name in ("CONCATENATION", "ADD_N") and len(operator.inputs) > TFLM_MOST_INPUTS:
        return [(dtype, "refused", f"it takes at most {TFLM_MOST_INPUTS} inputs, not {len(operator.inputs)}")]
    if dtype == "float32" and operator.name not in CHEAP:
        return [(dtype, "slow", "float32 runs in plain C, without CMSIS-NN or vector instructions")]
    if dtype in ("int8", "int16") and operator.name not in TFLM_FAST | CHEAP:
        return [(dtype, "slow", "CMSIS-NN has no kernel for it: plain C")]
    return []


def worked_in(model: Model, operator: Operator) -> str:
    """The dtype that decides which kernel runs: the first input's, or the output's where there is none."""
    taken = model.inputs_of(operator)
    return taken[0].dtype if taken else dtype_of(model, operator)


def _tried(model: Model) -> tuple[str, str | None]:
    """How the interpreter was asked, and why it does not run the file, or None."""
    command = [sys.executable, "-m", "firmware_sim.lint_targets.try_tflm", str(model.path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode < 0:
        return "its interpreter", f"its interpreter crashes on it (signal {-ended.returncode})"
    if ended.returncode > 0:
        raise RuntimeError(f"{command}: {ended.stderr}")  # a bug of ours
    said = json.loads(ended.stdout.splitlines()[-1])
    if said["missing"]:
        return "not its interpreter, which is not installed: pip install tflite-micro", None
    return "its interpreter, which ran it once" if said["fault"] is None else "its interpreter", said["fault"]
