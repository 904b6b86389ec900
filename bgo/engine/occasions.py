"""Occasions: when a schedule fires next, as a fact to be stored; and what is due of it."""

from __future__ import annotations

from bgo import zones
from bgo.engine.members import draw_of
from bgo.ids import derived_id
from bgo.model.schedule import Counters, OccurrenceRow, Reboot, Schedule, ScheduleState, ScheduleWish
from bgo.policy import occurrences
from bgo.policy.window import next_edge
from bgo.store.port import Session
from bgo.store.rows import Next

NEVER = Next()
KEEP = 100
"""Occurrences of a schedule that are remembered one by one; all are counted."""


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


def due(schedule: Schedule, now: int) -> tuple[int, int]:
    """Return the last occurrence that is due, but not those whose jitter is not over, and how many there are up to it.
    The schedule is due."""
    timing, zone, first = schedule.timing, zones.zone(schedule.timing.zone), schedule.next_at or 0
    last = occurrences.last_until(timing, zone, first - 1, now) or first
    while last > first and fires_at(schedule.id, schedule.wish, last) > now:
        last = occurrences.last_until(timing, zone, first - 1, last - 1) or first
    return last, _number(schedule, last)


def _number(schedule: Schedule, last: int) -> int:
    zone, first = zones.zone(schedule.timing.zone), schedule.next_at or 0
    return max(1, occurrences.count(schedule.timing, zone, first - 1, last))


def forgo(session: Session, schedule: Schedule, now: int) -> Schedule:
    """Count the occurrences up to now as missed, for their schedule is to be stopped or gets other times; return it as
    it is then. One whose jitter is not over is among them: it would not fire any more."""
    first = schedule.next_at
    if schedule.state is not ScheduleState.ACTIVE or first is None or first > now:
        return schedule
    last = occurrences.last_until(schedule.timing, zones.zone(schedule.timing.zone), first - 1, now) or first
    number = _number(schedule, last)
    session.schedules.note(schedule, OccurrenceRow(last, "missed", number, None, now), KEEP)
    to, state = Next(schedule.next_at, schedule.fire_at), (schedule.state, schedule.reason)
    session.schedules.advance(schedule, state, to, (last, schedule.boot), Counters(missed=number))
    found = session.schedules.find(schedule.id)
    if found is None:
        raise AssertionError("it was read in this transaction")
    return found
