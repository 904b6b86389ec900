"""Deadlines at enqueue: one that has passed, or that comes before the work may begin, could only expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.model.task import Wish
    from bgo.model.window import ZonedWindow


def check(start_before: int | None, finish_before: int | None, due_at: int | None, now: int) -> None:
    """Raise UsageError for a deadline that cannot be kept whatever happens. All are UTC milliseconds."""
    for option, at in (("start-before", start_before), ("finish-before", finish_before)):
        if at is None:
            continue
        if at <= now:
            raise UsageError(
                f"{option}: that time is past",
                why="the task would expire at once",
                hint=f"--{option} 2h, or a time to come",
            )
        if due_at is not None and at <= due_at:
            raise UsageError(
                f"{option} comes before the task may begin",
                why="--at or --delay makes it wait longer than that",
                hint=f"give a later --{option}, or an earlier --at",
            )


def opens_at(window: ZonedWindow, due_at: int | None, now: int) -> int | None:
    """Return when work that is due then (None: now) may begin first by its window; None: not within a year of that.

    Raises UsageError for a zone that this computer does not know.
    """
    from bgo import zones
    from bgo.policy import window as hours

    return hours.opens_at(window.window, zones.zone(window.zone), max(now, due_at or now))


def check_window(wish: Wish, due_at: int | None, now: int) -> None:
    """Raise UsageError for a window that does not open, or not before a deadline of the same wish."""
    if wish.window is None:
        return
    opening, told = opens_at(wish.window, due_at, now), wish.window.told
    if opening is None:
        raise UsageError(
            f"window: {told} does not open within a year",
            why="the task could never begin",
            hint="give other hours, or another zone",
        )
    for option, at in (("start-before", wish.start_before), ("finish-before", wish.finish_before)):
        if at is not None and at <= opening:
            raise UsageError(
                f"{option} comes before the window opens",
                why=f"{told} opens {_told(opening)}, and the task would have expired",
                hint=f"give a later --{option}, or another --window",
            )


def _told(at: int) -> str:
    from bgo.clock import to_local

    return f"{to_local(at):%a %d %b %H:%M}"
