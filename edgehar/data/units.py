"""Units that a manifest may name, and what they are in edgehar's own.

A unit may have a scale before it, for raw counts: `0.000598 m/s^2`, `1/16384 g` say what one count is.
"""

from __future__ import annotations

import math
import re

from edgehar.errors import InputError

GRAVITY = 9.80665  # m/s^2 in one g
RATES_HZ = (0.01, 1e5)

OWN = {
    "acc": "m/s^2",
    "gyro": "rad/s",
    "orientation": "1",
    "skeleton": "m",
    "depth": "5 m / 255",
    "rgb": "rgb",
}

# modality -> what it may be written in -> how many of our own unit that is.
UNITS: dict[str, dict[str, float]] = {
    "acc": {"m/s^2": 1.0, "g": GRAVITY, "mg": GRAVITY / 1000, "cm/s^2": 0.01, "mm/s^2": 0.001},
    "gyro": {"rad/s": 1.0, "deg/s": math.radians(1), "mdeg/s": math.radians(0.001), "mrad/s": 0.001},
    "orientation": {"1": 1.0, "quaternion": 1.0, "rad": 1.0, "deg": math.radians(1)},
    "skeleton": {"m": 1.0, "cm": 0.01, "mm": 0.001},
    "depth": {"mm": 255 / 5000, "m": 255 / 5, "cm": 255 / 500, "5 m / 255": 1.0},
    "rgb": {"rgb": 1.0},
}
_ALSO = {
    "m/s2": "m/s^2", "m/s²": "m/s^2", "m/s/s": "m/s^2", "ms-2": "m/s^2", "m s^-2": "m/s^2", "m/s**2": "m/s^2",
    "gal": "cm/s^2", "milli-g": "mg", "dps": "deg/s", "°/s": "deg/s", "mdps": "mdeg/s", "metre": "m",
    "meter": "m", "millimetre": "mm", "millimeter": "mm", "centimetre": "cm", "centimeter": "cm",
}  # fmt: skip
_COUNTS = ("count", "counts", "raw", "lsb", "adc", "bit", "bits")
_SCALED = re.compile(r"(?:([-+]?[\d.]+(?:e[-+]?\d+)?)(?:\s*/\s*([\d.]+))?\s*\*?\s*)?(\D.*)?", re.IGNORECASE)


def factor_of(unit: str, modality: str, where: str) -> float:
    """What values in `unit` are multiplied with to be in edgehar's own unit of the modality.

    Raises InputError that begins with `where` for a unit that the modality has not, none where there must
    be one, and raw counts without a scale.
    """
    known = UNITS[modality]
    names = ", ".join(known)
    text = unit.strip()
    if not text:
        if modality in ("rgb", "orientation"):
            return 1.0
        raise InputError(f"{where}: {modality} has no unit: write one of {names}.")
    if text in known:  # such as 5 m / 255, which is no scale
        return known[text]
    if text.lower() in _COUNTS:
        raise InputError(
            f"{where}: {unit!r} does not say how much a count is: write it, such as 0.000598 m/s^2, or "
            "1/16384 g."
        )
    match = _SCALED.fullmatch(text)
    name = _name(match[3] or "", known) if match else None
    if match is None or name is None:
        raise InputError(f"{where}: {unit!r} is no unit of {modality}: write one of {names}.")
    return _scale(match[1], match[2], unit, where) * known[name]


def check_rate(rate_hz: float, where: str) -> float:
    """A rate that recordings may have, in Hz. Raises InputError that begins with `where` for another."""
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:  # nan neither
        raise InputError(
            f"{where}: '{rate_hz:g}' is no rate: write Hz, such as 50, or nothing if the file has times."
        )
    return rate_hz


def _name(text: str, known: dict[str, float]) -> str | None:
    text = text.strip()
    for name in (text, text.lower(), _ALSO.get(text.lower())):
        if name in known:
            return name
    return None


def _scale(number: str | None, divisor: str | None, unit: str, where: str) -> float:
    try:
        scale = float(number or 1) / float(divisor or 1)
    except (ValueError, ZeroDivisionError):
        scale = 0.0
    if not scale or not math.isfinite(scale):
        raise InputError(
            f"{where}: the scale of {unit!r} is no number above 0: write such as 0.000598 m/s^2."
        )
    return scale
