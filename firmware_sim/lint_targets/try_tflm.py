"""Loads a file with TFLite-Micro's interpreter, runs it once on zeros, and prints what went wrong, as JSON.

A program of its own (`python -m firmware_sim.lint_targets.try_tflm FILE`): some files make the interpreter
crash rather than refuse, which must not end whoever asks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.runtimes.session import silence
from firmware_sim.runtimes.tflm import TflmSession


def fault_of(path: Path) -> dict[str, str | None]:
    """`fault`: why it does not run, None if it does; `missing`: what to type where nobody can be asked."""
    try:
        session = TflmSession(path)
    except SimError as error:
        said = str(error)
        if "pip install" in said:
            return {"missing": said, "fault": None}
        return {"missing": None, "fault": said.partition("refuses it (")[2].rstrip(".)") or said}
    with silence() as printed:
        try:
            session.infer([np.zeros(port.shape, port.dtype) for port in session.inputs])
            return {"missing": None, "fault": None}
        except RuntimeError as error:
            fault = str(error)
    return {"missing": None, "fault": (printed[0].strip().splitlines() or [fault])[-1]}


if __name__ == "__main__":
    print(json.dumps(fault_of(Path(sys.argv[1]))))
