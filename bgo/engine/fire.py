"""Fire: occurrences that are due become tasks, chains or batches, in the transaction that moves their schedule on.

Each occurrence is dealt with once, whoever comes first: the schedule is moved by compare-and-set, and what it makes has
an id that follows from the occurrence. Where many have piled up, they are counted, not walked through.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from bgo import zones
from bgo.clock import Moment
from bgo.engine import occasions
from bgo.engine.failing import keeps_failing, told_failures
from bgo.engine.occasions import KEEP, NEVER, following, forgo
from bgo.engine.overlap import make_way
from bgo.engine.templates import make
from bgo.errors import BgoError, StoreBusyError, StoreError
from bgo.model.profile import HOST, Profile
from bgo.model.schedule import Counters, OccurrenceRow, Outcome, Schedule, ScheduleState
from bgo.policy import occurrences
from bgo.policy.clock_step import SET_BACK_MS
from bgo.policy.missed import Share, share
from bgo.store.port import Session
from bgo.store.rows import Next

STEP = 50
"""Schedules that one tick fires, and occurrences of one that it makes up for, at most."""
OVER = "no occurrence is left"


class _How(NamedTuple):
    """The last occurrence that is due, what becomes of all of them, and for which start of the computer, if for one."""

    last: int
    share: Share
    boot: str | None = None
    then: Next | None = None
    """When it comes next, where that does not follow from its own times."""


def fire(session: Session, moment: Moment, profile: Profile = HOST) -> list[Schedule]:
    """Bring about what schedules are due for, some at a time; another tick goes on with the rest. Returns those that
    this has paused, as they are now. A profile may count intervals in another way than their schedule: see `rhythm`."""
    now = moment.now_ms
    seen: list[str] = []
    for schedule in session.schedules.ahead(now + SET_BACK_MS, STEP):
        _guarded(session, schedule, now, partial(_set_back, session, schedule, now))
        seen.append(schedule.id)
    for schedule in session.schedules.reboots(moment.boot_id, STEP):
        _guarded(session, schedule, now, partial(_started, session, schedule, now, moment.boot_id))
        seen.append(schedule.id)
    for schedule in session.schedules.due(now, STEP):
        _guarded(session, schedule, now, partial(_due_now, session, schedule, now, profile))
        seen.append(schedule.id)
    found = (session.schedules.find(schedule_id) for schedule_id in dict.fromkeys(seen))
    return [each for each in found if each is not None and each.state is ScheduleState.PAUSED]


def _set_back(session: Session, schedule: Schedule, now: int) -> None:
    """The clock was far ahead when this fired last: it goes on from now, and what it made keeps its id.

    Where the schedule is not even made yet, it is now that the clock is wrong: what comes next stays as it is.
    """
    to = Next(schedule.next_at, schedule.fire_at)
    if now >= schedule.created_at:
        to = following(schedule.id, schedule.wish, now)
    session.schedules.advance(schedule, (schedule.state, schedule.reason), to, (None, schedule.boot), Counters())


def _started(session: Session, schedule: Schedule, now: int, boot: str) -> None:
    """The computer has started: before the first instant at which it may fire, and after the last, that is nothing."""
    start, end = schedule.timing.start_ms, schedule.timing.end_ms
    if end is not None and now >= end:
        session.schedules.set(schedule, ScheduleState.FINISHED, OVER, NEVER)
    elif start is not None and now < start:
        state = (schedule.state, schedule.reason)
        session.schedules.advance(schedule, state, NEVER, (schedule.last_at, boot), Counters())
    else:
        _fire(session, schedule, now, boot)


def _guarded(session: Session, schedule: Schedule, now: int, do: Callable[[], None]) -> None:
    """What cannot be made stops its own schedule, and no other."""
    try:
        with session.savepoint():
            do()
    except BgoError as error:
        if isinstance(error, (StoreError, StoreBusyError)):
            raise
        why = f"could not fire: {error.message}" + (f" ({error.why})" if error.why else "")
        with suppress(BgoError):  # its zone may be gone
            schedule = forgo(session, schedule, now)
        session.schedules.set(schedule, ScheduleState.PAUSED, why, NEVER)


def _due_now(session: Session, schedule: Schedule, now: int, profile: Profile) -> None:
    turn = None
    if profile.work.bends_rhythm:
        from bgo.engine.rhythm import turn as turn_of  # a computer goes by the schedule's own times

        turn = turn_of(session, schedule, now, profile)
    if turn is None:
        _fire(session, schedule, now, None)
    elif not turn.fires:
        state = (schedule.state, schedule.reason) if turn.next.at is not None else (ScheduleState.FINISHED, OVER)
        session.schedules.advance(schedule, state, turn.next, (schedule.last_at, schedule.boot), Counters())
    elif not _pauses(session, schedule, now):
        at = schedule.next_at or now
        _make(session, schedule, [at], now, _How(at, Share(0, 0, 1), then=turn.next))


def _pauses(session: Session, schedule: Schedule, now: int) -> bool:
    """Pause a schedule of which too much has failed, instead of letting it fire."""
    if not keeps_failing(session, schedule):
        return False
    why = told_failures(schedule.wish.pause_after or 0)
    session.schedules.set(forgo(session, schedule, now), ScheduleState.PAUSED, why, NEVER)
    return True


def _fire(session: Session, schedule: Schedule, now: int, boot: str | None) -> None:
    if _pauses(session, schedule, now):
        return
    if schedule.next_at is None:
        at = now
        while session.schedules.has_fired(schedule, at, occasions.task_id(schedule.id, at)):
            at += 1  # a computer without a battery for its clock starts at the same time again and again
        _make(session, schedule, [at], now, _How(at, Share(0, 0, 1), boot))
        return
    due = _due(schedule, now)
    dropped = due.share.missed + due.share.coalesced
    first = _first_to_fire(schedule, due)
    if dropped:
        _note_dropped(session, schedule, due, first, now)
    _make(session, schedule, _firing(schedule, first, due), now, due)


def _due(schedule: Schedule, now: int) -> _How:
    last, number = occasions.due(schedule, now)
    late = now - occasions.fires_at(schedule.id, schedule.wish, last)
    return _How(last, share(schedule.wish.missed, number, late))


def _first_to_fire(schedule: Schedule, due: _How) -> int | None:
    """Return the earliest occurrence that fires; the newest do."""
    if due.share.fired == 0:
        return None
    if due.share.missed + due.share.coalesced == 0:
        return schedule.next_at
    timing, zone, at = schedule.timing, zones.zone(schedule.timing.zone), due.last
    for _ in range(due.share.fired - 1):
        at = occurrences.last_until(timing, zone, (schedule.next_at or 0) - 1, at - 1) or at
    return at


def _firing(schedule: Schedule, first: int | None, due: _How) -> list[int]:
    """Return the occurrences that fire now, in order: as many as one tick may."""
    zone, found = zones.zone(schedule.timing.zone), [] if first is None else [first]
    while found and len(found) < STEP and found[-1] < due.last:
        at = occurrences.next_after(schedule.timing, zone, found[-1])
        if at is None:
            break
        found.append(at)
    return found


def _note_dropped(session: Session, schedule: Schedule, due: _How, first: int | None, now: int) -> None:
    zone = zones.zone(schedule.timing.zone)
    at = due.last
    if first is not None:
        at = occurrences.last_until(schedule.timing, zone, (schedule.next_at or 0) - 1, first - 1) or at
    outcome: Outcome = "coalesced" if due.share.coalesced else "missed"
    number = due.share.missed + due.share.coalesced
    session.schedules.note(schedule, OccurrenceRow(at, outcome, number, None, now), KEEP)


def _make(session: Session, schedule: Schedule, firing: list[int], now: int, how: _How) -> None:
    """Make what these occurrences ask for, and move the schedule on behind the last of them."""
    shared = how.share
    left = None if schedule.wish.max_runs is None else schedule.wish.max_runs - schedule.counters.fired
    fired = skipped = 0
    for at in firing:
        if left is not None and fired >= left:
            break
        if session.schedules.has_fired(schedule, at, occasions.task_id(schedule.id, at)):  # before a far set-back
            continue
        way = make_way(session, schedule, now)
        made = make(session, schedule, at, way.needs, now) if way.is_free else way.blocker
        is_new = way.is_free and made == occasions.task_id(schedule.id, at)
        fired, skipped = fired + is_new, skipped + (not is_new)
        outcome: Outcome = "fired" if is_new else "skipped"
        session.schedules.note(schedule, OccurrenceRow(at, outcome, 1, made, now), KEEP)
    counted = Counters(fired, skipped, shared.missed, shared.coalesced)
    _move_on(session, schedule, how._replace(last=firing[-1] if firing else how.last), counted)


def _move_on(session: Session, schedule: Schedule, how: _How, counted: Counters) -> None:
    to = how.then or (NEVER if how.boot is not None else following(schedule.id, schedule.wish, how.last))
    state: tuple[ScheduleState, str] = (ScheduleState.ACTIVE, "")
    most = schedule.wish.max_runs
    if most is not None and schedule.counters.fired + counted.fired >= most:
        state, to = (ScheduleState.FINISHED, f"it has fired {most} times" if most > 1 else "it has fired"), NEVER
    elif how.boot is None and to.at is None:
        state = (ScheduleState.FINISHED, OVER)
    if not session.schedules.advance(schedule, state, to, (how.last, how.boot), counted):
        raise AssertionError("the schedule was read in this transaction")
