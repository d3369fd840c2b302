"""How wrong estimates are where nobody has measured: rows are left out, the rest is fitted, they are estimated.

Left out is what would be new: a model everywhere (a user's model is), also its pair of core and engine, all
of a core, all of an engine, or both. What comes out is log(measured / estimated), row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from firmware_sim.costs import LEVELS, NOVELTIES, Interval, Novelty, log_interval
from firmware_sim.fit import Effects, Observation, Prior, fit
from firmware_sim.work import KINDS

FEW = 10  # errors below which quantiles say nothing
HALF_AND_DOUBLE = Interval(0.5, 2.0)


@dataclass(frozen=True)
class Sample:
    """Rows of one board, engine and model. cycles: of each row; observation: their median.

    engine: by its name in the table; operators: names of those that the model runs.
    """

    observation: Observation
    model: str
    system: str
    engine: str
    cycles: tuple[float, ...]
    operators: frozenset[str]

    @property
    def core(self) -> str:
        """The core it ran on."""
        return self.observation.groups["core"]

    @property
    def pair(self) -> str:
        """Core and engine."""
        return self.observation.groups["pair"]

    @property
    def board(self) -> str:
        """The chip, without the board's revision: `NUCLEO-L4R5ZI-P (STM32L4R5ZI-P)` is STM32L4R5ZI."""
        return self.system.partition("(")[2].rstrip(")").removesuffix("-P") or self.system


Fold = tuple[list[Sample], list[Sample]]  # those left out, those fitted
Scheme = Callable[[Sequence[Sample]], Iterator[Fold]]


def errors_of(samples: Sequence[Sample], prior: Prior, scheme: Scheme) -> list[tuple[Sample, float]]:
    """(sample, log(measured / estimated)) of every row that the scheme leaves out."""
    errors = []
    for left_out, rest in scheme(samples):
        effects = fit([sample.observation for sample in rest], prior)
        for sample in left_out:
            estimated = predict(sample.observation, effects, prior)
            errors += [(sample, math.log(cycles / estimated)) for cycles in sample.cycles]
    return errors


def predict(observation: Observation, effects: Effects, prior: Prior) -> float:
    """Cycles that the effects say; a group they do not know adds nothing."""
    groups = observation.groups
    found = [effects[level][groups[level]] for level in LEVELS if groups[level] in effects[level]]
    scale = sum(effect.scale for effect in found) + prior.cores.get(groups["core"], 0.0)
    logs = [prior.costs[kind] + sum(float(e.costs[i]) for e in found) for i, kind in enumerate(KINDS)]
    cycles = math.fsum(a * math.exp(c) for a, c in zip(observation.amounts, logs, strict=True))
    return cycles * math.exp(scale)


def _split(samples: Sequence[Sample], leave: Callable[[Sample], bool], judge: Callable[[Sample], bool]) -> Fold:
    return [s for s in samples if leave(s) and judge(s)], [s for s in samples if not leave(s)]


def by_model_and_pair(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One model of one pair, which is measured on others; the model is measured elsewhere."""
    for pair in sorted({s.pair for s in samples}):
        models = sorted({s.model for s in samples if s.pair == pair})
        for model in models if len(models) > 1 else ():
            yield _split(samples, lambda s: (s.pair, s.model) == (pair, model), lambda s: True)


def by_model(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One model everywhere; judged on the pairs that are measured on others."""
    for model in sorted({s.model for s in samples}):
        known = {s.pair for s in samples if s.model != model}
        yield _split(samples, lambda s: s.model == model, lambda s: s.pair in known)


def by_pair(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One pair, whose core and engine are both measured elsewhere."""
    for pair in _pairs_of_known(samples):
        yield _split(samples, lambda s: s.pair == pair, lambda s: True)


def by_pair_new_model(samples: Sequence[Sample]) -> Iterator[Fold]:
    """The same, and the model left out everywhere: what a user's model on an unmeasured pair meets."""
    for pair in _pairs_of_known(samples):
        for model in sorted({s.model for s in samples if s.pair == pair}):
            yield _split(samples, lambda s: pair == s.pair or model == s.model,
                         lambda s: (pair, model) == (s.pair, s.model))  # fmt: skip


def by_core(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One core; judged with the engines that are measured elsewhere."""
    for core in sorted({s.core for s in samples}):
        engines = {s.observation.groups["engine"] for s in samples if s.core != core}
        yield _split(samples, lambda s: s.core == core, lambda s: s.observation.groups["engine"] in engines)


def by_engine(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One engine; judged on the cores that are measured with others."""
    for engine in sorted({s.observation.groups["engine"] for s in samples}):
        cores = {s.core for s in samples if s.observation.groups["engine"] != engine}
        yield _split(samples, lambda s: s.observation.groups["engine"] == engine, lambda s: s.core in cores)


def by_board(samples: Sequence[Sample]) -> Iterator[Fold]:
    """One board, and with it its core where no other board has it."""
    for board in sorted({s.board for s in samples}):
        yield _split(samples, lambda s: s.board == board, lambda s: True)


def by_core_and_engine(samples: Sequence[Sample]) -> Iterator[Fold]:
    """The core and the engine of one pair, everywhere."""
    for pair in sorted({s.pair for s in samples}):
        one = next(s.observation.groups for s in samples if s.pair == pair)
        yield _split(
            samples,
            lambda s: s.core == one["core"] or s.observation.groups["engine"] == one["engine"],
            lambda s: s.pair == pair,
        )


def _pairs_of_known(samples: Sequence[Sample]) -> list[str]:
    pairs = {s.pair: s.observation.groups for s in samples}
    return [
        pair
        for pair, mine in sorted(pairs.items())
        if all(any(pairs[p][level] == mine[level] for p in pairs if p != pair) for level in ("core", "engine"))
    ]


SCHEMES: dict[Novelty, Scheme] = {
    "model": by_model,
    "pair": by_pair_new_model,
    "core": by_core,
    "engine": by_engine,
    "both": by_core_and_engine,
}


def intervals_of(samples: Sequence[Sample], prior: Prior, least: Interval | None) -> dict[str, Interval]:
    """Factors that hold 80 % of the errors for each kind of novelty; never narrower than for a lesser one.

    least: what no interval is narrower than. Where too few rows can be left out, half and double.
    """
    intervals: dict[str, Interval] = {}
    widest = least or Interval(1.0, 1.0)
    for novelty in NOVELTIES:
        errors = [error for _, error in errors_of(samples, prior, SCHEMES[novelty])]
        found = log_interval(errors) if len(errors) >= FEW else HALF_AND_DOUBLE
        widest = Interval(min(widest.low, found.low), max(widest.high, found.high))
        intervals[novelty] = widest
    return intervals
