"""Costs of kinds of work by core and engine, fitted to measured cycles: a hierarchy with ridge.

    log cycles = scale + log(sum over kinds of amount x exp(cost of the kind))

scale and the costs are sums of effects: of all rows, of the core, of the engine's line (`x-cube-ai`), of the
engine, of the pair of core and engine. Each effect is drawn towards 0 by a normal prior whose spread is set
by its level, so that a pair measured on one model borrows from its engine on other cores and from its core
with other engines, and a pair never measured is their sum. MACs other than depthwise also share one effect a
group: a faster dot product makes all of them faster. The sum inside the logarithm is linearised at the
current costs and solved again until it stands (Gauss-Newton); each solve is one of the size of the rows.
Only half of each step is taken: a full one swings about the optimum, because rows share what they move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from firmware_sim.work import KINDS

DOT = np.array([1.0 * (kind in ("convolution", "unaligned", "pointwise", "dense")) for kind in KINDS])
STEPS, STANDS = 60, 1e-5
SHARE_OF_A_STEP = 0.55
LONGEST_STEP = 1.0  # of a cost's logarithm in one step: far from the optimum the linearisation is coarse


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a level's effects: of the scale, of one kind's cost, of all dot products'."""

    scale: float
    kind: float
    dot: float


@dataclass(frozen=True)
class Prior:
    """What is believed before a row is seen. costs: log cycles per unit of each kind.

    levels: the spreads by level. apart: what is added to the costs, in the order of KINDS, on a core that is
    unlike the others (no SIMD, vectors), or, by an engine's name, in other numbers. strange: what such a core
    may differ by besides. noise: of a row's log cycles.
    """

    costs: Mapping[str, float]
    levels: Mapping[str, Spread]
    apart: Mapping[str, Sequence[float]]
    strange: Spread
    noise: float


@dataclass(frozen=True)
class Observation:
    """One measured row. amounts: in the order of KINDS; groups: its name on each level of the prior."""

    amounts: tuple[float, ...]
    cycles: float
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Effect:
    """What a group adds to the logarithms: to the scale, and to the cost of each kind (KINDS)."""

    scale: float
    costs: np.ndarray


Effects = Mapping[str, Mapping[str, Effect]]  # level -> group -> effect


def believed(prior: Prior, groups: Mapping[str, str]) -> np.ndarray:
    """Log cycles per unit (kinds,) that are believed of a core with an engine before a row is seen."""
    base = np.array([prior.costs[kind] for kind in KINDS])
    return base + sum(np.array(prior.apart.get(groups[level], 0.0)) for level in ("core", "engine"))


def fit(rows: Sequence[Observation], prior: Prior, near: Effects | None = None) -> Effects:
    """The effects of every group that the rows name. Deterministic; no rows, no effects.

    near: effects to begin at, of almost the same rows, which saves steps.
    """
    if not rows:
        return {level: {} for level in prior.levels}
    amounts = np.array([row.amounts for row in rows])  # (rows, kinds)
    logs = np.log([row.cycles for row in rows])
    levels = [(name, spread, _members(rows, name)) for name, spread in prior.levels.items()]
    strange = [core if core in prior.apart else "" for core in _members(rows, "core")]
    levels.append(("core", prior.strange, strange))
    base = np.array([believed(prior, row.groups) for row in rows])  # (rows, kinds)
    start = base if near is None else base + [_shifts(row, near) for row in rows]
    return _effects(levels, *_solve(amounts, logs, base, start, levels, prior.noise))


def _members(rows: Sequence[Observation], level: str) -> list[str]:
    return [row.groups[level] for row in rows]


def _shifts(row: Observation, effects: Effects) -> np.ndarray:
    found = [
        groups[row.groups[level]].costs for level, groups in effects.items() if row.groups[level] in groups
    ]
    return np.sum([np.zeros(len(KINDS)), *found], axis=0)


Level = tuple[str, Spread, list[str]]


def _solve(
    amounts: np.ndarray,
    logs: np.ndarray,
    base: np.ndarray,
    costs: np.ndarray,
    levels: Sequence[Level],
    noise: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each row (rows,) and the shares of its cycles by kind (rows, kinds) at the optimum.

    base, costs: (rows, kinds), what is believed and where to begin.
    """
    alike = [(_alike(members), spread) for _, spread, members in levels]
    # What two rows share (rows, rows): of the scale, of each kind's cost, of all dot products' cost.
    scale, kind, dot = (
        sum((getattr(spread, name) ** 2 * same for same, spread in alike), np.zeros((len(logs),) * 2))
        for name in ("scale", "kind", "dot")
    )
    for _ in range(STEPS):
        cycles = amounts * np.exp(costs)
        shares = cycles / cycles.sum(1, keepdims=True)
        dots = shares @ DOT
        wanted = logs - np.log(cycles.sum(1)) + (shares * (costs - base)).sum(1)
        covariance = scale + kind * (shares @ shares.T) + dot * np.outer(dots, dots)
        weights = np.linalg.solve(covariance + noise**2 * np.eye(len(logs)), wanted)
        found = base + kind @ (shares * weights[:, None]) + np.outer(dot @ (dots * weights), DOT)
        step = np.clip(found - costs, -LONGEST_STEP, LONGEST_STEP)
        costs = costs + SHARE_OF_A_STEP * step
        if np.abs(step).max() < STANDS:
            break
    return weights, shares


def _alike(members: Sequence[str]) -> np.ndarray:
    """1 where two rows are of one group, else 0; a row without a group is not even like itself."""
    names, numbers = np.unique(members, return_inverse=True)
    return (numbers[:, None] == numbers) * (names[numbers] != "")[:, None] * 1.0


def _effects(levels: Sequence[Level], weights: np.ndarray, shares: np.ndarray) -> Effects:
    effects: dict[str, dict[str, Effect]] = {}
    for name, spread, members in levels:
        groups = effects.setdefault(name, {})
        for group in sorted(set(members) - {""}):
            mine = np.array(members) == group
            scale = spread.scale**2 * weights[mine].sum()
            moved = weights[mine] @ shares[mine]
            costs = spread.kind**2 * moved + spread.dot**2 * (moved @ DOT) * DOT
            if group in groups:  # a strange core has two effects
                scale, costs = scale + groups[group].scale, costs + groups[group].costs
            groups[group] = Effect(float(scale), costs)
    return effects
