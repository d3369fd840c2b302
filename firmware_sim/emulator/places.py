"""Where the emulator's parts lie: `$EDGEHAR_CACHE/emulator`, or the user's own cache folder."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.errors import SimError

SETUP = "edgehar setup emulator"
SOURCES = Path(__file__).parent / "c"


@dataclass(frozen=True)
class Places:
    """The folders under `root`. `edgehar setup emulator` fills them; what is built goes into `build`."""

    root: Path

    @property
    def host(self) -> Path:
        """Unpacked packages that run here: QEMU, the compiler for Cortex-M, their libraries."""
        return self.root / "host"

    @property
    def arm64(self) -> Path:
        """The root folder of the emulated watch: its C library, and LiteRT under /opt."""
        return self.root / "arm64"

    @property
    def zig(self) -> Path:
        """The compiler for AArch64, a Python package of its own folder."""
        return self.root / "zig"

    @property
    def build(self) -> Path:
        """The plugin, the runner and faked processors; made when first needed."""
        return self.root / "build"

    @property
    def litert(self) -> Path:
        """LiteRT's C library for arm64."""
        return self.arm64 / "opt" / "libLiteRt.so"

    @property
    def qemu_user(self) -> Path:
        """QEMU's user mode for AArch64."""
        return self.host / "usr" / "bin" / "qemu-aarch64"

    @property
    def qemu_system(self) -> Path:
        """QEMU's machines with a Cortex-M."""
        return self.host / "usr" / "bin" / "qemu-system-arm"

    @property
    def arm_gcc(self) -> Path:
        """The compiler for Cortex-M."""
        return self.host / "usr" / "bin" / "arm-none-eabi-gcc"

    @property
    def environment(self) -> dict[str, str]:
        """What the unpacked programs need in their environment to find their libraries."""
        triplet = f"{platform.machine()}-linux-gnu"
        folders = [self.host / "usr" / "lib" / triplet, self.host / "lib" / triplet]
        path = os.pathsep.join([str(self.host / "usr" / "bin"), os.environ.get("PATH", os.defpath)])
        return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, folders)), "PATH": path}


def default_places() -> Places:
    """`$EDGEHAR_CACHE/emulator`, else `emulator` in the user's cache folder for edgehar."""
    if chosen := os.environ.get("EDGEHAR_CACHE"):
        return Places(Path(chosen).expanduser() / "emulator")
    from platformdirs import user_cache_path

    return Places(user_cache_path("edgehar") / "emulator")


def find_emulator(cortex_m: bool = False, places: Places | None = None) -> Places:
    """The installed emulator. cortex_m: with QEMU's machines and the compiler for Cortex-M.

    Raises SimError that says what to type where it is not installed.
    """
    places = places or default_places()
    needed = (places.qemu_system, places.arm_gcc) if cortex_m else (places.qemu_user, places.litert)
    if missing := [path.name for path in needed if not path.is_file()]:
        command = f"{SETUP} --cortex-m" if cortex_m else SETUP
        raise SimError(f"The emulator is not installed ({missing[0]} is missing). Type: {command}")
    return places
