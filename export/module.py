"""Other people's networks: any small torch network over a time series becomes something to export.

It may take windows as (N, T, C), (N, C, T), (N, 1, T, C) or (N, C, 1, T), and give logits as a tensor, in
a tuple, a dict, or a record with `.logits`. The files always take (1, T, C) and give probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from export.calibration_set import CalibrationSet
from export.errors import ExportError
from export.exportable import Exportable, Windows, float_contract
from export.module_source import build, load_weights
from export.torch_rewrites import rewritten

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "ntc": lambda x: x,
    "nct": lambda x: x.transpose(1, 2),
    "n1tc": lambda x: x.unsqueeze(1),
    "nc1t": lambda x: x.transpose(1, 2).unsqueeze(2),
}
_HELD_BACK = 4  # one window or subject in four judges the files, the others calibrate
_ALONE_TOLERANCE = 1e-4  # of logits, relative: a window alone and in a batch


class Logits(NamedTuple):
    """What export asks of a student: `.logits` (N, classes)."""

    logits: Tensor


class Foreign(nn.Module):
    """A network of any layout as export knows students: windows (N, T, C) -> `.logits` (N, classes)."""

    def __init__(self, network: nn.Module, layout: str) -> None:
        super().__init__()
        self.network = network
        self.layout = layout

    def forward(self, acc: Tensor) -> Logits:
        with rewritten():
            return Logits(logits_of(self.network(LAYOUTS[self.layout](acc))))


def exportable_module(
    target: str,
    calibration: CalibrationSet,
    *,
    weights: Path | None = None,
    labels: Path | None = None,
    layout: str | None = None,
) -> Exportable:
    """The network that `target`, "module:function" or "file.py:function", builds, ready to export.

    weights: .safetensors, or .pt and .pth that hold nothing but tensors; None where the function gives a
    trained network. labels: the classes' names, one a line in the order of the scores; without it classes
    are numbered, and accuracy is agreement with the float network. layout: of LAYOUTS; None finds out.
    One window or subject in four of the calibration set judges, the others calibrate.
    Raises ExportError for what cannot be used, in one sentence.
    """
    network = build(target, window=calibration.windows.shape[1], channels=calibration.windows.shape[2])
    if weights is not None:
        load_weights(network, weights)
    student = wrap(network.cpu().eval(), calibration.windows, target, layout)
    logits = _ask(student, calibration.windows)
    _check_scores(logits, target)
    names = _names(labels, logits.shape[1], target)
    truth = _truth(calibration, names if labels else None, logits)
    held = judges(truth, calibration.subjects)
    contract = float_contract(
        names,
        calibration.windows.shape[1],
        student=Path(target.rpartition(":")[0]).stem,
        framing=calibration.framing,
        rate_hz=calibration.rate_hz,
        channels=calibration.windows.shape[2],
    )
    entry = replace(contract.input, name=calibration.stream)
    contract = replace(contract, input=entry, unit=calibration.unit, axis_order=calibration.axes)
    subjects = None if calibration.subjects is None else np.array(calibration.subjects)
    windows = Windows(calibration.windows, truth, subjects)
    return Exportable(student, contract, windows.only(~held), windows.only(held), origin=target)


def wrap(network: nn.Module, windows: np.ndarray, target: str, layout: str | None) -> Foreign:
    """The network in the layout that it takes: the one named, else the first of LAYOUTS that it runs on.

    Raises ExportError if it runs on none, or says other things of a window alone than of one in a batch.
    """
    if layout not in (None, *LAYOUTS):
        raise ExportError(f"There is no layout called {layout!r}; choose of: {', '.join(LAYOUTS)}.")
    faults = {}
    for name in LAYOUTS if layout is None else [layout]:
        student = Foreign(network, name).eval()
        try:
            together = _ask(student, windows[:3])
        except ExportError:
            raise
        except Exception as error:  # it is other people's code: anything may come
            faults[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            continue
        alone = torch.cat([_ask(student, windows[i : i + 1]) for i in range(3)])
        if not torch.allclose(together, alone, rtol=_ALONE_TOLERANCE, atol=_ALONE_TOLERANCE):
            raise ExportError(
                f"{target} says other things of a window alone than of one in a batch, or at each call; "
                "take randomness and statistics over the batch out of forward."
            )
        return student
    said = next(iter(faults.values()))
    shape = (3, *windows.shape[1:])
    raise ExportError(
        f"{target} does not run on windows {shape} as {', '.join(faults)} ({said}); name another --layout, "
        "or wrap it in a function that takes (N, T, C)."
    )


def logits_of(said: Any) -> Tensor:
    """The logits (N, classes) in what a network returns. Raises ExportError if there are none."""
    if hasattr(said, "logits"):
        said = said.logits
    if isinstance(said, Mapping):
        said = said.get("logits", next(iter(said.values())) if len(said) == 1 else None)
    if isinstance(said, tuple | list) and said:
        said = said[0]
    if not isinstance(said, Tensor) or said.ndim != 2:
        kind = type(said).__name__
        what = f"a tensor of {said.ndim} dimensions" if isinstance(said, Tensor) else f"a {kind}"
        raise ExportError(f"The network gives {what} where logits (N, classes) are wanted; return those.")
    return said


def _ask(student: nn.Module, windows: np.ndarray) -> Tensor:
    with torch.no_grad():
        parts = torch.from_numpy(np.ascontiguousarray(windows)).split(64)
        return torch.cat([student(part).logits for part in parts]).float()


def _check_scores(logits: Tensor, target: str) -> None:
    if not bool(torch.isfinite(logits).all()):
        raise ExportError(f"{target} gives scores that are not finite; train it again.")
    ones = torch.ones(len(logits))
    if bool((logits >= 0).all()) and torch.allclose(logits.sum(1), ones, atol=1e-3):
        raise ExportError(f"{target} gives probabilities; return logits, the file has its own softmax.")
    if bool((logits <= 0).all()) and torch.allclose(logits.exp().sum(1), ones, atol=1e-3):
        raise ExportError(f"{target} ends in log_softmax; return logits, the file has its own softmax.")


def _names(path: Path | None, classes: int, target: str) -> tuple[str, ...]:
    if path is None:
        return tuple(f"class {number}" for number in range(classes))
    try:
        names = tuple(line.strip() for line in Path(path).read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{path} cannot be read ({error}); give one label a line.") from None
    if len(names) != classes or len(set(names)) != classes:
        raise ExportError(
            f"{path} has {len(set(names))} names, {target} gives {classes} scores; give one label a line."
        )
    return names


def _truth(calibration: CalibrationSet, names: tuple[str, ...] | None, logits: Tensor) -> np.ndarray:
    """Class indices (N,): what was recorded, where it can be known, else what the network says."""
    said = calibration.classes
    if said is not None and all(isinstance(each, int) and 0 <= each < logits.shape[1] for each in said):
        return np.array(said, np.int64)
    if said is None or names is None:
        return logits.argmax(1).numpy()
    unknown = sorted({str(each) for each in said} - set(names))
    if unknown:
        raise ExportError(f"The calibration set has the label {unknown[0]!r}, which --labels lacks.")
    return np.array([names.index(str(each)) for each in said], np.int64)


def judges(classes: np.ndarray, subjects: tuple[str, ...] | None) -> np.ndarray:
    """Which windows (N,) judge: a quarter of the subjects, the last by name, or of each class's windows."""
    who = sorted(set(subjects or ()))
    if subjects is not None and len(who) > 1:
        judges = who[-max(1, len(who) // _HELD_BACK) :]
        return np.isin(np.array(subjects), judges)
    held: np.ndarray = np.zeros(len(classes), bool)
    by_class = np.argsort(classes, kind="stable")
    held[by_class[_HELD_BACK - 1 :: _HELD_BACK]] = True
    return held
