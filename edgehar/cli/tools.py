"""What some verbs use beside Python's packages: programs of the system, and what `edgehar setup` fetches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """type_this: None where it is here."""

    name: str
    here: bool
    needed_for: str
    type_this: str | None


# name -> the programs of which all are needed, each by the names it goes by; what for; the line for Debian.
PROGRAMS = {
    "npm": ((("npm",),), "edgehar setup web", "apt-get install npm"),
    "openssl": ((("openssl",),), "edgehar deploy over https", "apt-get install openssl"),
    "adb": ((("adb",),), "edgehar deploy --adb, bench --device adb", "apt-get install adb"),
    "cc, make": ((("cc",), ("make",)), "make check of the C student", "apt-get install gcc make"),
    "chromium": (
        (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)),
        "tests and benchmark of the phone's page",
        "apt-get install chromium chromium-driver",
    ),
}


def find_tools() -> Iterator[Tool]:
    """Each of them, here or not. Nothing stops without one but what it is for."""
    from export.litert_js import is_here

    for name, cortex_m, what in (
        ("arm64 emulator", False, "edgehar bench --emulate on watches and phones"),
        ("Cortex-M emulator", True, "edgehar bench --emulate on microcontrollers"),
    ):
        fix = f"edgehar setup emulator{' --cortex-m' if cortex_m else ''}"
        yield _tool(name, _emulator_is_here(cortex_m), what, fix)
    web = is_here()
    yield _tool("LiteRT.js", web, "edgehar deploy, the page in a bundle", "edgehar setup web")
    for name, (programs, what, fix) in PROGRAMS.items():
        here = all(any(shutil.which(word) for word in words) for words in programs)
        if not (name == "npm" and web):  # fetched already: npm has nothing left to do
            yield _tool(name, here, what, fix)


def _tool(name: str, here: bool, needed_for: str, fix: str) -> Tool:
    return Tool(name, here, needed_for, None if here else fix)


def _emulator_is_here(cortex_m: bool) -> bool:
    from firmware_sim.emulator.places import find_emulator
    from firmware_sim.errors import SimError

    try:
        find_emulator(cortex_m)
    except SimError:
        return False
    return True
