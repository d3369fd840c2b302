"""From a data set's name to its recordings, and from a split's name to who trains and who tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edgehar.data import DATASETS
from edgehar.data.clip import Recordings
from edgehar.data.manifest import is_manifest
from edgehar.data.manifest import read as read_manifest
from edgehar.data.splits import folds, natural
from edgehar.errors import InputError
from edgehar.registry import check, load


def open_recordings(name: str, data_dir: str | Path | None = None) -> Recordings:
    """The recordings of a data set, or of a manifest where `name` is a path to one.

    Raises InputError for an unknown name or a missing folder, and for a manifest that cannot be used.
    """
    if is_manifest(name):
        if data_dir is not None:
            raise InputError(
                f"--data-dir has no place beside a manifest: its paths count from {Path(name).parent}."
            )
        return read_manifest(Path(name))
    check("data set", name, DATASETS)
    folder = Path(data_dir) if data_dir else default_folder(name)
    return load(DATASETS[name])(folder)


def settle_data(name: str) -> str:
    """The data set as a plan keeps it: a name as it is, a manifest's path from the root."""
    return os.path.abspath(name) if is_manifest(name) else name


def default_folder(name: str) -> Path:
    """$EDGEHAR_DATA/<data set>, else ./data/<data set>; upper and lower case as the folder has it."""
    root = Path(os.environ.get("EDGEHAR_DATA") or "data")
    if root.is_dir():
        for entry in sorted(root.iterdir()):
            if entry.name.lower() == name:
                return entry
    return root / name


def divide(recordings: Recordings, split: str, hold_out: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Which clips train and which test: two boolean arrays (N,).

    With `hold_out`, a training subject, that subject's training clips are the test: what is chosen so
    has not seen the test subjects. Raises InputError for an unknown split or subject, and for a split of
    several folds: it is divided fold by fold.
    """
    made = folds(recordings, split)
    if len(made) > 1:
        raise InputError(f"The split {split} has {len(made)} folds: name one, such as {made[0].split}.")
    train, test = made[0].train, made[0].test
    if hold_out is not None:
        held = np.array([clip.subject == hold_out for clip in recordings.clips]) & train
        if not held.any():
            subjects = sorted(
                {c.subject for c, t in zip(recordings.clips, train, strict=True) if t}, key=natural
            )
            raise InputError(
                f"Subject {hold_out!r} does not train in split {split}: "
                f"hold out one of {', '.join(subjects)}."
            )
        train, test = train & ~held, held
    if not train.any() or not test.any():
        raise InputError(f"{recordings.name}, split {split}: no clip is left to train on or to test on.")
    return train, test
