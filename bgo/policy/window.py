"""Windows: whether a wall clock of a zone shows hours in which work may start, and when that changes.

What the wall shows decides. So a window that lies in a gap does not open that day, one that a gap cuts opens at the
first instant after it, and what a day shows twice may be open twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from bgo.model.window import TimeWindow

DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_THURSDAY = 3
"""1970 began on one; Monday is 0."""
_NEVER_MS = 366 * DAY_MS
_NO_OFFSET = timedelta(0)


def is_open(window: TimeWindow, zone: tzinfo, at_ms: int) -> bool:
    """Return whether work may start at this instant (UTC milliseconds) by a wall clock of the zone."""
    day, since = divmod(at_ms + offset_ms(zone, at_ms), DAY_MS)
    start, end = _span(window)
    if start < end:
        return start <= since < end and _is_on(window, day)
    return (since >= start and _is_on(window, day)) or (since < end and _is_on(window, day - 1))


def opens_at(window: TimeWindow, zone: tzinfo, at_ms: int) -> int | None:
    """Return `at_ms` where the window is open then, else the instant at which it opens next (UTC milliseconds).

    None when it does not open within a year.
    """
    if is_open(window, zone, at_ms):
        return at_ms
    # Whoever looks for work asks this many times a minute: what was closed all the time since then opens when it did.
    opening = _opening(window, zone, at_ms - at_ms % _MINUTE_MS)
    return opening if opening is None or opening > at_ms else next_edge(window, zone, at_ms)


@lru_cache(maxsize=1024)
def _opening(window: TimeWindow, zone: tzinfo, at_ms: int) -> int | None:
    return at_ms if is_open(window, zone, at_ms) else next_edge(window, zone, at_ms)


def next_edge(window: TimeWindow, zone: tzinfo, at_ms: int) -> int | None:
    """Return the next instant after `at_ms` at which the window opens or closes (UTC milliseconds).

    None when none comes within a year, as for a window of all hours of all days.
    """
    now_open, at = is_open(window, zone, at_ms), at_ms
    if now_open and is_always(window):
        return None
    while at - at_ms <= _NEVER_MS:
        at = _next_step(window, zone, at)
        if is_open(window, zone, at) is not now_open:
            return at
    return None


def is_always(window: TimeWindow) -> bool:
    """Return whether the window is open at all hours of all days."""
    return _span(window) == (0, DAY_MS) and len(window.days_of_week) in (0, 7)


def _span(window: TimeWindow) -> tuple[int, int]:
    start = window.start_hour * 60 + window.start_minute
    return start * _MINUTE_MS, (window.end_hour * 60 + window.end_minute) * _MINUTE_MS


def _is_on(window: TimeWindow, day: int) -> bool:
    return not window.days_of_week or (day + _THURSDAY) % 7 + 1 in window.days_of_week


def offset_ms(zone: tzinfo, at_ms: int) -> int:
    """Return by how much the zone's wall clock is ahead of UTC at an instant, in milliseconds."""
    offset = datetime.fromtimestamp(at_ms // 1000, zone).utcoffset() or _NO_OFFSET
    return (offset.days * 86_400 + offset.seconds) * 1000


def _next_step(window: TimeWindow, zone: tzinfo, at_ms: int) -> int:
    """Return the next instant at which the window may change: a start, an end or a midnight, or a clock change before.

    No step is longer than a day; between two changes that undo each other no zone has had less than seven days since
    1970, so that none is overlooked.
    """
    offset = offset_ms(zone, at_ms)
    since = (at_ms + offset) % DAY_MS
    step = min((mark - since) % DAY_MS or DAY_MS for mark in (0, *_span(window)))
    if offset_ms(zone, at_ms + step) == offset:
        return at_ms + step
    before, after = at_ms // 1000, (at_ms + step) // 1000  # clocks change at whole seconds
    while after - before > 1:
        middle = (before + after) // 2
        if offset_ms(zone, middle * 1000) == offset:
            before = middle
        else:
            after = middle
    return after * 1000
