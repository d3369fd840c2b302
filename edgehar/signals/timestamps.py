"""Time stamps as files hold them: recognised, brought to seconds, repaired by stated rules, made even.

parse_times   text or numbers -> seconds         s, ms, us, ns since any origin, or date-times
repair_times  seconds, values -> rising seconds  clock_repairs.py has the rules; each repair is counted
at_rate       seconds, values -> values          even samples, low-passed first where the rate drops
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from edgehar.errors import InputError
from edgehar.signals import clock_repairs
from edgehar.signals.clock_repairs import Repairs, period_of

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # how many of each a second has
DATE_TIME, TIME_OF_DAY, NUMBERS = "date-time", "time of day", "sample numbers"
EPOCH_S = (9e8, 4.2e9)  # stamps of 1998 to 2103 in seconds since 1970
PERIOD_S = (1e-4, 20.0)  # between samples of anything that edgehar can learn from
LONGEST_GAP_S = 1.0  # that is filled in by interpolation

_DATE = re.compile(
    r"(\d{4})([-/.]?)(\d\d)\2(\d\d)[ T_]+(\d\d):?(\d\d):?(\d\d)(?:[.,](\d{1,9}))?\s*(Z|UTC|[+-]\d\d:?\d\d)?"
)
_DAY_FIRST = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})[ T_]+(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_TIME_OF_DAY = re.compile(r"(\d\d?):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")


@dataclass(frozen=True)
class Times:
    """A time column in seconds.

    seconds: (T,) float64 since `origin_s`, NaN where a stamp is missing. origin_s: the first stamp in seconds
    on the file's own clock. absolute: whether that clock is the calendar's (since 1970, UTC where no zone is
    written). unit: one of UNITS, DATE_TIME, TIME_OF_DAY or NUMBERS. recognised_by: why it was taken for that.
    """

    seconds: np.ndarray
    origin_s: float
    absolute: bool
    unit: str
    recognised_by: str


def parse_times(
    column: Sequence[str] | np.ndarray,
    unit: str | None = None,
    nominal_hz: float | None = None,
    where: str = "The time column",
) -> Times:
    """Stamps, text or numbers, as seconds since the first of them.

    unit: one of UNITS where it is known, else it is recognised: by the calendar (1998 to 2103), then by the
    step between stamps, nearest to `nominal_hz` where that is known. Raises InputError that begins with
    `where` for text that is no time, and for numbers that could be several things.
    """
    if unit is not None:
        check_time_unit(unit, where)
    if not len(column):
        raise InputError(f"{where} is empty: the recording holds nothing.")
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiu":
        return _from_numbers(column.astype(np.float64), unit, nominal_hz, where)
    texts = [str(text).strip() for text in column]
    first = next((text for text in texts if text), "")
    if any(kind.fullmatch(first) for kind in (_DATE, _DAY_FIRST, _TIME_OF_DAY)) and not _is_number(first):
        return _from_dates(texts, where)
    return _from_numbers(_numbers(texts, where), unit, nominal_hz, where)


def check_time_unit(unit: str, where: str) -> str:
    """One of UNITS. Raises InputError that begins with `where` for another."""
    if unit not in UNITS:
        raise InputError(
            f"{where}: {unit!r} is no unit of time: write one of {', '.join(UNITS)}, or nothing."
        )
    return unit


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _numbers(texts: Sequence[str], where: str) -> np.ndarray:
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        if not text:
            continue
        if not _is_number(text):
            raise InputError(
                f"{where}: {text!r} (sample {row + 1}) is no time: write seconds, or date-times such as "
                "2022-07-20 15:06:42.882."
            )
        values[row] = float(text)
    return values


def _from_dates(texts: Sequence[str], where: str) -> Times:
    seconds = np.full(len(texts), np.nan)
    base: datetime | None = None
    clock = _TIME_OF_DAY.fullmatch(next(text for text in texts if text)) is not None
    for row, text in enumerate(texts):
        if not text:
            continue
        try:
            moment, nanoseconds = _moment(text)
        except ValueError as error:
            raise InputError(
                f"{where}: {text!r} (sample {row + 1}) is no date-time like the others ({error}): correct it."
            ) from None
        base = base or moment
        seconds[row] = (moment - base).total_seconds() + nanoseconds * 1e-9
    assert base is not None
    first = seconds[np.flatnonzero(np.isfinite(seconds))[0]]
    origin = base.timestamp() + first
    kind = TIME_OF_DAY if clock else DATE_TIME
    return Times(seconds - first, origin, not clock, kind, "written so")


def _moment(text: str) -> tuple[datetime, int]:
    """A written date-time to the second, and the nanoseconds after it. Raises ValueError if it is none."""
    zone: str | None = None
    if found := _DATE.fullmatch(text):
        year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second, fraction = found.groups()
    elif found := _TIME_OF_DAY.fullmatch(text):
        (hour, minute, second, fraction), (year, month, day) = found.groups(), ("1970", "01", "01")
    else:
        raise ValueError("expected such as 2022-07-20 15:06:42.882")
    parts = [int(part) for part in (year, month, day, hour, minute, second)]
    return datetime(*parts, tzinfo=_zone(zone)), int((fraction or "0").ljust(9, "0"))  # type: ignore[arg-type,misc]


def _zone(text: str | None) -> timezone:
    if text in (None, "Z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _from_numbers(values: np.ndarray, unit: str | None, nominal_hz: float | None, where: str) -> Times:
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError(f"{where} holds no number: the recording has no times; leave the column out.")
    origin = float(known[0])
    steps = values - origin
    if len(known) < 2:
        unit, why = unit or "s", "a single sample"
    elif unit is not None:
        why = "stated"
        _check_period(period_of(steps) / UNITS[unit], unit, period_of(steps), where)
    else:
        unit, why = _recognise(known, period_of(steps), nominal_hz, where)
    if unit == NUMBERS:
        assert nominal_hz is not None
        return Times(steps / nominal_hz, origin / nominal_hz, False, unit, why)
    scale = UNITS[unit]
    absolute = EPOCH_S[0] <= origin / scale < EPOCH_S[1]
    return Times(steps / scale, origin / scale, absolute, unit, why)


def _check_period(period_s: float, unit: str, step: float, where: str) -> None:
    if PERIOD_S[0] <= period_s <= PERIOD_S[1]:
        return
    fits = [name for name, scale in UNITS.items() if 1e-3 <= step / scale < 1]
    hint = f"if these are {fits[0]}, write {fits[0]}" if fits else "check the column"
    raise InputError(
        f"{where} steps by {step:g}, which as {unit} is {1 / period_s if period_s else 0:g} Hz: {hint}."
    )


def _recognise(known: np.ndarray, step: float, nominal_hz: float | None, where: str) -> tuple[str, str]:
    """The unit of stamps that step by `step`, and the reason."""
    if step <= 0:
        raise InputError(
            f"{where} does not go forward (it begins with {known[0]:g} and ends with {known[-1]:g}): "
            "leave it out and state rate_hz."
        )
    middle = float(np.median(known))
    for unit, scale in UNITS.items():
        since_1970 = EPOCH_S[0] <= middle / scale < EPOCH_S[1]
        if since_1970 and PERIOD_S[0] <= step / scale <= PERIOD_S[1]:
            return unit, f"{unit} since 1970 is {datetime.fromtimestamp(middle / scale, UTC):%Y-%m-%d}"
    counted = bool(np.all(np.diff(known) == 1))
    if nominal_hz is not None:
        if counted and not 500 < nominal_hz < 2000 and not 0.5 < nominal_hz < 2:
            return NUMBERS, f"steps of exactly 1 at {nominal_hz:g} Hz"
        unit = min(UNITS, key=lambda name: abs(np.log(UNITS[name] / step / nominal_hz)))
        return unit, f"steps of {step:g} are {UNITS[unit] / step:.4g} Hz, stated {nominal_hz:g} Hz"
    if counted:
        raise InputError(
            f"{where} steps by exactly 1, which is a number of samples or 1000 Hz in ms: state rate_hz, or "
            "the unit of time."
        )
    unit = "s" if step < 1 else "ms" if step < 1e3 else "us" if step < 1e6 else "ns"
    _check_period(step / UNITS[unit], unit, step, where)
    return unit, f"steps of {step:.4g} are {UNITS[unit] / step:.4g} Hz"


def repair_times(
    seconds: np.ndarray,
    values: np.ndarray,
    *,
    where: str = "The recording",
    longest_gap_s: float | None = None,
) -> tuple[np.ndarray, np.ndarray, Repairs]:
    """Stamps (T,) in s that rise strictly, their values (T, ...), and what was repaired, counted.

    The rules, in this order, are in clock_repairs.py: missing stamps, stamps that go backward, doubled rows,
    batches with one stamp, jitter of delivery. Gaps stay in the stamps: `at_rate` fills them in by straight
    lines; one longer than `longest_gap_s` (None: any is let be) raises InputError that begins with `where`.
    """
    if len(seconds) < 2:
        raise InputError(f"{where} has {len(seconds)} sample, and a movement needs two: remove the clip.")
    seconds, values, repairs = clock_repairs.apply(seconds, values, where)
    if longest_gap_s is not None and repairs.longest_gap_s > longest_gap_s:
        raise InputError(
            f"{where} pauses for {repairs.longest_gap_s:.2f} s at {repairs.longest_gap_at_s:.2f} s, and gaps "
            f"above {longest_gap_s:g} s are not filled in: cut the clip there, or remove it."
        )
    return seconds, values, repairs


def at_rate(
    seconds: np.ndarray,
    values: np.ndarray,
    rate_hz: float,
    start_s: float | None = None,
    end_s: float | None = None,
) -> np.ndarray:
    """Values (T, ...) at rising `seconds` (T,) as even samples at `rate_hz`, float32, the first at `start_s`
    (default the first stamp), the last not after `end_s`.

    Between stamps straight lines. Where the rate drops, everything above the new Nyquist frequency is
    filtered out first: lines at the smallest whole multiple of `rate_hz` that is not below the real rate,
    then scipy's zero-phase polyphase filter (Kaiser, 5.0) down to `rate_hz`.
    """
    start = float(seconds[0]) if start_s is None else start_s
    end = float(seconds[-1]) if end_s is None else end_s
    # A millionth of a period late is rounding, and would cost a sample.
    count = int(np.floor((end - start) * rate_hz + 1e-6)) + 1
    times = int(np.ceil(1 / (period_of(seconds) * rate_hz) - 0.02)) if len(seconds) > 1 else 1
    times = max(times, 1)
    grid = start + np.arange((count - 1) * times + 1) / (rate_hz * times)
    flat = np.asarray(values).reshape(len(values), -1)
    even = np.stack([np.interp(grid, seconds, column) for column in flat.T], axis=1)
    if times > 1:
        from scipy.signal import resample_poly

        even = resample_poly(even, 1, times, axis=0, padtype="line")[:count]
    return even.astype(np.float32).reshape(count, *np.shape(values)[1:])
