"""A calibration: what a unit of each kind of work costs on a core with an engine, and how sure that is.

Read from JSON that `edgehar calibrate` writes (ours: `calibration/default.json`). Costs are sums of effects
of core, engine and their pair (`firmware_sim/fit.py`); a pair that nobody measured is the sum of the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from firmware_sim.errors import SimError
from firmware_sim.work import KINDS, Work

SCHEMA = 2  # of calibrations
DEFAULT = Path(__file__).parent / "calibration" / "default.json"
LEVELS = ("all", "core", "line", "engine", "pair")
# What a device may be new in: nothing but the model, the pair, its core, its engine, or both of them.
Novelty = Literal["model", "pair", "core", "engine", "both"]
NOVELTIES: tuple[Novelty, ...] = ("model", "pair", "core", "engine", "both")
STRANGE = "model on a strange core"  # no SIMD, or vectors: new in nothing but the model, yet less sure
SAME = {"cortex-m4": "cortex-m4f"}  # integers do not ask for the floating-point unit
# The nearest relative of a core that nobody measured.
ALIKE = {
    "cortex-m55": "cortex-m85",
    "cortex-a35": "cortex-a53",
    "cortex-a7": "cortex-a53",
    "cortex-a76": "cortex-a72",
}


@dataclass(frozen=True)
class Interval:
    """Factors of a value that hold 80 % of the errors: low <= 1 <= high."""

    low: float
    high: float

    def wider(self, factor: float) -> Interval:
        """Both ends further out by an independent factor of at least 1: logarithms add as squares."""
        low, high, more = math.log(self.low), math.log(self.high), math.log(factor)
        return Interval(math.exp(-math.hypot(low, more)), math.exp(math.hypot(high, more)))


@dataclass(frozen=True)
class Power:
    """mW while computing: the median of energy over latency, with factors that hold 80 % of the rows."""

    mw_per_mhz: float
    interval: Interval


@dataclass(frozen=True)
class UnitCosts:
    """Cycles per unit of each kind of work, in the order of KINDS, for one core and engine.

    dropped: the share of dead channels that the engine drops. interval: of the sum over a model.
    """

    cycles: tuple[float, ...]
    dropped: float
    novelty: Novelty
    interval: Interval

    def of(self, work: Work) -> float:
        """Cycles of one operator."""
        amounts = work.amounts(self.dropped)
        return math.fsum(a * c for a, c in zip(amounts, self.cycles, strict=True))


@dataclass(frozen=True)
class Family:
    """The cores that one fit is for. kinds: operators by name that its rows ran.

    prior: log cycles per unit; apart: what is added to them on a strange core or for an engine; effects:
    level -> group -> what it adds, the scale first and then the costs in the order of KINDS. generations: of
    a pair's engine, where its name hides that it ran older or other kernels than the name means elsewhere.
    """

    prior: tuple[float, ...]
    apart: Mapping[str, tuple[float, ...]]
    effects: Mapping[str, Mapping[str, tuple[float, ...]]]
    generations: Mapping[str, str]
    intervals: Mapping[str, Interval]
    operators: frozenset[str]
    bounds: Literal["calibrated", "stated"]

    def costs(self, core: str, engine: str, dropped: float) -> UnitCosts:
        """Unit costs of a core with an engine, known or not."""
        core = SAME.get(core, core)
        novelty = self._novelty(groups_of(core, engine))
        core = core if core in self.effects["core"] else ALIKE.get(core, core)
        groups = groups_of(core, engine, self.generations.get(f"{core} {engine}"))
        found = [
            self.effects[level][groups[level]] for level in LEVELS if groups[level] in self.effects[level]
        ]
        sums = [math.fsum(column) for column in zip((0.0,) * (1 + len(KINDS)), *found, strict=True)]
        apart = [self.apart[groups[level]] for level in ("core", "engine") if groups[level] in self.apart]
        logs = [math.fsum(column) + sums[0] for column in zip(self.prior, sums[1:], *apart, strict=True)]
        sure = STRANGE if novelty == "model" and core in self.apart else novelty
        return UnitCosts(tuple(map(math.exp, logs)), dropped, novelty, self.intervals[sure])

    def _novelty(self, groups: Mapping[str, str]) -> Novelty:
        if groups["pair"] in self.effects["pair"]:
            return "model"
        core, engine = (groups[level] in self.effects[level] for level in ("core", "engine"))
        if core and engine:
            return "pair"
        return "engine" if core else "core" if engine else "both"


@dataclass(frozen=True)
class Calibration:
    """All families, by name, what engines drop, and power by core and system. source: whose rows."""

    source: str
    families: Mapping[str, Family]
    dropped: Mapping[str, float]
    power: Mapping[str, Power]

    def family(self, core: str) -> Family:
        """The family that a core belongs to."""
        return self.families[family_of(core)]

    def costs(self, core: str, engine: str, numbers: str) -> UnitCosts | None:
        """Unit costs of a core with an engine in these numbers; None where they were never measured."""
        name = engine_in(engine, numbers)
        if name is None:
            return None
        return self.family(core).costs(core, name, self.dropped.get(engine, 0.0))


def family_of(core: str) -> str:
    """`application` for Cortex-A, else `microcontroller`."""
    return "application" if core.startswith("cortex-a") else "microcontroller"


def engine_in(engine: str, numbers: str) -> str | None:
    """The name under which rows of an engine in some numbers are kept; None where there are none.

    XNNPACK has kernels for both; the other engines are one for each (`hale fp32`), int8 if nothing is said.
    """
    if engine == "litert-xnnpack":
        return {"int8": engine, "float32": f"{engine} float32"}.get(numbers)
    return engine if numbers == ("float32" if "fp32" in engine else "int8") else None


def groups_of(core: str, engine: str, generation: str | None = None) -> dict[str, str]:
    """The groups of a row on each level. generation: of the engine's kernels, if its name hides it."""
    made = generation or engine
    return {"all": "all", "core": core, "line": line_of(made), "engine": made, "pair": f"{core} {engine}"}


def line_of(engine: str) -> str:
    """Engines whose kernels resemble each other: by one maker, or those that call CMSIS-NN's int8 kernels.

    `x-cube-ai 7.1` is of `x-cube-ai`; its kernels for vectors and its old ones for q7 are not of `cmsis-nn`.
    """
    if engine.endswith("cmsis-nn") and "helium" not in engine:
        return "cmsis-nn"
    return engine if "fp32" in engine else engine.split(" ")[0].split("+")[0]


def log_interval(errors: Sequence[float], share: float = 0.8) -> Interval:
    """Factors that hold `share` of errors log(measured / estimated): conformal, an equal part left out on
    each side. With n errors the k-th from the end, k = floor((1 - share) / 2 x (n + 1)), at least the last.
    """
    ordered = sorted(errors)
    cut = max(math.floor((1 - share) / 2 * (len(ordered) + 1)), 1)
    low, high = ordered[cut - 1], ordered[-cut]
    return Interval(math.exp(min(low, 0.0)), math.exp(max(high, 0.0)))


def read_calibration(path: Path) -> Calibration:
    """A calibration that `edgehar calibrate` wrote. Raises SimError if the file is none."""
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SimError(f"{path}: cannot be read ({error.strerror}); write one: edgehar calibrate") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SimError(f"{path}: is no calibration ({error!r}); write one: edgehar calibrate") from None


@cache
def default_calibration() -> Calibration:
    """Ours."""
    return read_calibration(DEFAULT)


def _from_json(plain: Any) -> Calibration:
    if plain["schema"] != SCHEMA or plain["kinds"] != list(KINDS):
        raise ValueError("of another version")
    return Calibration(
        source=str(plain["source"]),
        families={name: _family(part) for name, part in plain["families"].items()},
        dropped={engine: float(share) for engine, share in plain["dropped"].items()},
        power={
            name: Power(float(mw), Interval(low, high)) for name, (mw, low, high) in plain["power"].items()
        },
    )


def _family(plain: Any) -> Family:
    effects = {level: _vectors(plain["effects"][level], 1 + len(KINDS)) for level in LEVELS}
    return Family(
        prior=tuple(map(float, plain["prior"])),
        apart=_vectors(plain["apart"], len(KINDS)),
        effects=effects,
        generations={pair: str(name) for pair, name in plain["generations"].items()},
        intervals={name: Interval(*map(float, plain["intervals"][name])) for name in (*NOVELTIES, STRANGE)},
        operators=frozenset(plain["operators"]),
        bounds="stated" if plain["bounds"] == "stated" else "calibrated",
    )


def _vectors(plain: Any, length: int) -> dict[str, tuple[float, ...]]:
    vectors = {name: tuple(map(float, values)) for name, values in plain.items()}
    if any(len(values) != length for values in vectors.values()):
        raise ValueError("an effect has the wrong length")
    return vectors


def to_json(calibration: Calibration) -> dict[str, Any]:
    """What `read_calibration` reads, as plain values; logarithms to five digits."""
    return {
        "schema": SCHEMA,
        "source": calibration.source,
        "kinds": list(KINDS),
        "families": {name: _plain(family) for name, family in calibration.families.items()},
        "dropped": {engine: _digits(share) for engine, share in calibration.dropped.items()},
        "power": {
            name: [_digits(p.mw_per_mhz), _digits(p.interval.low), _digits(p.interval.high)]
            for name, p in calibration.power.items()
        },
    }


def _plain(family: Family) -> dict[str, Any]:
    return {
        "bounds": family.bounds,
        "prior": [_digits(value) for value in family.prior],
        "apart": {name: [_digits(v) for v in values] for name, values in family.apart.items()},
        "generations": dict(family.generations),
        "intervals": {k: [_digits(v.low), _digits(v.high)] for k, v in family.intervals.items()},
        "operators": sorted(family.operators),
        "effects": {
            level: {group: [_digits(v) for v in values] for group, values in groups.items()}
            for level, groups in family.effects.items()
        },
    }


def _digits(value: float) -> float:
    return round(value, 5)
