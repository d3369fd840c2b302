"""Device profiles: ours are sound, and a bad one is told in one sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.profile import DEVICES, profile_names, read_profile

SOUND = """
name = "my-watch"
description = "mine"
source = "its box"
core = "cortex-a53"
clock_mhz = 1200
engine = "litert-xnnpack"
ram_bytes = 1000000
flash_bytes = 2000000
"""


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_of_ours_can_be_estimated_and_names_its_sources(name: str) -> None:
    profile = read_profile(name)
    assert profile.name == name
    for word in ("clock", "memory", "speed"):
        assert f"{word}" in profile.source


def test_cpu_arm_is_the_watch() -> None:
    watch = read_profile("cpu-arm")
    assert (watch.core, watch.abi, watch.engine) == ("cortex-a53", "arm64", "litert-xnnpack")
    assert watch.pointer_bytes == 8
    assert dataclasses.replace(watch, abi="armv7").pointer_bytes == 4


def test_a_short_engine_means_its_newest() -> None:
    assert read_profile("nucleo-l4r5zi").runtime == "x-cube-ai 9-10"
    assert read_profile("ek-ra6m4").runtime == "tflm+cmsis-nn"
    assert read_profile("ek-ra6m4").pointer_bytes == 4


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(SimError, match=r"No device called 'cpu-amr'\. Did you mean 'cpu-arm'\?"):
        read_profile("cpu-amr")


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "watch.toml"
    path.write_text(SOUND + "caches = { l2_bytes = 524288 }\nactive_mw = 3\n")
    profile = read_profile(path)
    assert (profile.name, profile.clock_mhz, profile.active_mw) == ("my-watch", 1200.0, 3.0)
    assert profile.caches == {"l2_bytes": 524288}
    assert read_profile(str(path)) == profile


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('core = "cortex-z9"', "core is 'cortex-z9' and must be one of cortex-m0+, "),
        ('engine = "magic"', "engine is 'magic' and must be one of "),
        ("clock_mhz = -5", "clock_mhz is -5 and must be a number above 0"),
        ("clock_mhz = inf", "clock_mhz is inf"),
        ('clock_mhz = "1.2 GHz"', "clock_mhz is '1.2 GHz' and must be a number above 0"),
        ("clock_mhz = true", "clock_mhz is True"),
        ("ram_bytes = 1.5", "ram_bytes is 1.5 and must be a whole number above 0"),
        ("description = 3", "description is 3 and must be text"),
        ('abi = "x86"', "abi is 'x86' and must be one of arm64, armv7"),
        ("flash_wait_states = -1", "flash_wait_states is -1 and must be a whole number of at least 0"),
        ("caches = 5", "caches must be a table of l1i_bytes"),
        ("caches = { l1d_bytes = 0 }", "caches.l1d_bytes is 0"),
        ('name = "../x"', "may hold letters, digits"),
        ("clock_mhzz = 3", "unknown key clock_mhzz. Did you mean clock_mhz?"),
        ("clock_mhz = ", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: str, sentence: str) -> None:
    key = change.split(" ")[0]
    lines = [line for line in SOUND.splitlines() if not line.startswith(f"{key} ")]
    path = tmp_path / "bad.toml"
    path.write_text("\n".join([*lines, change]))
    with pytest.raises(SimError) as caught:
        read_profile(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("\n".join(line for line in SOUND.splitlines() if not line.startswith(("core", "ram"))))
    with pytest.raises(SimError, match=r"lacks core, ram_bytes; add it\."):
        read_profile(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="no such device profile"):
        read_profile(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SimError, match="is not TOML"):
        read_profile(tmp_path / "binary.toml")


def test_profiles_lie_beside_the_code_and_so_travel_in_the_wheel() -> None:
    assert "cpu-arm" in profile_names()
    assert (DEVICES / "cpu-arm.toml").is_file()
