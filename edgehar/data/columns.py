"""Which column of a table is the time, and which are x, y and z."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgehar.errors import InputError

AXES = ("x", "y", "z")
IGNORED = ("-", "")

_TIME = re.compile(
    r"(?:t|time|times|timestamps?|time[ _]?stamps?|date[ _]?time|unix[ _]?time\w*|epoch\w*|"
    r"seconds[ _]?elapsed|elapsed\w*|uptime\w*|sensor[ _]?time\w*|secs?|seconds)"
    r"(?:[ _(\[.]*(s|sec|seconds|ms|msec|milliseconds|us|µs|μs|microseconds|ns|nanos|nanoseconds)?[)\]]*)",
    re.IGNORECASE,
)
_UNIT = {"s": "s", "m": "ms", "u": "us", "µ": "us", "μ": "us", "n": "ns"}
_AXIS = re.compile(
    r"(?:^|.*[\s_.\-\[(])([xyz])(?:[\s_.\-\[(\])].*)?$|^[a-z]+?([xyz])$|^[a-z]+([XYZ])\b.*$", re.ASCII
)
_KIND = {
    "acc": re.compile(
        r"(user[ _]?)?(a|lin)(cc|ccel|cceleration|ccelerometer)?([\s_.\-\[(]|[xyzXYZ]|$)", re.I
    ),
    "gyro": re.compile(
        r"(g|gyr|gyro|gyroscope|w|rot|rotation|angular)([\s_.\-\[(]|[xyzXYZ]|$)", re.IGNORECASE
    ),
}


@dataclass(frozen=True)
class Roles:
    """time: the index of the time column, None where there is none; time_unit: what its header says, or None.
    values: the columns of the values, in order."""

    time: int | None
    time_unit: str | None
    values: list[int]


def roles(names: tuple[str, ...] | None, columns: int, modality: str, where: str) -> Roles:
    """What the columns of a file are: by their names, or without names t, x, y, z or x, y, z in this order.

    Skeletons take every column that is no time, 3 a joint. Raises InputError that begins with `where`.
    """
    if modality == "skeleton":
        return _joints(names, columns, where)
    if names is None:
        if columns == 4:
            return Roles(0, None, [1, 2, 3])
        if columns == 3:
            return Roles(None, None, [0, 1, 2])
        raise InputError(
            f"{where} has {columns} columns and no header: expected t, x, y, z or x, y, z; name others in "
            "the manifest's column `columns`, such as x y z - t."
        )
    time, unit = _time(names)
    values = _axes(names, time, modality, where)
    return Roles(time, unit, values)


def _time(names: tuple[str, ...]) -> tuple[int | None, str | None]:
    for at, name in enumerate(names):
        if found := _TIME.fullmatch(name.strip()):
            unit = (found[1] or "").lower()
            words = {"sec": "s", "seconds": "s"}
            return at, (words.get(unit) or _UNIT.get(unit[:1])) if unit else None
    return None, None


def _joints(names: tuple[str, ...] | None, columns: int, where: str) -> Roles:
    time, unit = _time(names) if names else (0 if columns % 3 == 1 else None, None)
    values = [column for column in range(columns) if column != time]
    if len(values) % 3 or len(values) < 6:
        raise InputError(
            f"{where} has {len(values)} columns of positions, and a skeleton has 3 a joint: correct it."
        )
    return Roles(time, unit, values)


def _axes(names: tuple[str, ...], time: int | None, modality: str, where: str) -> list[int]:
    found: dict[str, list[int]] = {axis: [] for axis in AXES}
    for at, name in enumerate(names):
        if at != time and name.strip() not in IGNORED and (match := _AXIS.fullmatch(name.strip())):
            found[(match[1] or match[2] or match[3]).lower()].append(at)
    if any(len(columns) > 1 for columns in found.values()) and modality in _KIND:
        kind = _KIND[modality]
        found = {
            axis: [at for at in at_all if kind.match(names[at].strip())] for axis, at_all in found.items()
        }
    if all(len(columns) == 1 for columns in found.values()):
        return [found[axis][0] for axis in AXES]
    others = [at for at, name in enumerate(names) if at != time and name.strip() not in IGNORED]
    if len(others) == 3 and not any(found.values()):
        return others
    raise InputError(
        f"{where} has the columns {', '.join(names)}, of which x, y and z of {modality} cannot be told: name "
        "them in the manifest's column `columns`, such as t x y z."
    )
