"""Days by the wall clock of a zone: where they begin and end, and where in them the clock is changed.

A day begins at the first instant at which the wall has reached its midnight. So each instant belongs to one day, also
where the clock is set back across midnight or a whole day is left out (such a day is empty).
"""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from bgo.policy.window import DAY_MS, offset_ms

_BEFORE_MS, _AFTER_MS = 36 * 3_600_000, 60 * 3_600_000
"""From a day's midnight as UTC would have it: what may bear on the day. The widest offsets are 15 h, the longest gap
24 h; nowhere since 1970 has a clock been changed twice within so many hours."""


class Span(NamedTuple):
    """Instants from `start_ms` to before `end_ms` in which the wall is ahead of UTC by `offset_ms`."""

    start_ms: int
    end_ms: int
    offset_ms: int


class Day(NamedTuple):
    """A day of the wall: instants from `start_ms` to before `end_ms`."""

    number: int
    """Days since 1970-01-01, a Thursday."""
    start_ms: int
    end_ms: int
    spans: tuple[Span, ...]
    """What bears on it, from the day before to the day after: two spans where the clock is changed, else one."""


def number_of(zone: tzinfo, at_ms: int) -> int:
    """Return the number of the date that the wall shows; where it was set back over midnight, the day is the next."""
    return (at_ms + offset_ms(zone, at_ms)) // DAY_MS


def day(zone: tzinfo, number: int) -> Day:
    """Return the day of this number."""
    midnight = number * DAY_MS
    spans = _spans(zone, midnight - _BEFORE_MS, midnight + _AFTER_MS)
    if len(spans) == 1:
        start = midnight - spans[0].offset_ms
        return Day(number, start, start + DAY_MS, spans)
    return Day(number, _reached(spans, midnight), _reached(spans, midnight + DAY_MS), spans)


def _spans(zone: tzinfo, start_ms: int, end_ms: int) -> tuple[Span, ...]:
    first, last = offset_ms(zone, start_ms), offset_ms(zone, end_ms)
    if first == last:
        return (Span(start_ms, end_ms, first),)
    before, after = start_ms // 1000, end_ms // 1000  # clocks change at whole seconds
    while after - before > 1:
        middle = (before + after) // 2
        if offset_ms(zone, middle * 1000) == first:
            before = middle
        else:
            after = middle
    return Span(start_ms, after * 1000, first), Span(after * 1000, end_ms, last)


def _reached(spans: tuple[Span, ...], wall_ms: int) -> int:
    """Return the first instant at which the wall shows `wall_ms` or more."""
    first, second = spans
    if wall_ms < first.end_ms + first.offset_ms:
        return wall_ms - first.offset_ms
    return max(second.start_ms, wall_ms - second.offset_ms)
