"""The figures of a watch's day: duty cycle, latencies, missed deadlines, memory, energy, battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from firmware_sim.errors import SimError
from firmware_sim.profile import DeviceProfile
from firmware_sim.report import CostReport, Latency
from firmware_sim.stream.day import Day, simulate_day
from firmware_sim.stream.decisions import Said
from firmware_sim.stream.settings import StreamSettings

SCHEMA = 1
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class StreamMemory:
    """In bytes: the sensor's ring buffer, what the model works in, and both. None where not known."""

    ring_bytes: int
    model_bytes: int | None
    peak_bytes: int | None


@dataclass(frozen=True)
class StreamEnergy:
    """Of the whole day in mWh, by part; mean_mw: over the day; battery_hours: None without a battery."""

    sleep_mwh: float
    wake_mwh: float
    read_mwh: float
    model_mwh: float
    mean_mw: float
    battery_hours: float | None


@dataclass(frozen=True)
class StreamReport:
    """A watch's day. duty_cycle: share of the time that the processor is awake, 0 to 1.

    missed_deadlines: windows whose answer came after the next window was due, and those dropped for it.
    motion_to_decision_ms: percentiles over simulated motions, from a motion's start to the announcement.
    """

    schema: int
    model: str
    device: str
    cost_method: str
    cost_latency_ms: Latency
    settings: Mapping[str, Any]
    hours: float
    samples: int
    samples_lost: int
    wakeups: int
    inferences: int
    dropped: int
    missed_deadlines: int
    duty_cycle: float
    motion_to_decision_ms: Mapping[str, float] | None
    memory: StreamMemory
    energy: StreamEnergy | None
    decisions: tuple[Any, ...] | None
    accuracy: float | None
    announced_accuracy: float | None
    picture: str | None
    warnings: tuple[str, ...]


def simulate_stream(settings: StreamSettings, cost: CostReport) -> Day:
    """The day of a model of that cost. Raises SimError where the cost's latency is unknown."""
    return simulate_day(settings, known_latency(cost))


def known_latency(cost: CostReport) -> Latency:
    """The latency of a cost report. Raises SimError where it is null."""
    if cost.latency_ms is None:
        raise SimError(
            f"{cost.model.path}: its latency on {cost.device.name} is unknown, so its day cannot be "
            "simulated; choose another device, or --emulate."
        )
    return cost.latency_ms


def stream_report(
    day: Day,
    cost: CostReport,
    profile: DeviceProfile | None,
    said: Said | None = None,
    picture: str | None = None,
) -> StreamReport:
    """The figures of `day`. profile: None for a device without one (`host`), whose energy is unknown."""
    energy, unknown = _energy(day, profile)
    memory = _memory(day, cost)
    warnings = [*unknown]
    if memory.model_bytes is None:
        warnings.append("The RAM of the model is unknown: peak_bytes is null.")
    elif cost.memory.ram_bytes is None:
        warnings.append("The model's RAM is its arena alone; what the runtime packs beside it is unknown.")
    latencies = motion_latencies_s(day)
    if latencies.size == 0:
        warnings.append("No motion was answered within the simulated time: motion_to_decision_ms is null.")
    return StreamReport(
        schema=SCHEMA,
        model=cost.model.path,
        device=cost.device.name,
        cost_method=cost.method,
        cost_latency_ms=known_latency(cost),
        settings=asdict(day.settings),
        hours=day.settings.hours,
        samples=day.samples,
        samples_lost=day.samples_lost,
        wakeups=day.wakeups,
        inferences=len(day.finishes),
        dropped=day.dropped,
        missed_deadlines=day.missed + day.dropped,
        duty_cycle=sum(day.busy_s.values()) / day.seconds,
        motion_to_decision_ms=_percentiles_ms(latencies),
        memory=memory,
        energy=energy,
        decisions=said.decisions if said else None,
        accuracy=said.accuracy if said else None,
        announced_accuracy=said.announced_accuracy if said else None,
        picture=picture,
        warnings=tuple(warnings),
    )


def motion_latencies_s(day: Day) -> np.ndarray:
    """Seconds from the start of each simulated motion to its announcement, (motions,).

    Motions start at random moments. A window names one once new_share of it was recorded since; the
    announcement needs as many such windows in a row as the smoothing asks for. Motions too near the end
    of the day to be answered are left out.
    """
    settings = day.settings
    random = np.random.default_rng([settings.seed, 3])
    count = random.poisson(settings.motions_per_hour * settings.hours)
    starts = np.sort(random.uniform(0, day.seconds, count))
    seen = starts + settings.new_share * settings.window / settings.rate_hz
    answers = np.searchsorted(np.array(day.ends), seen) + settings.needed - 1
    inside = answers < len(day.finishes)
    return np.array(day.finishes)[answers[inside]] - starts[inside]


def _percentiles_ms(seconds: np.ndarray) -> dict[str, float] | None:
    if seconds.size == 0:
        return None
    values = 1000 * np.percentile(seconds, PERCENTILES)
    return {f"p{p}": float(v) for p, v in zip(PERCENTILES, values, strict=True)} | {
        "max": float(1000 * seconds.max())
    }


def _memory(day: Day, cost: CostReport) -> StreamMemory:
    ring = day.settings.ring_samples * day.settings.sample_bytes
    model = cost.memory.ram_bytes if cost.memory.ram_bytes is not None else cost.memory.arena_bytes
    return StreamMemory(ring, model, None if model is None else ring + model)


def _energy(day: Day, profile: DeviceProfile | None) -> tuple[StreamEnergy | None, list[str]]:
    """mW times hours, by part; None and why where the profile does not know the powers."""
    name = profile.name if profile else "this machine"
    missing = [key for key in ("active_mw", "idle_mw") if profile is None or getattr(profile, key) is None]
    if profile is None or profile.active_mw is None or profile.idle_mw is None:
        return None, [f"{' and '.join(missing)} of {name} are unknown: energy is null."]
    awake = sum(day.busy_s.values())
    parts = {what: profile.active_mw * seconds / 3600 for what, seconds in day.busy_s.items()}
    sleep = profile.idle_mw * (day.seconds - awake) / 3600
    mean = (sleep + sum(parts.values())) / (day.seconds / 3600)
    warnings = ["The sensor's own power is not counted."]
    if profile.battery_mwh is None:
        warnings.append(f"battery_mwh of {name} is unknown: battery_hours is null.")
    hours = profile.battery_mwh / mean if profile.battery_mwh is not None and mean else None
    return StreamEnergy(sleep, parts["wake"], parts["read"], parts["model"], mean, hours), warnings
