"""Occurrences of a schedule: the next, the latest, how many, and which, by its timing alone.

Instants are UTC milliseconds. `zone` is the one that the timing names, looked up by the caller. A rule `Reboot` has no
occurrences in time. Whatever is asked, the search ends after 50 years.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, tzinfo

from bgo.errors import UsageError
from bgo.model.schedule import Cron, Every, Timing
from bgo.policy import interval
from bgo.policy.cron import Beats, beats, rhythm
from bgo.policy.days import number_of
from bgo.policy.interval import Interval
from bgo.policy.window import DAY_MS

HORIZON_MS = 50 * 366 * DAY_MS
"""The rarest expressions, a 29 February on one day of the week, are up to 40 years apart (2088 to 2128)."""
_FIRST_MS, _LAST_MS = -60_000_000_000_000, 250_000_000_000_000
"""The years 68 and 9892: days, windows and horizons around them stay within what `datetime` counts."""


def next_after(timing: Timing, zone: tzinfo, after_ms: int) -> int | None:
    """Return the first occurrence after an instant; None when there is none any more."""
    after, until = _bounds(timing, after_ms, _LAST_MS)
    if isinstance(timing.rule, Every):
        found = interval.next_after(_interval(timing.rule, timing, zone), after) if after < until else None
        return found if found is not None and found <= until else None
    return next(between(timing, zone, after, min(until, after + HORIZON_MS)), None)


def between(timing: Timing, zone: tzinfo, after_ms: int, until_ms: int) -> Iterator[int]:
    """Yield the occurrences after one instant up to another, that included, in order."""
    after, until = _bounds(timing, after_ms, until_ms)
    if isinstance(timing.rule, Every):
        found = _interval(timing.rule, timing, zone)
        while after < until and (at := interval.next_after(found, after)) is not None and at <= until:
            yield at
            after = at
        return
    for base, steps in _beats(timing, zone, after, until):
        for step in steps[bisect_right(steps, after - base) : bisect_right(steps, until - base)]:
            yield base + step


def last_until(timing: Timing, zone: tzinfo, after_ms: int, until_ms: int) -> int | None:
    """Return the latest occurrence after one instant up to another, that included; None when there is none."""
    after, until = _bounds(timing, after_ms, until_ms)
    after = max(after, until - HORIZON_MS)
    if isinstance(timing.rule, Every):
        return interval.last_until(_interval(timing.rule, timing, zone), after, until) if after < until else None
    for base, steps in _beats(timing, zone, after, until, backwards=True):
        if (place := bisect_right(steps, until - base)) and base + steps[place - 1] > after:
            return base + steps[place - 1]
    return None


def count(timing: Timing, zone: tzinfo, after_ms: int, until_ms: int) -> int:
    """Return how many occurrences come after one instant up to another, that included."""
    after, until = _bounds(timing, after_ms, until_ms)
    if isinstance(timing.rule, Every):
        return interval.count(_interval(timing.rule, timing, zone), after, until) if after < until else 0
    total = 0
    for base, steps in _beats(timing, zone, after, until):
        is_whole = steps and base + steps[0] > after and base + steps[-1] <= until
        total += len(steps) if is_whole else bisect_right(steps, until - base) - bisect_right(steps, after - base)
    return total


def check_meets(timing: Timing, zone: tzinfo, now_ms: int) -> None:
    """Raise UsageError, with the reason, for a timing that has no occurrence after an instant.

    One that meets its window only where a gap has moved it there counts as one that never does.
    """
    rule = timing.rule
    if timing.start_ms is not None and timing.end_ms is not None and timing.start_ms >= timing.end_ms:
        raise UsageError(
            "the schedule never fires: it ends before it starts",
            why="--start is the first instant at which it may fire, --end the first at which it may not",
            hint="give an --end after the --start",
        )
    without_changes = Timing(rule, "UTC", timing.window)
    if isinstance(rule, Cron) and timing.window is not None and next_after(without_changes, UTC, now_ms) is None:
        raise UsageError(
            f"the schedule never fires: {rule.text!r:.60} names no time in its window",
            why="occurrences of a cron expression outside the window are dropped",
            hint="widen --window, or name times within it; --every slides to the window's opening",
        )
    if isinstance(rule, Cron | Every) and next_after(timing, zone, now_ms) is None:
        raise UsageError(
            "the schedule never fires: no occurrence is left before its end",
            why="what comes before --start, before now or from --end on does not count",
            hint="give a later --end",
        )


def _bounds(timing: Timing, after_ms: int, until_ms: int) -> tuple[int, int]:
    """Return what is asked within start and end of the timing: after the one, up to the other."""
    after = after_ms if timing.start_ms is None else max(after_ms, timing.start_ms - 1)
    until = until_ms if timing.end_ms is None else min(until_ms, timing.end_ms - 1)
    return max(after, _FIRST_MS), min(until, _LAST_MS)


def _interval(rule: Every, timing: Timing, zone: tzinfo) -> Interval:
    every, first = rule
    if timing.start_ms is not None and timing.start_ms > first:
        first += -((first - timing.start_ms) // every) * every
    return Interval(every, first, timing.window, zone)


def _beats(timing: Timing, zone: tzinfo, after_ms: int, until_ms: int, *, backwards: bool = False) -> Iterator[Beats]:
    """Yield the occurrences of each day that the search touches; nothing for a rule that is no expression."""
    if not isinstance(timing.rule, Cron) or after_ms >= until_ms:
        return iter(())
    first, last = number_of(zone, after_ms), number_of(zone, until_ms) + 1
    ready = rhythm(timing.rule.fields, timing.window)
    return beats(ready, zone, last, first) if backwards else beats(ready, zone, first, last)
