"""Occasions: when a schedule fires next, as a fact to be stored."""

from __future__ import annotations

from bgo import zones
from bgo.engine.members import draw_of
from bgo.ids import derived_id
from bgo.model.schedule import Reboot, ScheduleWish
from bgo.policy import occurrences
from bgo.policy.window import next_edge
from bgo.store.rows import Next

NEVER = Next()


def task_id(schedule_id: str, at: int) -> str:
    """Return the id of what a schedule makes for an occurrence: the same for all who fire it, and in every play."""
    return derived_id(schedule_id, at)


def fires_at(schedule_id: str, wish: ScheduleWish, at: int) -> int:
    """Return when an occurrence fires: later than it is by a part of the jitter that follows from both.

    Always before the next occurrence, so that none overtakes another, and before its window closes.
    """
    if not wish.jitter_ms:
        return at
    timing, zone = wish.timing, zones.zone(wish.timing.zone)
    following_one = occurrences.next_after(timing, zone, at)
    closing = None if timing.window is None else next_edge(timing.window, zone, at)
    reach = min((end - at for end in (following_one, closing) if end is not None), default=wish.jitter_ms)
    return at + int(draw_of(task_id(schedule_id, at)) * min(wish.jitter_ms, reach))


def following(schedule_id: str, wish: ScheduleWish, after: int) -> Next:
    """Return the first occurrence after an instant."""
    if isinstance(wish.timing.rule, Reboot):
        return NEVER
    at = occurrences.next_after(wish.timing, zones.zone(wish.timing.zone), after)
    return NEVER if at is None else Next(at, fires_at(schedule_id, wish, at))
