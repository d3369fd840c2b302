"""`edgehar setup` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_what_is_there_is_not_fetched_again(edgehar, emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEHAR_CACHE", str(emulator.root.parent))
    ended = edgehar("setup", "emulator", "--json")
    assert ended.exit_code == 0
    told = json.loads(ended.stdout)
    assert told["fetched"] == [] and "qemu-user" in told["parts"] and told["bytes"] > 10_000_000


def test_a_machine_without_debian_s_tools_is_told_in_a_sentence(
    edgehar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = edgehar("setup", "emulator")
    assert ended.exit_code == 2 and "apt-get is missing here" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_only_what_there_is_can_be_set_up(edgehar) -> None:
    ended = edgehar("setup", "emulater")
    assert ended.exit_code == 2 and "Type: edgehar setup emulator" in ended.stderr
