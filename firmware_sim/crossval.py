"""How wrong estimates are where nobody has measured: rows are left out, and estimated from the rest.

Left out is what would be new: a model everywhere (a user's model is), also its pair of core and engine, all
of a core, all of an engine, or both. What comes out is log(measured / estimated), row by row.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from firmware_sim.costs import LEVELS, NOVELTIES, STRANGE, Interval, Novelty, log_interval
from firmware_sim.fit import Effects, Observation, Prior, believed, fit

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
    def kernels(self) -> str:
        """The engine, or the generation of its kernels."""
        return self.observation.groups["engine"]

    @property
    def board(self) -> str:
        """The chip, without the board's revision: `NUCLEO-L4R5ZI-P (STM32L4R5ZI-P)` is STM32L4R5ZI."""
        return self.system.partition("(")[2].rstrip(")").removesuffix("-P") or self.system


@dataclass(frozen=True)
class Known:
    """What the rows that are left for the fit have."""

    cores: frozenset[str]
    engines: frozenset[str]
    pairs: frozenset[str]


@dataclass(frozen=True)
class Scheme:
    """What is left out together. key: the fold that a sample is judged in; leaves(key, sample): whether it is
    left out there; judges(sample, known): whether it is judged, given what is left."""

    key: Callable[[Sample], tuple[str, ...]]
    leaves: Callable[[tuple[str, ...], Sample], bool]
    judges: Callable[[Sample, Known], bool]

    def folds(self, samples: Sequence[Sample]) -> Iterator[tuple[list[Sample], list[Sample]]]:
        """Each fold: those judged, and those to fit."""
        for key in sorted({self.key(sample) for sample in samples}):
            rest = [sample for sample in samples if not self.leaves(key, sample)]
            known = Known(
                frozenset(s.core for s in rest),
                frozenset(s.kernels for s in rest),
                frozenset(s.pair for s in rest),
            )
            yield [s for s in samples if self.key(s) == key and self.judges(s, known)], rest


def _pair_known(sample: Sample, known: Known) -> bool:
    return sample.pair in known.pairs


def _parts_known(sample: Sample, known: Known) -> bool:
    return sample.core in known.cores and sample.kernels in known.engines


# One model of one pair that is measured on others, the model being measured elsewhere.
MODEL_OF_PAIR = Scheme(lambda s: (s.pair, s.model), lambda key, s: (s.pair, s.model) == key, _pair_known)
# One model everywhere, judged on pairs that are measured on others: what a user's model meets.
MODEL = Scheme(lambda s: (s.model,), lambda key, s: s.model == key[0], _pair_known)
# One pair whose core and engine are both measured elsewhere.
PAIR = Scheme(lambda s: (s.pair,), lambda key, s: s.pair == key[0], _parts_known)
# The same with the model left out everywhere: a user's model on a pair that nobody measured.
PAIR_AND_MODEL = Scheme(
    lambda s: (s.pair, s.model), lambda key, s: s.pair == key[0] or s.model == key[1], _parts_known
)
CORE = Scheme(
    lambda s: (s.core,), lambda key, s: s.core == key[0], lambda s, known: s.kernels in known.engines
)
# An engine with all generations of its kernels.
ENGINE = Scheme(
    lambda s: (s.engine,), lambda key, s: s.engine == key[0], lambda s, known: s.core in known.cores
)
# One board, and with it its core where no other board has it.
BOARD = Scheme(lambda s: (s.board,), lambda key, s: s.board == key[0], lambda s, known: True)
CORE_AND_ENGINE = Scheme(
    lambda s: (s.core, s.engine),
    lambda key, s: s.core == key[0] or s.engine == key[1],
    lambda s, known: True,
)


def errors_of(samples: Sequence[Sample], prior: Prior, scheme: Scheme) -> list[tuple[Sample, float]]:
    """(sample, log(measured / estimated)) of every row that the scheme leaves out."""
    errors = []
    near = fit([sample.observation for sample in samples], prior)
    for left_out, rest in scheme.folds(samples):
        if not left_out:
            continue
        effects = fit([sample.observation for sample in rest], prior, near)
        for sample in left_out:
            estimated = predict(sample.observation, effects, prior)
            errors += [(sample, math.log(cycles / estimated)) for cycles in sample.cycles]
    return errors


def predict(observation: Observation, effects: Effects, prior: Prior) -> float:
    """Cycles that the effects say; a group they do not know adds nothing."""
    groups = observation.groups
    found = [effects[level][groups[level]] for level in LEVELS if groups[level] in effects[level]]
    logs = np.sum([believed(prior, groups), *(effect.costs + effect.scale for effect in found)], axis=0)
    return float(np.array(observation.amounts) @ np.exp(logs))


@dataclass(frozen=True)
class Off:
    """How far off estimates are, as shares of what was measured: the median and the 90th percentile."""

    rows: int
    median: float
    p90: float


def how_far_off(errors: Sequence[tuple[Sample, float]]) -> Off:
    """What `errors_of` found, of at least two rows, in short."""
    off = [abs(math.expm1(-error)) for _, error in errors]
    return Off(len(off), statistics.median(off), statistics.quantiles(off, n=10)[-1])


# All of them, by what is left out: what the docs' table and the tests go through.
LEFT_OUT: dict[str, Scheme] = {
    "a model of a measured pair": MODEL_OF_PAIR,
    "a model everywhere": MODEL,
    "a pair": PAIR,
    "a pair, and the model everywhere": PAIR_AND_MODEL,
    "a board": BOARD,
    "a core": CORE,
    "an engine": ENGINE,
    "core and engine": CORE_AND_ENGINE,
}
SCHEMES: dict[Novelty, Scheme] = {
    "model": MODEL,
    "pair": PAIR_AND_MODEL,
    "core": CORE,
    "engine": ENGINE,
    "both": CORE_AND_ENGINE,
}


def intervals_of(samples: Sequence[Sample], prior: Prior, least: Interval | None) -> dict[str, Interval]:
    """Factors that hold 80 % of the errors for each kind of novelty; never narrower than for a lesser one.

    A new model on a strange core, which shares less with the others, has an interval of its own,
    from models that other cores have run.
    least: what no interval is narrower than. Where too few rows can be left out, half and double.
    """
    intervals: dict[str, Interval] = {}
    widest = least or Interval(1.0, 1.0)
    for novelty in NOVELTIES:
        errors = [error for _, error in errors_of(samples, prior, SCHEMES[novelty])]
        found = log_interval(errors) if len(errors) >= FEW else HALF_AND_DOUBLE
        widest = Interval(min(widest.low, found.low), max(widest.high, found.high))
        intervals[novelty] = widest
    strange = [error for s, error in errors_of(samples, prior, MODEL_OF_PAIR) if s.core in prior.apart]
    found = log_interval(strange) if len(strange) >= FEW else HALF_AND_DOUBLE
    first = intervals["model"]
    return intervals | {STRANGE: Interval(min(first.low, found.low), max(first.high, found.high))}
