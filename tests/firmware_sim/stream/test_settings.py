"""What a watch can and cannot be."""

from __future__ import annotations

import pytest

from firmware_sim.errors import SimError
from firmware_sim.stream.settings import StreamSettings, settings_for


def test_the_usual_hop_and_fifo() -> None:
    usual = settings_for(128, 50.0)
    assert (usual.hop, usual.fifo, usual.ring_samples) == (64, 25, 153)
    assert settings_for(8, 50.0).fifo == 4  # no more than a hop


def test_how_many_decisions_must_agree() -> None:
    assert settings_for(64, 50.0, rule="majority", smoothing=5).needed == 3
    assert settings_for(64, 50.0, rule="debounce", smoothing=5).needed == 5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hop": 0}, "hop is 0 and must be above 0"),
        ({"jitter_ms": -1.0}, "jitter_ms is -1.0 and must be at least 0"),
        ({"hours": float("nan")}, "hours is nan"),
        ({"rule": "vote"}, "rule is 'vote' and must be one of majority, debounce"),
        ({"new_share": 1.5}, "new_share is 1.5 and must be at most 1"),
        ({"hours": 1e6}, "more than 20,000,000 events"),
    ],
)
def test_what_is_refused(values: dict, said: str) -> None:
    with pytest.raises(SimError, match=said):
        settings_for(128, 50.0, **values)


def test_zero_is_allowed_where_it_means_none() -> None:
    settings = StreamSettings(50.0, 100, 50, 25, jitter_ms=0, gaps_per_hour=0, wake_ms=0, read_us=0)
    assert settings.wake_ms == 0
