"""The timeline is drawn, with and without decisions."""

from __future__ import annotations

from pathlib import Path

from firmware_sim.report import Latency
from firmware_sim.stream.day import simulate_day
from firmware_sim.stream.decisions import Decision, Said
from firmware_sim.stream.picture import draw_timeline
from firmware_sim.stream.settings import settings_for


def test_it_is_a_png_that_shows_what_was_said(tmp_path: Path) -> None:
    day = simulate_day(settings_for(64, 50.0, hours=0.01), Latency(5.0, 5.0, 5.0, None, "stated"))
    plain, named = tmp_path / "a" / "plain.png", tmp_path / "named.png"
    draw_timeline(day, plain)
    decisions = tuple(Decision(at, at, "wave", 1.0, "wave", None) for at in day.finishes)
    draw_timeline(day, named, Said(decisions, None, None))
    for path in (plain, named):
        assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000
    assert plain.read_bytes() != named.read_bytes()
