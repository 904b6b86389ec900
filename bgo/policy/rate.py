"""Rates: how long ago a start was, and when a sliding window has room again.

Within a boot the clock that nobody can set decides. Across boots there is only the wall clock; when it was set back
behind the start, the time since this boot is what has passed at least.
"""

from __future__ import annotations

from bgo.clock import Moment
from bgo.model.lane import Gate, Rate
from bgo.model.plan import Hold


def elapsed_ms(start: Moment, now: Moment) -> int:
    """Return how many milliseconds ago `start` was, as far as can be known."""
    if start.boot_id == now.boot_id:
        return now.boot_ms - start.boot_ms
    return max(now.now_ms - start.now_ms, now.boot_ms)


def wait_ms(start: Moment, window_ms: int, now: Moment) -> int:
    """Return in how many milliseconds `start` has left the window; 0: it has.

    One more than the window: both instants were cut to whole milliseconds, and no window may ever see more starts.
    """
    return max(0, window_ms + 1 - elapsed_ms(start, now))


def rate_hold(rate: Rate, wait: int, now_ms: int) -> Hold | None:
    """Return the hold of a rate that lets the next start through in `wait` milliseconds; None for 0."""
    if wait == 0:
        return None
    return Hold(
        Gate.RATE,
        f"{rate.max} starts in the last {spell(rate.window_ms)}",
        f"fewer than {rate.max} in {spell(rate.window_ms)} under {rate.key}",
        holder=f"rate key {rate.key}",
        until_ms=now_ms + wait,
        lift="wait: the window slides",
    )


def spell(ms: int) -> str:
    """Return a window as people write it: 1h, 90s, 1500ms."""
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")):
        if ms % unit == 0:
            return f"{ms // unit}{name}"
    return f"{ms}ms"
