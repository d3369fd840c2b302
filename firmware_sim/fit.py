"""Costs of kinds of work by core and engine, fitted to measured cycles: a hierarchy with ridge.

    log cycles = scale + log(sum over kinds of amount x exp(cost of the kind))

scale and the costs are sums of effects: of all rows, of the core, of the engine's line (`x-cube-ai`), of the
engine, of the pair of core and engine. Each effect is drawn towards 0 by a normal prior whose spread is set
by its level, so that a pair measured on one model borrows from its engine on other cores and from its core
with other engines, and a pair never measured is their sum. MACs other than depthwise also share one effect a
group: a faster dot product makes all of them faster. The sum inside the logarithm is linearised at the
current costs and solved again until it stands (Gauss-Newton); each solve is one of the size of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from firmware_sim.work import KINDS

DOT = np.array([kind in ("convolution", "unaligned", "pointwise", "dense") for kind in KINDS])
LOADS = np.column_stack([np.eye(len(KINDS)), DOT])  # effects -> costs: (kinds, kinds + 1)
STEPS, STANDS = 30, 1e-6
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

    levels: the spreads by level. cores: log scale of cores that are unlike the others (no SIMD, vectors).
    strange: what such a core may differ by besides. noise: of a row's log cycles.
    """

    costs: Mapping[str, float]
    levels: Mapping[str, Spread]
    cores: Mapping[str, float]
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


def fit(rows: Sequence[Observation], prior: Prior) -> Effects:
    """The effects of every group that the rows name. Deterministic; no rows, no effects."""
    if not rows:
        return {level: {} for level in prior.levels}
    amounts = np.array([row.amounts for row in rows])  # (rows, kinds)
    logs = np.log([row.cycles for row in rows])
    levels = [(name, spread, _members(rows, name)) for name, spread in prior.levels.items()]
    cores = _members(rows, "core")
    strange = [core if core in prior.cores else "" for core in cores]
    levels.append(("core", prior.strange, strange))
    base = np.array([prior.costs[kind] for kind in KINDS])
    start = np.array([prior.cores.get(core, 0.0) for core in cores])
    weights, shares = _solve(amounts, logs, base, start, levels, prior.noise)
    return _effects(levels, weights, shares)


def _members(rows: Sequence[Observation], level: str) -> list[str]:
    return [row.groups[level] for row in rows]


Level = tuple[str, Spread, list[str]]


def _solve(
    amounts: np.ndarray,
    logs: np.ndarray,
    base: np.ndarray,
    start: np.ndarray,
    levels: Sequence[Level],
    noise: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each row (rows,) and its shares by effect (rows, kinds + 1) at the optimum."""
    alike = [_alike(members) for _, _, members in levels]
    costs = np.tile(base, (len(logs), 1))
    for _ in range(STEPS):
        cycles = amounts * np.exp(costs)
        kinds = cycles / cycles.sum(1, keepdims=True)
        shares = kinds @ LOADS
        wanted = logs - np.log(cycles.sum(1)) - start + (kinds * (costs - base)).sum(1)
        covariance = noise**2 * np.eye(len(logs))
        for (_, spread, _), same in zip(levels, alike, strict=True):
            covariance += same * (spread.scale**2 + (shares * _variances(spread)) @ shares.T)
        weights = np.linalg.solve(covariance, wanted)
        found = base + sum(
            (same @ (shares * weights[:, None]) * _variances(spread)) @ LOADS.T
            for (_, spread, _), same in zip(levels, alike, strict=True)
        )
        step = np.clip(found - costs, -LONGEST_STEP, LONGEST_STEP)
        costs = costs + step
        if np.abs(step).max() < STANDS:
            break
    return weights, shares


def _alike(members: Sequence[str]) -> np.ndarray:
    """1 where two rows are of one group, else 0; a row without a group is not even like itself."""
    names = np.array(members)
    return (names[:, None] == names[None]) * (names != "")[:, None] * 1.0


def _variances(spread: Spread) -> np.ndarray:
    return np.append(np.full(len(KINDS), spread.kind**2), spread.dot**2)


def _effects(levels: Sequence[Level], weights: np.ndarray, shares: np.ndarray) -> Effects:
    effects: dict[str, dict[str, Effect]] = {}
    for name, spread, members in levels:
        groups = effects.setdefault(name, {})
        for group in sorted(set(members) - {""}):
            mine = np.array([member == group for member in members])
            scale = spread.scale**2 * weights[mine].sum()
            costs = (weights[mine] @ shares[mine] * _variances(spread)) @ LOADS.T
            if group in groups:  # a strange core has two effects
                scale, costs = scale + groups[group].scale, costs + groups[group].costs
            groups[group] = Effect(float(scale), costs)
    return effects
