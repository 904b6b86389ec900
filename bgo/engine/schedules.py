"""Schedules: set, changed, paused, resumed and removed, each in one transaction. What they have made stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from bgo import zones
from bgo.clock import Moment
from bgo.engine.occasions import NEVER, following, forgo
from bgo.errors import RefusedError, UsageError
from bgo.model import schedule_json
from bgo.model.schedule import Counters, Every, Reboot, Schedule, ScheduleKind, ScheduleState, ScheduleWish
from bgo.policy import occurrences
from bgo.policy.clock_step import is_set_back
from bgo.policy.window import opens_at
from bgo.store.port import Session
from bgo.store.rows import NewSchedule, Next

GAPS = 50
"""So many times between occurrences are looked at for the shortest one."""
Put = Literal["added", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule as somebody asks for it: `plan` is what it makes, as canonical JSON of a template."""

    id: str
    """Of a new one; one that has the key keeps its own."""
    key: str | None
    name: str
    handler: str
    kind: ScheduleKind
    wish: ScheduleWish
    plan: bytes
    source: str = ""
    paused: bool | None = None
    """None: a new one is active, and one that is there stays as it is."""


class Placed(NamedTuple):
    """What became of a draft."""

    id: str
    outcome: Put


def check(wish: ScheduleWish, now: int) -> None:
    """Raise UsageError for a wish that can never come true."""
    timing = wish.timing
    if timing.end_ms is not None and timing.end_ms <= max(now, timing.start_ms or 0):
        starts_later = timing.start_ms is not None and timing.start_ms > now
        why = "it ends before it starts" if starts_later else "its end has passed"
        raise UsageError("a schedule that never fires", why=why, hint="give a later --end")
    if isinstance(timing.rule, Reboot):
        if wish.jitter_ms:
            why = "it fires when a worker finds that the computer has started"
            raise UsageError("@reboot and jitter contradict each other", why=why, hint="leave the jitter out")
        return
    occurrences.check_meets(timing, zones.zone(timing.zone), now)
    if wish.jitter_ms:
        _check_jitter(wish, now)


def _check_jitter(wish: ScheduleWish, now: int) -> None:
    """Raise UsageError for a jitter by which an occurrence would overtake the next one."""
    from bgo.model.words import span

    timing = wish.timing
    until = max(now, timing.start_ms or 0) + occurrences.HORIZON_MS
    coming = islice(occurrences.between(timing, zones.zone(timing.zone), now, until), GAPS + 1)
    gap = min((then - at for at, then in pairwise(coming)), default=None)
    if gap is not None and wish.jitter_ms >= gap:
        why = f"of its next occurrences two are {span(gap)} apart, and none may overtake another"
        raise UsageError("the jitter is as long as the interval", why=why, hint=f"give a --jitter below {span(gap)}")


def put(session: Session, draft: Draft, moment: Moment) -> Placed:
    """Set a schedule: a new one, or, where its key is known, the one that has it. What does not differ is not touched:
    counters, state and the next occurrence stay as they are."""
    there = None if draft.key is None else session.schedules.find_key(draft.key)
    if there is None:
        _insert(session, draft, moment)
        return Placed(draft.id, "added")
    return Placed(there.id, "changed" if change(session, there, draft, moment) else "unchanged")


def _insert(session: Session, draft: Draft, moment: Moment) -> None:
    now = moment.now_ms
    anchor = anchor_of(draft.wish, now)
    wish = anchored(draft.wish, anchor)
    check(wish, now)
    to = NEVER if draft.paused else first(draft.id, wish, now)
    boot = moment.boot_id if isinstance(wish.timing.rule, Reboot) else None
    plan = session.payloads.put(draft.plan)
    row = NewSchedule(
        draft.id, draft.key, draft.source, draft.name, draft.handler, draft.kind, schedule_json.dump(wish), anchor,
        plan, now, now, *to, boot,
    )  # fmt: skip
    session.schedules.insert(row)
    if draft.paused:
        made = session.schedules.find(draft.id)
        if made is None:
            raise AssertionError("it was inserted in this transaction")
        session.schedules.set(made, ScheduleState.PAUSED, BY_USER, NEVER)


BY_USER = "paused by its user"


def anchor_of(wish: ScheduleWish, now: int) -> int:
    """Return from where an interval counts: from its start, else from this second; from the next opening of its window
    where that is closed then."""
    timing = wish.timing
    at = now - now % 1000 if timing.start_ms is None else timing.start_ms
    if timing.window is None or not isinstance(timing.rule, Every):
        return at
    opening = opens_at(timing.window, zones.zone(timing.zone), at)
    return at if opening is None else opening


def anchored(wish: ScheduleWish, anchor: int) -> ScheduleWish:
    """Return the wish with its interval, if it has one, counted from an instant."""
    rule = wish.timing.rule
    if not isinstance(rule, Every):
        return wish
    return replace(wish, timing=replace(wish.timing, rule=rule._replace(anchor_ms=anchor)))


def first(schedule_id: str, wish: ScheduleWish, now: int) -> Next:
    """Return the next occurrence from now on; an interval fires at its start, by default this second."""
    rule = wish.timing.rule
    since = rule.anchor_ms if isinstance(rule, Every) and now - 1000 < rule.anchor_ms <= now else now
    return following(schedule_id, wish, since - 1)


def change(session: Session, there: Schedule, draft: Draft, moment: Moment) -> bool:
    """Give a schedule another wish, or let it make something else; say whether anything differs.

    Its next occurrence counts from now when it differs in when it fires, and an interval then counts on from its last
    one; what is due by now counts as missed. Whatever else differs, what is due stays due.
    """
    is_timed_anew = _times(draft.wish) != _times(there.wish)
    changes_state = draft.paused is not None and draft.paused != (there.state is ScheduleState.PAUSED)
    is_same = (draft.name, draft.handler, draft.kind, draft.source) == (
        there.name,
        there.handler,
        there.kind,
        there.source,
    )
    is_same = is_same and schedule_json.dump(draft.wish) == schedule_json.dump(there.wish)
    if is_same and not changes_state and session.payloads.get(there.plan_ref) == draft.plan:
        return False
    if is_timed_anew or (changes_state and draft.paused):
        there = forgo(session, there, moment.now_ms)
    anchor = _anchor(there, draft.wish, moment.now_ms) if is_timed_anew else _kept_anchor(there)
    wish = anchored(draft.wish, anchor)
    if is_timed_anew:
        check(wish, moment.now_ms)
    _write(session, there, replace(draft, wish=wish), anchor, moment)
    found = _known(session, there)
    is_over = wish.max_runs is not None and there.counters.fired >= wish.max_runs
    if is_timed_anew or changes_state or is_over or there.state is ScheduleState.FINISHED:
        _set_going(session, found, draft.paused, moment)
    return True


def _times(wish: ScheduleWish) -> str:
    """Return what a wish says of when it fires, as text; where an interval counts from is not part of it."""
    return schedule_json.dump(ScheduleWish(wish.timing, jitter_ms=wish.jitter_ms))


def _anchor(there: Schedule, wish: ScheduleWish, now: int) -> int:
    """Return from where an interval counts that is new: its start, else the last occurrence, if the clock got there."""
    if wish.timing.start_ms is not None:
        return anchor_of(wish, now)
    if there.last_at is not None and not is_set_back(there.last_at, now):
        return there.last_at
    rule = there.timing.rule
    return rule.anchor_ms if isinstance(rule, Every) and rule.anchor_ms <= now else anchor_of(wish, now)


def _kept_anchor(there: Schedule) -> int:
    return there.timing.rule.anchor_ms if isinstance(there.timing.rule, Every) else there.created_at


def _known(session: Session, schedule: Schedule) -> Schedule:
    found = session.schedules.find(schedule.id)
    if found is None:
        raise AssertionError("it was written in this transaction")
    return found


def _write(session: Session, there: Schedule, draft: Draft, anchor: int, moment: Moment) -> None:
    plan = there.plan_ref
    if session.payloads.get(plan) != draft.plan:
        plan = session.payloads.put(draft.plan)
    boot = there.boot or moment.boot_id if isinstance(draft.wish.timing.rule, Reboot) else None
    row = NewSchedule(
        there.id, there.key, draft.source, draft.name, draft.handler, draft.kind, schedule_json.dump(draft.wish),
        anchor, plan, there.created_at, moment.now_ms, None, None, boot,
    )  # fmt: skip
    session.schedules.change(there, row)
    if plan != there.plan_ref:
        session.payloads.drop((there.plan_ref,))


def _set_going(session: Session, schedule: Schedule, paused: bool | None, moment: Moment) -> None:
    """Let it go on, or not, from now: with the times it has by now."""
    now = moment.now_ms
    is_paused = schedule.state is ScheduleState.PAUSED if paused is None else paused
    most = schedule.wish.max_runs
    if is_paused:
        reason = schedule.reason if schedule.state is ScheduleState.PAUSED else BY_USER
        session.schedules.set(schedule, ScheduleState.PAUSED, reason, NEVER)
    elif most is not None and schedule.counters.fired >= most:
        session.schedules.set(schedule, ScheduleState.FINISHED, f"it has fired {schedule.counters.fired} times", NEVER)
    else:
        last = schedule.last_at
        if last is not None and is_set_back(last, now):
            last = None
        after = now - 1 if last is None else max(now - 1, last)  # that does not fire again
        to = following(schedule.id, schedule.wish, after)
        ends = to.at is None and not isinstance(schedule.timing.rule, Reboot)
        state, reason = (ScheduleState.FINISHED, "no occurrence is left") if ends else (ScheduleState.ACTIVE, "")
        session.schedules.set(schedule, state, reason, to, session.schedules.newest_task())
        boot = moment.boot_id if isinstance(schedule.timing.rule, Reboot) else None  # a start meanwhile is nothing
        if (last, boot) != (schedule.last_at, schedule.boot):
            reached = (last, boot)
            session.schedules.advance(_known(session, schedule), (state, reason), to, reached, Counters())


def pause(session: Session, schedule: Schedule, now: int) -> bool:
    """Let it fire no more until it is resumed; what was made runs on. Says whether that was news.

    What is due by now and has not fired counts as missed.
    """
    if schedule.state is ScheduleState.PAUSED:
        return False
    if schedule.state is ScheduleState.FINISHED:
        raise RefusedError(
            f"schedule {schedule.id} is finished", why=schedule.reason, hint=f"bgo unschedule {schedule.id} removes it"
        )
    return session.schedules.set(forgo(session, schedule, now), ScheduleState.PAUSED, BY_USER, NEVER)


def resume(session: Session, schedule: Schedule, moment: Moment) -> bool:
    """Let it fire again, from now: what it would have made meanwhile is not made up for. Says whether that was news."""
    if schedule.state is ScheduleState.FINISHED:
        hint = f"bgo reschedule {schedule.id} --max-runs N, or --end TIME, lets it go on"
        raise RefusedError(f"schedule {schedule.id} is finished", why=schedule.reason, hint=hint)
    if schedule.state is ScheduleState.ACTIVE:
        return False
    _set_going(session, schedule, False, moment)
    return True


def remove(session: Session, schedule: Schedule) -> None:
    """Remove a schedule; the tasks it has made stay."""
    session.schedules.delete(schedule)
    session.payloads.drop((schedule.plan_ref,))
