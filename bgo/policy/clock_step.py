"""When a schedule is taken to be ahead of the clock: the clock was set back, far."""

from __future__ import annotations

SET_BACK_MS = 3 * 3_600_000
"""A wall clock that goes back by more was wrong before: schedules count anew from now. By less, what has fired before
does not fire again. cron(8) of Debian draws the line at 3 hours, too."""


def is_set_back(last_at: int, now_ms: int) -> bool:
    """Say whether the occurrence that was dealt with last lies so far ahead that the clock must have been wrong."""
    return last_at > now_ms + SET_BACK_MS
