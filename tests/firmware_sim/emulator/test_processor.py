"""The faked processor: what LiteRT's cpuinfo will read."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.emulator.places import Places
from firmware_sim.emulator.processor import IDENTITIES, Processor, faked_files, faked_root


@pytest.mark.parametrize("core", IDENTITIES)
def test_cpuinfo_and_midr_name_the_same_core(core: str) -> None:
    files = faked_files(Processor(core, 1200))
    identity = IDENTITIES[core]
    assert files["proc/cpuinfo"].count(f"CPU part\t: {identity.part:#05x}\n") == 4
    midr = int(files["sys/devices/system/cpu/cpu0/regs/identification/midr_el1"], 16)
    assert (midr >> 24, midr >> 4 & 0xFFF, midr >> 20 & 0xF) == (0x41, identity.part, identity.variant)
    assert ("asimddp" in files["proc/cpuinfo"]) == identity.has_dot_product


def test_an_a55_is_new_enough_for_litert_to_trust_its_dot_product() -> None:
    assert IDENTITIES["cortex-a55"].variant >= 1


def test_caches_and_clock_are_the_profile_s() -> None:
    files = faked_files(Processor("cortex-a53", 1700, l1d_bytes=16384, l2_bytes=262144, cores=2))
    base = "sys/devices/system/cpu"
    assert files[f"{base}/online"] == "0-1\n"
    assert files[f"{base}/cpu1/cpufreq/cpuinfo_max_freq"] == "1700000\n"
    assert files[f"{base}/cpu0/cache/index0/size"] == "16K\n"
    assert files[f"{base}/cpu0/cache/index0/number_of_sets"] == f"{16384 // 64 // 4}\n"
    assert files[f"{base}/cpu0/cache/index2/size"] == "256K\n"
    assert f"{base}/cpu2/online" not in files


def test_the_root_is_links_to_the_real_files_and_made_once(tmp_path: Path) -> None:
    places = Places(tmp_path)
    (places.arm64 / "lib").mkdir(parents=True)
    (places.arm64 / "lib" / "libc.so").write_text("c")
    root = faked_root(places, Processor("cortex-a53", 1000))
    assert (root / "lib" / "libc.so").is_symlink() and (root / "lib" / "libc.so").read_text() == "c"
    assert "0xd03" in (root / "proc" / "cpuinfo").read_text()
    assert faked_root(places, Processor("cortex-a53", 1000)) == root
    assert faked_root(places, Processor("cortex-a53", 1001)) != root
    assert len(list(places.build.iterdir())) == 2
