"""Fire now: what a schedule makes, made once more because somebody asks for it."""

from __future__ import annotations

from dataclasses import replace

from bgo import zones
from bgo.engine import occasions
from bgo.engine.templates import enqueue
from bgo.model.schedule import Reboot, Schedule
from bgo.model.task import Enqueued
from bgo.policy import occurrences
from bgo.store.port import Session


def fire_now(session: Session, schedule: Schedule, now: int) -> Enqueued:
    """Make at once what the schedule makes, beside whatever is unfinished; return it, or what stands in for it.

    It is none of its occurrences: nothing is counted, and the schedule stays as it is, paused or finished too.
    """
    at = now
    while _is_taken(session, schedule, at):
        at -= 1
    at_once = replace(schedule, wish=replace(schedule.wish, jitter_ms=0))
    return enqueue(session, at_once, at, {}, now)


def _is_taken(session: Session, schedule: Schedule, at: int) -> bool:
    """Say whether an instant is an occurrence, or has been used: what is made for it has an id that follows from it."""
    timing = schedule.timing
    if not isinstance(timing.rule, Reboot) and occurrences.next_after(timing, zones.zone(timing.zone), at - 1) == at:
        return True
    return session.schedules.has_fired(schedule, at, occasions.task_id(schedule.id, at))
