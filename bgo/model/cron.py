"""Cron expressions as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

from bgo.errors import UsageError
from bgo.model.cron_text import FIELDS, WORDS, Item, read
from bgo.model.options import is_whole, shown

DAY_FORMS = "days are 'MON' to 'SUN', whole names, 0 (Sunday) to 7 (Sunday again), or a range: MON-FRI"
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class CronFields(NamedTuple):
    """What the five fields of an expression name, in order and each once."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    """Of the month, 1 to 31."""
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """0 (Sunday) to 6."""
    any_day: bool
    """The day of the month begins with `*`: then a day must fit both day fields, else either."""
    any_weekday: bool
    """The day of the week begins with `*`."""
    is_fixed: bool
    """Neither minute nor hour begins with `*`: it names times of the wall clock, and does not follow real time."""


@dataclass(frozen=True, slots=True, init=False)
class CronSchedule:
    """A cron expression: five fields or a word such as `@daily`, read as Debian's cron reads them.

    Raises UsageError, with a note that points at the fault, for what cron does not read and for what never fires.
    """

    text: str
    """As typed, with single blanks."""

    HOURLY: ClassVar[CronSchedule]
    DAILY: ClassVar[CronSchedule]
    WEEKLY_MONDAY: ClassVar[CronSchedule]
    MONTHLY: ClassVar[CronSchedule]

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "text", read(text)[0])

    def __str__(self) -> str:
        return self.text

    @property
    def fields(self) -> CronFields:
        """What the fields name. Loads croniter."""
        return _fields(self.text)

    @classmethod
    def every_n_minutes(cls, n: int) -> CronSchedule:
        """Return a schedule for every nth minute of an hour; `n` divides 60, for cron starts anew each hour."""
        _check_divides(n, 60, "minutes", "m")
        return cls("* * * * *" if n == 1 else "0 * * * *" if n == 60 else f"*/{n} * * * *")

    @classmethod
    def every_n_hours(cls, n: int) -> CronSchedule:
        """Return a schedule for every nth hour of a day; `n` divides 24, for cron starts anew each day."""
        _check_divides(n, 24, "hours", "h")
        return cls("0 * * * *" if n == 1 else "0 0 * * *" if n == 24 else f"0 */{n} * * *")

    @classmethod
    def daily_at(cls, hour: int, minute: int = 0) -> CronSchedule:
        """Return a schedule for one time of each day."""
        return cls(f"{_clock(hour, minute)} * * *")

    @classmethod
    def on_days_at(cls, days: Iterable[str | int], hour: int, minute: int = 0) -> CronSchedule:
        """Return a schedule for one time on days of the week: `MON`, `monday`, 0 (Sunday) to 7 (Sunday), `MON-FRI`."""
        given = days.split(",") if isinstance(days, str) else list(days)
        numbers = sorted({number for day in given for number in _weekdays(day)})
        if not numbers:
            raise UsageError("no day to fire on", why="`days` is empty", hint=DAY_FORMS)
        return cls(f"{_clock(hour, minute)} * * {','.join(map(str, numbers))}")

    @classmethod
    def weekdays_at(cls, hour: int, minute: int = 0) -> CronSchedule:
        """Return a schedule for one time from Monday to Friday."""
        return cls(f"{_clock(hour, minute)} * * 1-5")

    @classmethod
    def weekend_at(cls, hour: int, minute: int = 0) -> CronSchedule:
        """Return a schedule for one time on Saturday and Sunday."""
        return cls(f"{_clock(hour, minute)} * * 0,6")

    @classmethod
    def monthly_at(cls, day: int, hour: int, minute: int = 0) -> CronSchedule:
        """Return a schedule for one time on a day of the month; months that lack the day are left out."""
        if not is_whole(day, 1, 31):
            raise UsageError(f"not a day of the month: {shown(day)}", why="days run from 1 to 31", hint="day=1")
        return cls(f"{_clock(hour, minute)} {day} * *")


CronSchedule.HOURLY = CronSchedule("0 * * * *")
CronSchedule.DAILY = CronSchedule("0 0 * * *")
CronSchedule.WEEKLY_MONDAY = CronSchedule("0 0 * * 1")
CronSchedule.MONTHLY = CronSchedule("0 0 1 * *")


@lru_cache(maxsize=256)
def _fields(text: str) -> CronFields:
    from croniter import croniter

    plain = WORDS.get(text.lower(), text)
    items = read(plain)[1]
    expanded, _ = croniter.expand(" ".join(map(_listed, items)))
    ranges = (range(field.low, field.low + field.span) for field in FIELDS)
    named = [
        tuple(every if values == ["*"] else sorted(values)) for values, every in zip(expanded, ranges, strict=True)
    ]
    minute, hour, day, _, weekday = (word.startswith("*") for word in plain.split())
    minutes, hours, days, months, weekdays = named
    return CronFields(minutes, hours, days, months, weekdays, day, weekday, not (minute or hour))


def _listed(items: tuple[Item, ...]) -> str:
    return ",".join(map(str, items))


def _check_divides(n: object, whole: int, what: str, unit: str) -> None:
    if is_whole(n, 1, whole) and whole % int(str(n)) == 0:
        return
    sizes = ", ".join(str(size) for size in range(1, whole + 1) if whole % size == 0)
    number = n if is_whole(n, 1, 999_999) else 7
    raise UsageError(
        f"cron cannot fire every {shown(n)} {what}",
        why=f"it starts anew each {'hour' if whole == 60 else 'day'}, so only {sizes} are even",
        hint=f"an interval does exactly that: --every {number}{unit}, or interval=timedelta({what}={number})",
    )


def _clock(hour: object, minute: object) -> str:
    """Return minute and hour as cron writes them."""
    if not (is_whole(hour, 0, 23) and is_whole(minute, 0, 59)):
        raise UsageError(
            f"not a time of day: hour {shown(hour)}, minute {shown(minute)}",
            why="hours run from 0 to 23, minutes from 0 to 59",
            hint="hour=9, minute=30",
        )
    return f"{minute} {hour}"


def _weekdays(given: object) -> list[int]:
    """Return a day of the week, or a range of them, as cron counts them, 0 (Sunday) to 6."""
    first, dash, last = given.partition("-") if isinstance(given, str) and given[:1] != "-" else (given, "", "")
    start = _weekday(first)
    end = _weekday(last) if dash else start
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


def _weekday(day: object) -> int:
    """Return a day of the week, 0 (Sunday) to 7 (Sunday)."""
    if isinstance(day, int) and is_whole(day, 0, 7):
        return day
    why = "cron does not know it"
    if isinstance(day, str):
        word = day.strip().lower()
        if len(word) >= 3 and (fits := [n for n, name in enumerate(_DAYS) if name.startswith(word)]):
            return fits[0]
        if word in {"0", "1", "2", "3", "4", "5", "6", "7"}:
            return int(word)
        from bgo.model.words import did_you_mean

        why = did_you_mean(word, [*(name[:3] for name in _DAYS), *_DAYS]) or why
    raise UsageError(f"not a day of the week: {shown(day)}", why=why, hint=DAY_FORMS)
