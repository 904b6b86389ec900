"""Schedules as they are told: what they make, what became of their occurrences, what is to come."""

from __future__ import annotations

import json
from datetime import datetime

from bgo import zones
from bgo.engine import occasions
from bgo.engine.failing import failures_in_a_row
from bgo.engine.overlap import LINE
from bgo.model.schedule import Reboot, Schedule, ScheduleState, ScheduleWish
from bgo.model.schedule_view import Coming, ScheduleView
from bgo.policy import marks, occurrences
from bgo.policy.marks import Mark, Shift
from bgo.store.port import Session


def view_of(
    session: Session, schedule: Schedule, *, recent: int = 0, coming: int = 0, now: int | None = None
) -> ScheduleView:
    """Return a schedule with what it makes opened; with `recent` and `coming`, so many occurrences before and behind
    `now`, and how many are due."""
    ahead: tuple[Coming, ...] = ()
    number = 0
    if coming and now is not None and schedule.state is ScheduleState.ACTIVE and schedule.next_at is not None:
        after = schedule.next_at - 1
        if schedule.fire_at is not None and schedule.fire_at <= now:
            after, number = occasions.due(schedule, now)
        ahead = tuple(_coming(schedule.id, schedule.wish, after, coming))
    return ScheduleView(
        schedule,
        json.loads(session.payloads.get(schedule.plan_ref)),
        tuple(task.id for task in session.schedules.unfinished(schedule.id, LINE)),
        failures_in_a_row(session, schedule),
        tuple(session.schedules.occurrences(schedule, recent)) if recent else (),
        ahead,
        number,
    )


def coming(schedule_id: str, wish: ScheduleWish, after: int, count: int) -> list[Coming]:
    """Return the next occurrences after an instant, as if nothing held it; at most as often as it may fire."""
    most = count if wish.max_runs is None else min(count, wish.max_runs)
    return _coming(schedule_id, wish, after, most)


def _coming(schedule_id: str, wish: ScheduleWish, after: int, count: int) -> list[Coming]:
    if isinstance(wish.timing.rule, Reboot):
        return []
    zone, found = zones.zone(wish.timing.zone), list[Coming]()
    while len(found) < count:
        at = occurrences.next_after(wish.timing, zone, after)
        if at is None:
            break
        local = datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")
        note = _note(marks.mark(wish.timing, zone, at))
        found.append(Coming(at, occasions.fires_at(schedule_id, wish, at), local, note))
        after = at
    return found


def _note(mark: Mark | None) -> str:
    """Return in words what a change of the clock does to an occurrence; they fit beside it on 80 columns."""
    if mark is None:
        return ""
    match mark.shift:
        case Shift.MOVED:
            return f"no {mark.wall:%H:%M} that day: fires right after"
        case Shift.FIRST:
            return f"the first of two {mark.wall:%H:%M}s that day"
        case Shift.SECOND:
            return f"the second of two {mark.wall:%H:%M}s that day"
        case Shift.NEAR:
            way, by = ("on", mark.change_ms) if mark.change_ms > 0 else ("back", -mark.change_ms)
            return f"clocks go {way} by {by // 60_000} min that day"
