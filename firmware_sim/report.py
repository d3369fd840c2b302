"""The cost report: what a model costs on a device. The fields are the keys of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

Method = Literal["estimated", "emulated", "measured"]
Bounds = Literal["calibrated", "stated", "measured"]

SCHEMA = 1


@dataclass(frozen=True)
class ModelFigures:
    """The file. macs: of one inference; operators: how many; weights_bytes: constants of the graph."""

    path: str
    sha256: str
    macs: int | None
    operators: int | None
    weights_bytes: int | None


@dataclass(frozen=True)
class DeviceFigures:
    """Where it runs. clock_mhz is null where it is not known (a host that changes its clock)."""

    name: str
    core: str
    clock_mhz: float | None
    engine: str


@dataclass(frozen=True)
class Latency:
    """Of one inference, in ms. low and high hold 80 % of the errors where bounds are calibrated.

    Where they are stated they are as wide as the little that is known allows; where measured, the 10th and
    90th percentile, and value is the median.
    """

    value: float
    low: float
    high: float
    p95: float | None
    bounds: Bounds


@dataclass(frozen=True)
class Also:
    """The same latency by another method."""

    method: Method
    latency_ms: Latency


@dataclass(frozen=True)
class Counts:
    """What an emulator counted in one inference."""

    instructions: int
    l1d_misses: int | None
    l2_misses: int | None


@dataclass(frozen=True)
class Memory:
    """In bytes. activation_bytes: the part of arena_bytes that is planned by lifetimes.

    parts: what ram_bytes and flash_bytes hold besides, by name (`firmware_sim/memory.py`); not in the JSON,
    whose keys are fixed.
    """

    arena_bytes: int | None
    activation_bytes: int | None
    weights_bytes: int | None
    ram_bytes: int | None
    flash_bytes: int | None
    parts: Mapping[str, int | None] = field(default_factory=dict, metadata={"json": False})


@dataclass(frozen=True)
class Energy:
    """Of one inference, in microjoules."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OperatorCost:
    """One operator. share: its part of all cycles, 0 to 1; None where it was not timed by itself."""

    index: int
    name: str
    macs: int | None
    cycles: float | None
    share: float | None


@dataclass(frozen=True)
class CostReport:
    """What one model costs on one device. What is not known is None, and `warnings` names it."""

    schema: int
    model: ModelFigures
    device: DeviceFigures
    method: Method
    latency_ms: Latency | None
    also: tuple[Also, ...]
    counts: Counts | None
    memory: Memory
    energy_uj: Energy | None
    per_operator: tuple[OperatorCost, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain dicts, lists, numbers, text and None."""
        return {part.name: _plain(getattr(self, part.name)) for part in fields(self)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        shown = [part.name for part in fields(value) if part.metadata.get("json", True)]
        return {name: _plain(getattr(value, name)) for name in shown}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
