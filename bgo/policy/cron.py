"""Cron: which days an expression fits, and at which instants of a day it fires.

Where the clock is changed, an expression that names times of the wall fires once: what lies in a gap at the first
instant after it, what is shown twice the first time. One whose minute or hour begins with `*` follows real time:
it fires at each instant whose wall reading fits. So does Debian's cron, within its three hours.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, tzinfo
from functools import lru_cache
from typing import NamedTuple

from bgo.model.cron import CronFields
from bgo.model.window import TimeWindow
from bgo.policy.days import Day, day
from bgo.policy.window import DAY_MS, is_open

MINUTE_MS = 60_000
_EPOCH = date(1970, 1, 1).toordinal()
_THURSDAY = 4
"""1970 began on one; cron counts Sunday as 0."""


Steps = tuple[tuple[int, ...], ...]
"""For each day of the week, Sunday first: milliseconds after midnight, in order."""


class Rhythm(NamedTuple):
    """An expression in a window, made ready: when it fires on days whose clock is not changed."""

    fields: CronFields
    window: TimeWindow | None
    steps: Steps
    """Whatever the window."""
    open_steps: Steps
    """Those in the window."""


class Beats(NamedTuple):
    """The occurrences of one day: `base_ms` plus each of `steps`, in order."""

    base_ms: int
    steps: tuple[int, ...]


@lru_cache(maxsize=256)
def rhythm(fields: CronFields, window: TimeWindow | None) -> Rhythm:
    """Return an expression made ready for stepping."""
    steps = tuple((hour * 60 + minute) * MINUTE_MS for hour in fields.hours for minute in fields.minutes)
    if window is None:
        return Rhythm(fields, window, (steps,) * 7, (steps,) * 7)
    sunday = (7 - _THURSDAY) * DAY_MS
    in_window = (
        tuple(step for step in steps if is_open(window, UTC, sunday + weekday * DAY_MS + step)) for weekday in range(7)
    )
    return Rhythm(fields, window, (steps,) * 7, tuple(in_window))


def fits_day(fields: CronFields, number: int) -> bool:
    """Return whether the day of this number (days since 1970) fits month, day of the month and day of the week.

    With a `*` at the beginning of either day field both must fit, else one is enough.
    """
    when = date.fromordinal(number + _EPOCH)
    if when.month not in fields.months:
        return False
    in_month, in_week = when.day in fields.days, when.isoweekday() % 7 in fields.weekdays
    return in_month and in_week if fields.any_day or fields.any_weekday else in_month or in_week


def fitting_days(fields: CronFields, first: int, last: int) -> Iterator[int]:
    """Yield the numbers of the days that fit, in order, from `first` to `last`; from the end if `last` is before."""
    way = 1 if first <= last else -1
    begin = date.fromordinal(first + _EPOCH)
    year, month = begin.year, begin.month
    while 1 <= year <= 9999:
        start = date(year, month, 1).toordinal() - _EPOCH
        if (start - last) * way > 31:
            return
        if month in fields.months:
            for offset in _month_days(fields, *monthrange(year, month))[::way]:
                if (start + offset - first) * way >= 0 and (last - start - offset) * way >= 0:
                    yield start + offset
        year, month = year + (month + way - 1) // 12, (month + way - 1) % 12 + 1


@lru_cache(maxsize=1024)
def _month_days(fields: CronFields, weekday: int, length: int) -> tuple[int, ...]:
    """Return which days fit, counted from 0, of a month so long that begins on this weekday, 0 (Monday) to 6."""
    days, weekdays = frozenset(fields.days), frozenset(fields.weekdays)
    both = fields.any_day or fields.any_weekday
    in_month = (day + 1 in days for day in range(length))
    in_week = ((weekday + 1 + day) % 7 in weekdays for day in range(length))
    fits = ((a and b) if both else (a or b) for a, b in zip(in_month, in_week, strict=True))
    return tuple(day for day, is_fit in enumerate(fits) if is_fit)


def beats(found: Rhythm, zone: tzinfo, first: int, last: int) -> Iterator[Beats]:
    """Yield the occurrences of the days from `first` to `last`, day by day; from the end if `last` is before."""
    for number, is_fit in _touched(found.fields, first, last):
        on = day(zone, number)
        if len(on.spans) > 1:
            yield Beats(0, _irregular(found, zone, on))
        elif is_fit:
            yield Beats(on.start_ms, found.open_steps[(number + _THURSDAY) % 7])


def _touched(fields: CronFields, first: int, last: int) -> Iterator[tuple[int, bool]]:
    """Yield each day that fits, and each day after one, with whether it fits itself.

    The day after may have occurrences too: what a gap over midnight has moved there, and what a clock that is set back
    over midnight shows again.
    """
    if first > last:
        later = first + 1
        for number in fitting_days(fields, first, last - 1):
            if number + 1 < later:
                yield number + 1, False
            if number >= last:
                yield number, True
            later = number
        return
    after = None
    for number in fitting_days(fields, first - 1, last):
        if after is not None and after < number:
            yield after, False
        if number >= first:
            yield number, True
        after = number + 1
    if after is not None and after <= last:
        yield after, False


def _irregular(found: Rhythm, zone: tzinfo, on: Day) -> tuple[int, ...]:
    """Return the occurrences of a day near which the clock is changed."""
    return tuple(sorted(_fixed(found, zone, on) if found.fields.is_fixed else _real(found, on)))


def _real(found: Rhythm, on: Day) -> set[int]:
    instants = set[int]()
    for span in on.spans:
        low, high = max(span.start_ms, on.start_ms), min(span.end_ms, on.end_ms)
        shown = walls(found.fields, found.open_steps, low + span.offset_ms, high + span.offset_ms)
        instants.update(wall - span.offset_ms for wall in shown)
    return instants


def _fixed(found: Rhythm, zone: tzinfo, on: Day) -> set[int]:
    """Return when each wall reading that fits is reached first."""
    instants, top = set[int](), on.spans[0].start_ms + on.spans[0].offset_ms
    for span in on.spans:
        start, ahead = span.start_ms, span.offset_ms
        missing = walls(found.fields, found.steps, top, start + ahead)
        if on.start_ms <= start < on.end_ms and next(missing, None) is not None:
            instants.update((start,) if found.window is None or is_open(found.window, zone, start) else ())
        low, high = max(start, on.start_ms), min(span.end_ms, on.end_ms)
        reached = walls(found.fields, found.open_steps, max(top, low + ahead), high + ahead)
        instants.update(wall - ahead for wall in reached)
        top = max(top, span.end_ms + ahead)
    return instants


def walls(fields: CronFields, steps: Steps, start_ms: int, end_ms: int) -> Iterator[int]:
    """Yield each wall reading that fits, from `start_ms` to before `end_ms`: milliseconds since 1970 by the wall."""
    for number in range(start_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1):
        if fits_day(fields, number):
            midnight, of_day = number * DAY_MS, steps[(number + _THURSDAY) % 7]
            low, high = bisect_left(of_day, start_ms - midnight), bisect_left(of_day, end_ms - midnight)
            yield from (midnight + step for step in of_day[low:high])
