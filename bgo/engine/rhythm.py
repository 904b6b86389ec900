"""Rhythm: when a schedule fires on a platform that counts from the end of the run before, and has a shortest interval.

WorkManager sets periodic work to its finish plus its interval, so that it drifts by the time it takes; iOS has no
periodic work at all: each run asks for the next. What the schedule says stays the lower bound.
"""

from __future__ import annotations

from typing import NamedTuple

from bgo import zones
from bgo.model.profile import Profile
from bgo.model.schedule import Every, Reboot, Schedule
from bgo.policy import fit_timing, occurrences
from bgo.store.port import Session
from bgo.store.rows import Next

LOOKED = 20
"""Occurrences that are looked through for the last that fired."""


class Turn(NamedTuple):
    """Whether it fires now, and when it comes next."""

    fires: bool
    next: Next


def turn(session: Session, schedule: Schedule, now: int, profile: Profile) -> Turn | None:
    """Return how a schedule that is due goes on under this profile; None: as on a computer, by its own grid."""
    every = _every(schedule, profile)
    if every is None:
        return None
    last = _last(session, schedule, now)
    if last is not None and (at := fit_timing.next_ms(*last, every, profile)) > now:
        return Turn(False, _at(schedule, at))
    return Turn(True, _at(schedule, now + every))


def _at(schedule: Schedule, at: int) -> Next:
    end = schedule.timing.end_ms
    return Next(None, None) if end is not None and at >= end else Next(at, at)


def _every(schedule: Schedule, profile: Profile) -> int | None:
    """Return the interval that the platform counts in milliseconds; None where it goes by the schedule's own times."""
    rule, work = schedule.timing.rule, profile.work
    if isinstance(rule, Every):
        found = fit_timing.rhythm(rule.every_ms, None, profile).every_ms
        return found if work.interval_from == "completion" or found != rule.every_ms else None
    if isinstance(rule, Reboot) or not work.cron_as_interval or schedule.next_at is None:
        return None
    following = occurrences.next_after(schedule.timing, zones.zone(schedule.timing.zone), schedule.next_at)
    return None if following is None else following - schedule.next_at


def _last(session: Session, schedule: Schedule, now: int) -> tuple[int, int] | None:
    """Return when it fired last and when what that made ended: `now` while it has not; None: it has made nothing."""
    rows = session.schedules.occurrences(schedule, LOOKED)
    fired = next((row for row in rows if row.outcome == "fired" and row.task is not None), None)
    if fired is None or fired.task is None:
        return None
    task = session.tasks.find(fired.task)
    if task is None:
        return fired.at, fired.noted_at  # pruned: long ago
    return fired.at, now if task.finished_at is None else task.finished_at
