"""Where the emulator lies, and what is said where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.emulator.places import Places, default_places, find_emulator
from firmware_sim.errors import SimError


def test_the_cache_folder_is_the_user_s_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path))
    assert default_places().root == tmp_path / "emulator"


def test_what_is_missing_and_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(SimError, match=r"qemu-aarch64 is missing\)\. Type: edgehar setup emulator$"):
        find_emulator(places=Places(tmp_path))
    with pytest.raises(SimError, match=r"Type: edgehar setup emulator --cortex-m$"):
        find_emulator(cortex_m=True, places=Places(tmp_path))
