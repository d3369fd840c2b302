"""How a watch streams: its sensor, its ring buffer, its patience."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from firmware_sim.errors import SimError

RULES = ("majority", "debounce")
MAY_BE_ZERO = frozenset({"jitter_ms", "gaps_per_hour", "wake_ms", "read_us", "motions_per_hour", "seed"})
MOST_EVENTS = 20_000_000


@dataclass(frozen=True)
class StreamSettings:
    """Everything that decides a simulated day but the model's cost.

    window: samples of one inference, at rate_hz; hop: samples from one window to the next; fifo: samples
    that the sensor keeps before it wakes the processor. jitter_ms: spread of a batch's delay; gap_s: mean
    length of a gap, after which the ring starts anew. rule, smoothing: a decision is announced when it is
    the majority of the last `smoothing` ones, or when `smoothing` ones in a row agree. wake_ms: to wake up;
    read_us: to read one sample; sample_bytes: of one in the ring. new_share: of a window that must show a
    motion before the model names it. hours: how long; seed: of all that is random.
    """

    rate_hz: float
    window: int
    hop: int
    fifo: int
    jitter_ms: float = 2.0
    gaps_per_hour: float = 1.0
    gap_s: float = 2.0
    rule: str = "majority"
    smoothing: int = 3
    wake_ms: float = 1.0
    read_us: float = 30.0
    sample_bytes: int = 6
    new_share: float = 0.5
    motions_per_hour: float = 30.0
    hours: float = 24.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises SimError for a value that no watch can have."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "rule":
                if value not in RULES:
                    raise SimError(f"rule is {value!r} and must be one of {', '.join(RULES)}.")
            elif not math.isfinite(value) or value < 0 or (value == 0 and field.name not in MAY_BE_ZERO):
                least = "at least 0" if field.name in MAY_BE_ZERO else "above 0"
                raise SimError(f"{field.name} is {value} and must be {least}.")
        if self.new_share > 1:
            raise SimError(f"new_share is {self.new_share} and must be at most 1.")
        batches = 3600 * self.hours * self.rate_hz / self.fifo
        if batches + 3600 * self.hours * self.rate_hz / self.hop > MOST_EVENTS:
            raise SimError(
                f"{self.hours:g} hours are more than {MOST_EVENTS:,} events: simulate fewer hours."
            )

    @property
    def ring_samples(self) -> int:
        """Samples that the ring buffer must hold: a window, and a batch that arrives while it is read."""
        return self.window + self.fifo

    @property
    def needed(self) -> int:
        """Decisions that must name a new motion before it is announced."""
        return self.smoothing if self.rule == "debounce" else self.smoothing // 2 + 1


def settings_for(
    window: int, rate_hz: float, hop: int | None = None, fifo: int | None = None, **more: object
) -> StreamSettings:
    """Settings with the usual hop (half a window) and FIFO (half a second, but no more than a hop)."""
    hop = hop if hop is not None else max(1, window // 2)
    fifo = fifo if fifo is not None else max(1, min(round(rate_hz / 2), hop))
    return StreamSettings(rate_hz=rate_hz, window=window, hop=hop, fifo=fifo, **more)  # type: ignore[arg-type]
