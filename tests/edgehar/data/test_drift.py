"""Two clocks, one body: offset and drift against what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from edgehar.data.drift import clock_drift
from edgehar.data.streams import Raw


def body(t: np.ndarray) -> np.ndarray:
    """How hard a body moves at time t: bursts at moments that do not repeat."""
    moments = np.cumsum(np.random.default_rng(0).uniform(0.4, 1.5, 200))
    return sum(np.exp(-(((t - moment) / 0.12) ** 2)) for moment in moments)


def felt(seed: int, seconds=60.0, rate=50.0, offset=0.0, fast=0.0, place=1.0) -> Raw:
    """A sensor whose clock is `offset` late and `fast` times too quick."""
    t = np.arange(0, seconds, 1 / rate)
    random = np.random.default_rng(seed)
    values = (
        body(t)[:, None] * random.normal(0, 3, 3) * place + [0, 0, 9.8] + random.normal(0, 0.1, (len(t), 3))
    )
    stamps = offset + t * (1 + fast)
    return Raw(values.astype(np.float32), stamps - stamps[0], 1000 + stamps[0], False, rate)


@pytest.mark.parametrize(("offset", "fast"), [(0.0, 0.0), (0.3, 0.0), (-0.5, 0.004), (0.2, -0.006)])
@pytest.mark.parametrize("rate", [50.0, 31.0, 100.0])
def test_offset_and_drift_are_found(offset, fast, rate):
    found = clock_drift(felt(1), felt(2, rate=rate, offset=offset, fast=fast))
    assert found.offset_s == pytest.approx(offset + 10 * fast, abs=0.03)  # in the middle of the first third
    assert found.drift_s == pytest.approx(fast * found.over_s, abs=0.03)
    assert found.ppm == pytest.approx(1e6 * fast, abs=800)


def test_what_does_not_move_alike_is_not_compared():
    still = felt(3, place=0.0)
    assert clock_drift(felt(1), still) is None


def test_short_recordings_are_not_compared():
    assert clock_drift(felt(1, 10), felt(2, 10)) is None


def test_a_stream_without_times_has_no_clock():
    untimed = Raw(felt(1).values, None, 0.0, False, 50.0)
    assert clock_drift(felt(1), untimed) is None
    assert clock_drift(untimed, untimed).offset_s == pytest.approx(0, abs=1e-3)


def test_a_skeleton_is_compared_with_a_wrist():
    t = np.arange(0, 60, 1 / 30)
    swing = np.cumsum(np.cumsum(body(t) * np.sin(40 * t))) / 30**2
    joints = np.ones((len(t), 20, 3)) + swing[:, None, None] * np.random.default_rng(0).normal(0, 1, (20, 3))
    seen = Raw(joints.astype(np.float32), t + 0.4, 1000.0, False, 30.0)
    assert clock_drift(felt(1), seen).offset_s == pytest.approx(0.4, abs=0.06)
