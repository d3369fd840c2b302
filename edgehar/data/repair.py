"""Skeletons as trackers leave them: short gaps are filled in and counted, the rest is refused.

A tracker that loses a joint writes NaN or 0, 0, 0 for it. docs/skeletons.md says what is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgehar.errors import InputError

REPAIRED_BY = 1  # version of what this file does to a skeleton
LONGEST_GAP = 0.5  # s that a joint may be lost for: about half of the quickest action


def repaired(values: np.ndarray, rate_hz: float, clip: str) -> tuple[np.ndarray, int]:
    """A skeleton (T, V, 3) without gaps, and how many positions were missing and are filled in.

    A position is missing if it is not finite, or 0 on all three axes. A gap of at most LONGEST_GAP is
    filled by linear interpolation over time, at either end of the clip by the nearest position.
    Raises InputError that names `clip` for another shape (two people among them), a single frame, a
    joint that is never there, and a longer gap.
    """
    _check_shape(values, clip)
    missing = _missing(values)
    if not missing.any():
        return values, 0
    filled = np.array(values, dtype=np.float32)
    frames = np.arange(len(values))
    for joint in np.flatnonzero(missing.any(axis=0)):
        _check_gaps(missing[:, joint], rate_hz, f"Clip {clip}: joint {joint + 1} of the skeleton")
        lost = missing[:, joint]
        for axis in range(3):
            filled[lost, joint, axis] = np.interp(frames[lost], frames[~lost], values[~lost, joint, axis])
    return filled, int(missing.sum())


def _check_shape(values: np.ndarray, clip: str) -> None:
    if values.ndim == 4 and values.shape[3] == 3 and values.shape[1] > 1:
        raise InputError(
            f"Clip {clip}: skeleton shows {values.shape[1]} people: keep the one who wears the sensor."
        )
    if values.ndim != 3 or values.shape[2] != 3:
        raise InputError(f"Clip {clip}: skeleton has shape {values.shape}, expected (frames, joints, 3).")
    if len(values) < 2:
        raise InputError(
            f"Clip {clip}: skeleton has {len(values)} frame(s), and a movement needs two: remove the clip."
        )


def _missing(values: np.ndarray) -> np.ndarray:
    """Which positions (T, V) of a skeleton are missing.

    A joint that lies at 0 in every frame is none if it alone does and the others lie around it: then the
    skeleton is given from that joint.
    """
    lost = ~np.isfinite(values).all(axis=2)
    zero = (values == 0).all(axis=2)
    always = np.flatnonzero((zero | lost).all(axis=0) & zero.any(axis=0))
    if len(always) == 1 and _around_zero(values[~(zero | lost)]):
        zero[:, always] = False
    return lost | zero


def _around_zero(positions: np.ndarray) -> bool:
    """Whether 0 lies within the box of positions (P, 3), or not farther outside than half its size."""
    if not len(positions):
        return False
    low, high = positions.min(axis=0), positions.max(axis=0)
    margin = (high - low).max() / 2
    return bool((low - margin <= 0).all() and (high + margin >= 0).all())


def _check_gaps(lost: np.ndarray, rate_hz: float, what: str) -> None:
    if lost.all():
        raise InputError(f"{what} is missing in every frame: track it, or remove the recording.")
    for first, last in _gaps(lost):
        seconds = (last - first + 1) / rate_hz
        if seconds > LONGEST_GAP:
            raise InputError(
                f"{what} is missing from frame {first + 1} to {last + 1} ({seconds:.2f} s), and gaps above "
                f"{LONGEST_GAP} s are not filled in: repair or remove the recording."
            )


def _gaps(lost: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last frame of each run of true values in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
