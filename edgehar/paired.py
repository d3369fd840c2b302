"""Differences of two networks, paired by seed, and an interval for their mean.

Networks of one seed share the order of the clips, what was drawn to augment them and often the teachers,
so the spread of their differences is what counts, not that of their accuracies. The interval is that of
the paired t test (Student, The probable error of a mean, Biometrika 6, 1908): it says what other seeds
would give on the same test clips, and nothing about other people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.9
ROUNDING = 1e-12  # the most that rounding makes of differences that are all the same


@dataclass(frozen=True)
class PerSeed:
    """Fractions 0 to 1, one a seed. std: with n - 1, None for one seed."""

    per_seed: tuple[float, ...]
    mean: float
    std: float | None


@dataclass(frozen=True)
class Gain:
    """What one network has over another, by seed, as differences of fractions (0.01 is one point).

    low, high: the LEVEL interval of the mean; None where `note` says why there is none.
    """

    seeds: tuple[int, ...]
    per_seed: tuple[float, ...]
    mean: float
    std: float | None
    low: float | None
    high: float | None
    note: str | None


def per_seed(values: Sequence[float]) -> PerSeed:
    """One or more fractions with their mean and spread."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return PerSeed(tuple(values), float(np.mean(values)), std)


def paired_gain(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Gain:
    """What `ours` has over `theirs`, both fractions by seed, over the seeds that they share.

    Raises ValueError if they share none.
    """
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        raise ValueError("no seed in common")
    differences = [ours[seed] - theirs[seed] for seed in seeds]
    spread = per_seed(differences)
    note = None
    if spread.std is None:
        note = f"only seed {seeds[0]}: an interval needs two"
    elif spread.std <= ROUNDING:
        note = "the same for every seed: no spread to make an interval from"
    low, high = (None, None) if note else t_interval(differences)
    return Gain(tuple(seeds), spread.per_seed, spread.mean, spread.std, low, high, note)


def t_interval(differences: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """The interval mean ± t std / sqrt(n), t the quantile of n - 1 degrees that leaves 1 - level outside.

    Holds the true mean in `level` of all cases where differences (n >= 2) are about normal.
    """
    from scipy.special import stdtrit

    count = len(differences)
    mean, std = float(np.mean(differences)), float(np.std(differences, ddof=1))
    reach = float(stdtrit(count - 1, (1 + level) / 2)) * std / count**0.5
    return mean - reach, mean + reach
