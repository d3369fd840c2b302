"""Device profiles: TOML files that say what a board or watch is. Ours lie in `firmware_sim/devices/`."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from firmware_sim.errors import SimError

DEVICES = Path(__file__).parent / "devices"

CORES = (
    "cortex-m0+", "cortex-m3", "cortex-m4", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55",
    "cortex-m85", "cortex-a7", "cortex-a35", "cortex-a53", "cortex-a55", "cortex-a72", "cortex-a76",
)  # fmt: skip
# The runtime families of MLPerf Tiny's results, and two of ours.
ENGINES = (
    "litert-xnnpack", "edgehar-c", "tflm+cmsis-nn", "x-cube-ai 7.1", "x-cube-ai 7.3-8.0", "x-cube-ai 8.1",
    "x-cube-ai 9-10", "microtvm + cmsis-nn", "microtvm native", "plumerai 2022", "plumerai 2023.05",
    "onnc+cmsis-nn q7", "hale int8", "hale fp32", "hale max-perf", "hale min-ram", "leip fp32", "leip int8",
)  # fmt: skip
SHORT_ENGINES = {"tflm": "tflm+cmsis-nn", "x-cube-ai": "x-cube-ai 9-10"}
CHOICES: dict[str, tuple[str, ...]] = {"abi": ("arm64", "armv7"), "weights_in": ("flash", "ram", "xip")}
CACHES = ("l1i_bytes", "l1d_bytes", "l2_bytes")


@dataclass(frozen=True)
class DeviceProfile:
    """A device as its profile states it. What is None is unknown.

    ram_bytes and flash_bytes: what the device has. memory_mb_s: what its memory delivers, MB/s.
    active_mw, idle_mw: power while computing and while waiting; battery_mwh: its battery.
    """

    name: str
    description: str
    source: str
    core: str
    clock_mhz: float
    engine: str
    ram_bytes: int
    flash_bytes: int
    abi: str | None = None
    weights_in: str | None = None
    memory_mb_s: float | None = None
    flash_wait_states: int | None = None
    caches: Mapping[str, int] | None = None
    active_mw: float | None = None
    idle_mw: float | None = None
    battery_mwh: float | None = None

    @property
    def runtime(self) -> str:
        """The engine by its full name: `tflm` is `tflm+cmsis-nn`."""
        return SHORT_ENGINES.get(self.engine, self.engine)

    @property
    def has_guesses(self) -> bool:
        """Whether `source` calls one of the figures a guess, which widens the bounds."""
        return re.search(r"\bguess", self.source) is not None

    @property
    def pointer_bytes(self) -> int:
        """8 on an application core with 64-bit code, else 4."""
        return 8 if self.core.startswith("cortex-a") and self.abi != "armv7" else 4


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with the package."""
    return tuple(sorted(path.stem for path in DEVICES.glob("*.toml")))


def read_profile(name_or_path: str | Path) -> DeviceProfile:
    """The profile of that name, or of that file where a path is given.

    Raises SimError for a name that does not exist (with the nearest one) and for a file that cannot be
    used: which key is wrong, and what would be right.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and len(path.parts) == 1:
        path = DEVICES / f"{name_or_path}.toml"
        if str(name_or_path) not in profile_names():
            raise SimError(_unknown(str(name_or_path)))
    return _checked(path, _parse(path))


def _unknown(name: str) -> str:
    near = get_close_matches(name, profile_names(), n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return f"No device called {name!r}.{guess} All names: {', '.join(profile_names())}; or give a .toml file."


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SimError(f"{path}: there is no such device profile; give the path of a .toml file.") from None
    except OSError as error:
        raise SimError(f"{path}: cannot be read ({error.strerror}); give the path of a .toml file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SimError(f"{path}: is not TOML ({error}); write lines of the form key = value.") from None


def _checked(path: Path, table: dict[str, Any]) -> DeviceProfile:
    known = {field.name: field for field in fields(DeviceProfile)}
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise SimError(f"{path}: unknown key {key}.{guess} Known keys: {', '.join(known)}.")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in table]
    if missing:
        raise SimError(f"{path}: lacks {', '.join(missing)}; add it.")
    values = {key: _value(path, key, value, str(known[key].type)) for key, value in table.items()}
    return DeviceProfile(**values)


def _value(path: Path, key: str, value: Any, kind: str) -> Any:
    if key == "caches":
        return _caches(path, value)
    if kind.startswith("str"):
        return _word(path, key, value)
    return _number(path, key, value, whole=kind.startswith("int"))


def _word(path: Path, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SimError(f"{path}: {key} is {value!r} and must be text.")
    if key == "core":
        return _one_of(path, key, value.lower(), CORES)
    if key == "engine":
        return _one_of(path, key, value.lower(), (*SHORT_ENGINES, *ENGINES))
    if key == "name" and not re.fullmatch(r"[\w.+-]+", value):
        raise SimError(f"{path}: name is {value!r} and may hold letters, digits and . + - _ only.")
    return _one_of(path, key, value, CHOICES[key]) if key in CHOICES else value


def _one_of(path: Path, key: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SimError(f"{path}: {key} is {value!r} and must be one of {', '.join(allowed)}.")
    return value


def _number(path: Path, key: str, value: Any, whole: bool) -> float | int:
    may_be_zero = key in ("flash_wait_states", "idle_mw")
    sound = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not sound or not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
        what = f"{'a whole number' if whole else 'a number'} {'of at least' if may_be_zero else 'above'} 0"
        raise SimError(f"{path}: {key} is {value!r} and must be {what}.")
    return value if whole else float(value)


def _caches(path: Path, value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or any(key not in CACHES for key in value):
        raise SimError(f"{path}: caches must be a table of {', '.join(CACHES)}.")
    return {key: int(_number(path, f"caches.{key}", size, whole=True)) for key, size in value.items()}
