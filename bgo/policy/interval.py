"""Intervals: every so many milliseconds of real time, and the openings of a window to which they slide.

What would come while the window is closed comes at its next opening; several that slide to one opening are one.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from bgo.model.window import TimeWindow
from bgo.policy.window import next_edge, opens_at


class Interval(NamedTuple):
    """Instants `first_ms`, `first_ms + every_ms` …, in a window read in a zone."""

    every_ms: int
    first_ms: int
    window: TimeWindow | None
    zone: tzinfo


def next_after(found: Interval, after_ms: int) -> int | None:
    """Return the first occurrence after an instant; None when the window never opens."""
    place = (after_ms - found.first_ms) // found.every_ms
    if place >= 0:  # the one before may still slide to beyond
        slid = _nth(found, place)
        if slid is None or slid > after_ms:
            return slid
    return _nth(found, max(0, place + 1))


def last_until(found: Interval, after_ms: int, until_ms: int) -> int | None:
    """Return the latest occurrence after one instant up to another, that included."""
    low, high = 0, (until_ms - found.first_ms) // found.every_ms
    if found.window is None:
        low = high
    while low < high:  # later ones never slide to earlier openings
        middle = (low + high + 1) // 2
        slid = _nth(found, middle)
        low, high = (middle, high) if slid is not None and slid <= until_ms else (low, middle - 1)
    slid = _nth(found, low) if low >= 0 else None
    return slid if slid is not None and after_ms < slid <= until_ms else None


def count(found: Interval, after_ms: int, until_ms: int) -> int:
    """Return how many occurrences come after one instant up to another, that included."""
    if found.window is None:
        return _grid(found, after_ms + 1, until_ms + 1)
    total, at = 0, max(after_ms + 1, found.first_ms)
    while (opening := opens_at(found.window, found.zone, at)) is not None and opening <= until_ms:
        closing = next_edge(found.window, found.zone, opening) or until_ms + 1
        total += _grid(found, opening, min(closing, until_ms + 1)) + _is_slid_to(found, opening)
        at = closing
    return total


def _nth(found: Interval, place: int) -> int | None:
    at = found.first_ms + place * found.every_ms
    return at if found.window is None else opens_at(found.window, found.zone, at)


def _grid(found: Interval, start_ms: int, end_ms: int) -> int:
    """Return how many come from one instant to before another, before any of them slides."""
    before_start = max(0, -((found.first_ms - start_ms) // found.every_ms))
    before_end = max(0, -((found.first_ms - end_ms) // found.every_ms))
    return max(0, before_end - before_start)


def _is_slid_to(found: Interval, opening_ms: int) -> bool:
    """Return whether an earlier one slides to this instant and none falls on it."""
    place, rest = divmod(opening_ms - found.first_ms, found.every_ms)
    return place >= 0 and rest > 0 and _nth(found, place) == opening_ms
