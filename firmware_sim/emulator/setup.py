"""Fetches the emulator: QEMU 7.2, the arm64 C library, the arm64 LiteRT, and a compiler for the runner."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from firmware_sim.emulator.build import build_plugin, build_runner
from firmware_sim.emulator.debian import Debian, unpack
from firmware_sim.emulator.places import Places, default_places
from firmware_sim.errors import SimError

LITERT_VERSION = "2.3.0"
ZIG_VERSION = "0.17.0"
LEAST_GLIBC = (2, 36)  # of Debian 12, for which the programs are built
GUEST = ("libc6:arm64", "libgcc-s1:arm64", "libstdc++6:arm64")
USER_MODE = ("qemu-user",)
CORTEX_M = ("qemu-system-arm", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "libnewlib-dev")
# The machine's own are used: another C library under a running loader would crash it. And pure data.
EMULATORS = ("/qemu-aarch64", "/qemu-system-arm")
NOT_UNPACKED = frozenset({"libc6", "libgcc-s1", "libstdc++6", "gcc-12-base", "iso-codes"})
# Of the compiler's and C library's many variants the ones for our cores: 995 MB become about 200.
VARIANTS = ("thumb/v7-m/nofp", "thumb/v7e-m+fp/hard", "thumb/v7e-m+dp/hard",
            "thumb/v8-m.main+fp/hard")  # fmt: skip

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


@dataclass(frozen=True)
class Installed:
    """What is there now. bytes: of the whole folder; fetched: the parts that this call had to fetch."""

    folder: str
    parts: tuple[str, ...]
    fetched: tuple[str, ...]
    bytes: int


def set_up(
    cortex_m: bool = False, places: Places | None = None, progress: Progress = lambda items, _, __: items
) -> Installed:
    """Fetch what is missing of the emulator and build the plugin and the runner; needs no root.

    cortex_m: also QEMU's machines and the compiler for Cortex-M (140 MB). Each part is finished by a file
    of its own, so that a broken call goes on where it stopped. Raises SimError.
    """
    places = places or default_places()
    _check_machine()
    parts = _parts(places, cortex_m)
    fetched = []
    for name, fetch in progress(parts.items(), "setting up the emulator", len(parts)):
        stamp = places.root / f".done-{name.replace(' ', '-')}"
        if stamp.is_file():
            continue
        fetch()
        stamp.touch()
        fetched.append(name)
    for temporary in ("downloads", "apt"):
        shutil.rmtree(places.root / temporary, ignore_errors=True)
    size = sum(path.lstat().st_size for path in places.root.rglob("*") if path.is_file())
    return Installed(str(places.root), tuple(parts), tuple(fetched), size)


def _check_machine() -> None:
    if sys.platform != "linux":
        raise SimError("The emulator needs Linux (QEMU's user mode): run this in a container of debian:12.")
    library, version = platform.libc_ver()
    numbers = tuple(int(number) for number in version.split(".")[:2] if number.isdigit())
    if library != "glibc" or numbers < LEAST_GLIBC:
        raise SimError(
            f"The emulator needs glibc 2.36 or newer and this machine has {library or 'another'} {version}: "
            "run this in a container of debian:12."
        )


def _parts(places: Places, cortex_m: bool) -> dict[str, Callable[[], None]]:
    debian = Debian(places.root / "apt")
    parts: dict[str, Callable[[], None]] = {
        "qemu-user": lambda: _host_packages(debian, places, USER_MODE),
        "arm64": lambda: _guest_packages(debian, places),
        f"litert {LITERT_VERSION}": lambda: _litert(places),
        f"zig {ZIG_VERSION}": lambda: _zig(places),
        "plugin and runner": lambda: _build(places),
    }
    if cortex_m:
        parts["cortex-m"] = lambda: _host_packages(debian, places, CORTEX_M)
    return parts


def _host_packages(debian: Debian, places: Places, packages: tuple[str, ...]) -> None:
    names = [name for name in debian.with_dependencies(packages) if name not in NOT_UNPACKED]
    for package in debian.download(names, places.root / "downloads" / packages[0]):
        unpack(package, places.host, _is_needed)


def _is_needed(name: str) -> bool:
    """Not the manuals, nor QEMU's other targets, nor C libraries for cores that are not emulated here."""
    if name.startswith(("./usr/share/doc", "./usr/share/man", "./usr/share/locale")):
        return False
    if name.startswith("./usr/bin/qemu-") and not name.endswith(EMULATORS):
        return False
    if "/arm-none-eabi/" not in name or ("/newlib/" not in name and "/12.2.1/" not in name):
        return True
    inside = name.split("/newlib/" if "/newlib/" in name else "/12.2.1/", 1)[1]
    return not inside.startswith(("arm/", "thumb/")) or inside.startswith(VARIANTS)


def _guest_packages(debian: Debian, places: Places) -> None:
    for package in debian.download(GUEST, places.root / "downloads" / "arm64"):
        unpack(package, places.arm64, lambda name: name.startswith(("./lib", "./usr/lib")))


def _litert(places: Places) -> None:
    """LiteRT's C library out of its arm64 wheel; the rest of the wheel needs Python."""
    folder = places.root / "downloads" / "litert"
    _pip("download", "--no-deps", "--only-binary=:all:", "--python-version", "311",
         "--platform", "manylinux_2_27_aarch64", "--platform", "manylinux2014_aarch64",
         "-d", str(folder), f"ai-edge-litert=={LITERT_VERSION}")  # fmt: skip
    wheel = next(folder.glob("*.whl"))
    places.litert.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        places.litert.write_bytes(archive.read("ai_edge_litert/libLiteRt.so"))


def _zig(places: Places) -> None:
    shutil.rmtree(places.zig, ignore_errors=True)
    _pip("install", "--no-deps", "--target", str(places.zig), f"ziglang=={ZIG_VERSION}")


def _build(places: Places) -> None:
    build_plugin(places)
    build_runner(places)


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise SimError(f"pip {words[0]} {words[-1]} failed ({lines[-1]}); check the network and try again.")
