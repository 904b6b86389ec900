"""Strict windows: work that may not go on when its hours are over is stopped when they end."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from bgo.errors import UsageError
from bgo.model.platform import Stop

if TYPE_CHECKING:
    from bgo.model.task import Wish
    from bgo.model.window import ZonedWindow

_MINUTE_MS = 60_000


def closing(wish: Wish, now_ms: int) -> Stop | None:
    """Return when a run must end because its window closes: an instant that may have come; None: no hours end it.

    None also where this computer does not know the window's zone: nobody can tell then, and nothing new starts.
    """
    if not wish.window_strict or wish.window is None:
        return None
    # Whoever watches a run asks this many times a minute, and hardly a window opens or closes within one.
    found = _closing(wish.window, now_ms - now_ms % _MINUTE_MS)
    return found if found is None or found.at > now_ms else _judged(wish.window, now_ms)


@lru_cache(maxsize=1024)
def _closing(asked: ZonedWindow, at_ms: int) -> Stop | None:
    return _judged(asked, at_ms)


def _judged(asked: ZonedWindow, at_ms: int) -> Stop | None:
    from bgo import zones
    from bgo.policy.gates import window_hold
    from bgo.policy.window import is_open, next_edge

    try:
        zone = zones.zone(asked.zone)
    except UsageError:
        return None
    end = next_edge(asked.window, zone, at_ms) if is_open(asked.window, zone, at_ms) else at_ms
    hold = None if end is None else window_hold(asked, zone, end)
    return None if end is None or hold is None else Stop(end, hold)
