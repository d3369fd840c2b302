"""The papers' ablations on UTD-MHAD: what each row is in edgehar's options, and the figures that they print.

PSKD: Ni et al., Progressive cross-modal knowledge distillation for human action recognition, ACM Multimedia
2022. VSKD: Ni et al., Cross-modal knowledge distillation for vision-to-sensor action recognition, ICASSP
2022. Neither says which clips train and which test, and both have other networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DATA = "utd-mhad"
PRETRAINED, IN_TURNS = {"schedule": "pretrained"}, {"schedule": "progressive"}
BOTH, VIDEO = {"teacher": "skeleton,fusion"}, {"teacher": "video"}


@dataclass(frozen=True)
class Row:
    """A line of a paper's table: what it adds to the ablation's options, as `edgehar.plan.make_plan` names
    them, and the accuracy and F1 in percent that the paper prints; None where it prints none."""

    options: Mapping[str, Any]
    accuracy: float | None = None
    f1: float | None = None


@dataclass(frozen=True)
class Ablation:
    """table: where the paper has it. options: of every row. rows: by the name of their folder; the others
    are compared with the first. shared: whether the first seed's teachers may teach the students of all.
    told: what else must be known of the paper's figures."""

    table: str
    options: Mapping[str, Any]
    rows: Mapping[str, Row]
    shared: bool = False
    told: str = ""


def _by(loss: str, accuracy: float, f1: float, **weights: float) -> Row:
    """A row that differs from the others by its loss or by some of the loss's weights."""
    return Row({"loss_name": loss, "loss_weights": weights}, accuracy, f1)


_DRAWN = "Figure 5, which compares them, is a drawing; the text says"

ABLATIONS = {
    "pskd-losses": Ablation(
        table="PSKD, table 4",
        options={**BOTH, **PRETRAINED},
        rows={
            "acs": _by("acs", 95.19, 95.67),
            "acs-without-confidence": _by("acs", 94.82, 94.21, confidence=0.0),
            "acs-without-semantic": _by("acs", 94.51, 94.59, semantic=0.0),
            "logits": _by("logits", 93.87, 94.15),
            "fitnet": _by("fitnet", 94.03, 94.27),
            "st": _by("st", 94.34, 94.64),
            "at": _by("at", 94.27, 94.80),
            "rkd": _by("rkd", 95.03, 95.02),
            "sp": _by("sp", 94.06, 94.56),
            "cc": _by("cc", 94.12, 94.72),
        },
        shared=True,
        told="Its ACS is PSKD as a whole, with teachers that learn while they teach.",
    ),
    "schedule": Ablation(
        table="PSKD, table 4",
        options=BOTH,
        rows={"pretrained": Row(PRETRAINED), "progressive": Row(IN_TURNS, 95.19, 95.67)},
        told=f"{_DRAWN} that the gain over teachers trained first is 0.37 to 0.62 points.",
    ),
    "every": Ablation(
        table="PSKD, table 4",
        options={**BOTH, **IN_TURNS},
        rows={
            "progressive": Row({"every": 1}, 95.19, 95.67),
            "progressive-every-2": Row({"every": 2}),
            "progressive-every-3": Row({"every": 3}),
        },
        told=f"{_DRAWN} that PSKD(1) is above PSKD(2) and PSKD(3).",
    ),
    "vskd-losses": Ablation(
        table="VSKD, table 4",
        options={**VIDEO, **PRETRAINED},
        rows={
            "dask": _by("dask", 96.97, 96.38),
            "dask-without-distance": _by("dask", 96.73, 96.27, distance=0.0),
            "dask-without-angle": _by("dask", 96.51, 95.80, angle=0.0),
            "dask-without-distance-and-angle": _by("dask", 96.50, 96.06, distance=0.0, angle=0.0),
            "dask-without-semantic": _by("dask", 95.80, 96.04, semantic=0.0),
            "st": _by("st", 96.04, 96.15),
            "at": _by("at", 96.03, 95.80),
            "sp": _by("sp", 95.80, 95.57),
        },
        shared=True,
    ),
}
