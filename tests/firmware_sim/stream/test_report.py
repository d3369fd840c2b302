"""A day's figures: energy and memory by hand, and null where a device's figures are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_sim.errors import SimError
from firmware_sim.estimate import estimate
from firmware_sim.model import read_model
from firmware_sim.profile import read_profile
from firmware_sim.report import CostReport, Latency
from firmware_sim.stream.report import simulate_stream, stream_report
from firmware_sim.stream.settings import StreamSettings

PROFILE = replace(read_profile("nucleo-l4r5zi"), active_mw=40.0, idle_mw=0.5, battery_mwh=1000.0)
SETTINGS = StreamSettings(
    50.0, 100, 50, 25, jitter_ms=0.0, gaps_per_hour=0.0, wake_ms=2.0, read_us=40.0, hours=1.0
)


@pytest.fixture
def cost(sign_model) -> CostReport:
    estimated = estimate(read_model(sign_model()), PROFILE)
    return replace(estimated, latency_ms=Latency(10.0, 10.0, 10.0, None, "stated"))


def test_an_hour_by_hand(cost: CostReport) -> None:
    report = stream_report(simulate_stream(SETTINGS, cost), cost, PROFILE)
    awake = 7200 * 0.002 + 180_000 * 40e-6 + 3599 * 0.010  # s: wake-ups, samples, inferences
    assert report.duty_cycle == pytest.approx(awake / 3600)
    energy = report.energy
    assert energy is not None
    assert energy.model_mwh == pytest.approx(40 * 35.99 / 3600)
    assert energy.sleep_mwh == pytest.approx(0.5 * (3600 - awake) / 3600)
    assert energy.mean_mw == pytest.approx((40 * awake + 0.5 * (3600 - awake)) / 3600)
    assert energy.battery_hours == pytest.approx(1000 / energy.mean_mw)
    assert report.memory.ring_bytes == 125 * 6
    assert cost.memory.ram_bytes is not None
    assert report.memory.peak_bytes == 750 + cost.memory.ram_bytes
    assert report.motion_to_decision_ms is not None
    assert list(report.motion_to_decision_ms) == ["p50", "p90", "p95", "p99", "max"]


def test_what_is_unknown_is_null_and_named(cost: CostReport) -> None:
    day = simulate_stream(SETTINGS, cost)
    unknown = stream_report(day, cost, replace(PROFILE, idle_mw=None))
    assert unknown.energy is None and any("idle_mw of nucleo-l4r5zi" in w for w in unknown.warnings)
    no_battery = stream_report(day, cost, replace(PROFILE, battery_mwh=None))
    assert no_battery.energy is not None and no_battery.energy.battery_hours is None
    assert any("battery_hours is null" in warning for warning in no_battery.warnings)
    with pytest.raises(SimError, match="its latency on nucleo-l4r5zi is unknown"):
        simulate_stream(SETTINGS, replace(cost, latency_ms=None))
