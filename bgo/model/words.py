"""How people write durations, sizes and instants, read strictly: the same words on the command line, in the
configuration, in device scripts and in chain files. Pure: `now` and the zone are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from bgo.clock import from_datetime, to_local
from bgo.errors import UsageError
from bgo.model.options import MAX_DURATION_MS

DAY_MS = 86_400_000
_UNITS_MS = {"w": 7 * DAY_MS, "d": DAY_MS, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_SPELLED = {
    "w": "week weeks",
    "d": "day days",
    "h": "hr hrs hour hours",
    "m": "min mins minute minutes",
    "s": "sec secs second seconds",
    "ms": "msec msecs millisecond milliseconds",
}
_UNIT_OF = {word: unit for unit, words in _SPELLED.items() for word in [unit, *words.split()]}
# Patterns stay texts until they are used: compiling them would cost every command a millisecond.
_PART = r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*"
_ISO = (
    r"P(?=\d|T\d)(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_LONGEST = 100
DURATION_FORMS = "try 90s, 5m, 1h30m, 2d or PT5M"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest known word, else an empty string."""
    import difflib

    near = difflib.get_close_matches(word[:_LONGEST], [str(name) for name in known], n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _no_duration(text: str, why: str) -> UsageError:
    hint = "write numbers with their units, the largest first"
    return UsageError(f"not a duration: {_quoted(text)} ({DURATION_FORMS})", why=why, hint=hint)


def duration_ms(text: str, *, minimum: int = 0) -> int:
    """Return a written duration as milliseconds: `90` and `90s`, `5m`, `1h30m`, `2 days`, `PT5M`.

    Units go from large to small, each at most once. Months and years have no fixed length and are refused, and so is
    anything negative, empty, below `minimum` milliseconds, or above ten years.
    """
    word = text.strip()
    if not word or len(word) > _LONGEST:
        raise _no_duration(text, "it is empty" if not word else "it is too long")
    if word.startswith("-"):
        raise _no_duration(text, "a duration cannot be negative")
    ms = _read_duration(text, word)
    if not minimum <= ms <= MAX_DURATION_MS:
        raise _no_duration(text, f"it must lie between {minimum / 1000:g} s and ten years")
    return ms


def span(ms: int) -> str:
    """Return a duration as `duration_ms` reads it, the largest units first: `1h30m`."""
    found = ""
    for unit, size in _UNITS_MS.items():
        count, ms = divmod(ms, size)
        found += f"{count}{unit}" if count else ""
    return found or "0s"


def _read_duration(text: str, word: str) -> int:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", word):
        return round(float(word) * 1000)
    if word[0] == "P":
        if found := re.fullmatch(_ISO, word, re.ASCII):
            return round(sum(float(n) * _UNITS_MS[unit] for unit, n in found.groupdict().items() if n))
        raise _no_duration(text, "ISO durations here have weeks, days, hours, minutes and seconds only")
    total, smallest, left = 0.0, float("inf"), word
    while left:
        found = re.match(_PART, left)
        if found is None:
            raise _no_duration(text, f"{_quoted(left)} is not a number with a unit")
        unit = _UNIT_OF.get(found[2]) or (_UNIT_OF.get(found[2].lower()) if len(found[2]) > 1 else None)
        if unit is None:
            raise _no_duration(text, _bad_unit(found[2]))
        size = _UNITS_MS[unit]
        if size >= smallest:
            raise _no_duration(text, "units go from large to small, each at most once")
        total, smallest, left = total + float(found[1]) * size, size, left[found.end() :]
    return round(total)


def _bad_unit(unit: str) -> str:
    if unit == "M" or unit.lower() in {"y", "mo", "month", "months", "year", "years"}:
        return "months and years have no fixed length; minutes are a small m"
    return f"{_quoted(unit)} is no unit: use w, d, h, m, s or ms"


def duration(text: str) -> timedelta:
    """Return a written duration as a timedelta."""
    return timedelta(milliseconds=duration_ms(text))


_SIZE = r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(I?)B?\s*"


def size_bytes(text: str) -> int:
    """Return a written size as bytes: `4096`, `100kB`, `512MB` (powers of 1000), `64MiB` (powers of 1024)."""
    found = re.fullmatch(_SIZE, text, re.IGNORECASE | re.ASCII) if len(text) <= _LONGEST else None
    if found is None or (found[3] and not found[2]):
        raise UsageError(
            f"not a size: {_quoted(text)}", why="it is not a number of bytes", hint="try 4096, 100kB, 512MB or 64MiB"
        )
    power = " KMGT".index(found[2].upper() or " ")
    base = 1024.0 if found[3] else 1000.0
    size = round(float(found[1]) * base**power)
    if size > 1 << 62:
        raise UsageError(f"not a size: {_quoted(text)}", why="it is larger than any disk", hint="try 512MB")
    return size


INSTANT_FORMS = "try 14:30, 9am, +5m, 'in 2h', 'tomorrow 9:00', 'fri 18:00', 2026-12-24 or 2026-12-24T18:00Z"
_DATE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_CLOCK = r"(\d{1,2})(?::(\d\d))?\s?(am|pm)?"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = r"([a-z]+)(?:\s+(?:at\s+)?(\S.*))?"


def _no_instant(text: str, why: str = "it is none of the forms that are read") -> UsageError:
    return UsageError(f"not a time: {_quoted(text)}", why=why, hint=INSTANT_FORMS)


def instant_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return a written instant as UTC milliseconds; a time without an offset is in `zone` (default: local).

    `now`, `+5m`, `in 5m`, `HH:MM` or `9am` (the next such time), a date, `today`, `tomorrow` or a weekday (the next
    one), each alone (its first minute) or with a time, ISO-8601.
    """
    word = text.strip()
    if len(word) > _LONGEST:
        raise _no_instant(text, "it is too long")
    if word.lower() == "now":
        return now_ms
    if word.startswith("+"):
        return now_ms + duration_ms(word[1:])
    if word.lower().startswith("in "):
        return now_ms + duration_ms(word[3:])
    if (clock := clock_of(text, word)) is not None:
        return _next_clock(text, clock, now_ms, zone)
    if re.fullmatch(_DATE, word, re.ASCII):
        return _date(text, word, zone)
    if (found := re.fullmatch(_DAY, word, re.ASCII | re.IGNORECASE)) is not None:
        return _day(text, found[1].lower(), found[2], (now_ms, zone))
    raise _no_instant(text)


def _date(text: str, word: str, zone: tzinfo | None) -> int:
    try:
        when = datetime.fromisoformat(word)
        return from_datetime(when if when.tzinfo or zone is None else when.replace(tzinfo=zone))
    except (ValueError, OverflowError, OSError) as error:
        raise _no_instant(text, str(error)) from None


def clock_of(text: str, word: str) -> tuple[int, int] | None:
    """Return a time of day as hour and minute, or None for what is none; raise for one that does not exist."""
    found = re.fullmatch(_CLOCK, word, re.ASCII | re.IGNORECASE)
    if found is None or not (found[2] or found[3]):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise _no_instant(text, "with am or pm, hours run from 1 to 12")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise _no_instant(text, "hours run from 0 to 23, minutes from 00 to 59")
    return hour, minute


def _here(now_ms: int, zone: tzinfo | None) -> datetime:
    """Return now as a wall clock of the zone shows it; naive where the zone is the local one."""
    return to_local(now_ms).replace(tzinfo=None) if zone is None else to_local(now_ms).astimezone(zone)


def _at(day: datetime, clock: tuple[int, int]) -> int:
    return from_datetime(day.replace(hour=clock[0], minute=clock[1], second=0, microsecond=0, fold=0))


def _next_clock(text: str, clock: tuple[int, int], now_ms: int, zone: tzinfo | None) -> int:
    here = _here(now_ms, zone)
    for days in (0, 1, 2):
        if (ms := _at(here + timedelta(days=days), clock)) > now_ms:
            return ms
    raise _no_instant(text)


def _day(text: str, day: str, rest: str | None, now: tuple[int, tzinfo | None]) -> int:
    """Return a named day: `tomorrow 9:00`, `fri at 6pm`, `today`."""
    now_ms, here = now[0], _here(*now)
    clock = (0, 0) if rest is None else clock_of(text, rest)
    if clock is None:
        raise _no_instant(text, f"{_quoted(rest or '')} is no time of day")
    if day in {"today", "tomorrow"}:
        return _at(here + timedelta(days=day == "tomorrow"), clock)
    fits = [number for number, name in enumerate(_WEEKDAYS) if len(day) >= 3 and name.startswith(day)]
    if not fits:
        raise _no_instant(text)
    ahead = (fits[0] - here.weekday()) % 7
    ms = _at(here + timedelta(days=ahead), clock)
    return ms if ms > now_ms else _at(here + timedelta(days=ahead + 7), clock)
