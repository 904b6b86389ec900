"""Explain a schedule: whether it fires, and whether something comes of it then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bgo.clock import to_local
from bgo.engine.explain import Ground
from bgo.engine.failing import told_failures
from bgo.engine.lint_parts import Part, key_of, parts
from bgo.engine.schedule_views import view_of
from bgo.model.change import Change
from bgo.model.flow import template_from
from bgo.model.plan import Gate, Hold
from bgo.model.profile import HOST, Profile
from bgo.model.schedule import Overlap, Reboot, Schedule, ScheduleState, Timing
from bgo.model.schedule_view import ScheduleExplanation, ScheduleView
from bgo.model.views import GateLine
from bgo.policy.gates import view_holds
from bgo.store.port import Session

FAILURES = "failures"


def explain(session: Session, schedule: Schedule, ground: Ground) -> ScheduleExplanation:
    """Return the gates of a schedule as they stand now, and what would hold that which it makes."""
    view, workers, now = view_of(session, schedule), ground.workers, ground.now
    gates = [_state(schedule)]
    if schedule.state is ScheduleState.ACTIVE:
        gates += [_due(schedule, now), _worker(workers), _overlap(view)]
        if schedule.wish.pause_after is not None:
            gates.append(_failures(view))
    profile = ground.view.profile
    return ScheduleExplanation(
        view=view,
        verdict=_verdict(view, workers, now),
        gates=tuple(gates),
        workers=workers,
        profile=profile.name,
        changes=changes(session, schedule, profile),
        held=tuple(_held(session, schedule, ground)) if schedule.state is ScheduleState.ACTIVE else (),
    )


def first_parts(session: Session, schedule: Schedule) -> list[Part]:
    """Return the tasks with which each occurrence begins; none where what it makes cannot be read."""
    try:
        template = template_from(session.payloads.get(schedule.plan_ref))
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    return [part for part in parts(template) if part.begins]


def asks_device(session: Session, schedule: Schedule) -> bool:
    """Say whether what it makes asks anything of the device."""
    return any(not part.spec.wish.constraints.is_empty for part in first_parts(session, schedule))


def _held(session: Session, schedule: Schedule, ground: Ground) -> Iterator[GateLine]:
    """Yield what holds the tasks with which it begins now, of each gate once."""
    seen = set()
    for part in first_parts(session, schedule):
        for hold in view_holds(key_of(part.spec).view, ground.view, ground.asker.offer, ground.now):
            if (hold.gate, hold.current) not in seen:
                seen.add((hold.gate, hold.current))
                yield GateLine.of(hold.gate, hold, "", "")


def changes(session: Session, schedule: Schedule, profile: Profile) -> tuple[Change, ...]:
    """Return what the profile has in another way: when it fires, and what its first tasks ask for."""
    return () if profile is HOST else changed(schedule.timing, first_parts(session, schedule), profile)


def changed(timing: Timing, first: Sequence[Part], profile: Profile) -> tuple[Change, ...]:
    """Return what a profile has in another way than a schedule of this timing, and those tasks of it, ask for."""
    from bgo.policy import fit, fit_timing  # a computer takes work as it is

    found = [*fit_timing.timing(timing, profile).changes]
    for part in first:
        found += fit.fitted(part.spec.wish, key_of(part.spec).view.traits, profile).changes
    return tuple(dict.fromkeys(found))


def _line(gate: str, current: str, hold: Hold | None = None) -> GateLine:
    return GateLine(gate, hold is None, current, "" if hold is None else hold.needed, hold)


def _state(schedule: Schedule) -> GateLine:
    match schedule.state:
        case ScheduleState.ACTIVE:
            return _line(Gate.STATE, "active")
        case ScheduleState.PAUSED:
            lift = f"bgo schedules resume {schedule.id}"
            return _line(Gate.PAUSED, "paused", Hold(Gate.PAUSED, "paused", "active", schedule.reason, None, lift))
        case ScheduleState.FINISHED:
            lift = f"bgo reschedule {schedule.id}, with a later --end or more --max-runs"
            hold = Hold(Gate.STATE, "finished", "an occurrence to come", schedule.reason, None, lift)
            return _line(Gate.STATE, "finished", hold)


def _due(schedule: Schedule, now: int) -> GateLine:
    if schedule.fire_at is None:
        hold = Hold(Gate.DUE, "it has fired for this start of the computer", "the next one", lift="start it anew")
        return _line(Gate.DUE, hold.current, hold)
    when = f"{to_local(schedule.fire_at):%a %d %b %Y %H:%M:%S %Z}"
    if schedule.fire_at <= now:
        return _line(Gate.DUE, f"since {when}")
    hold = Hold(Gate.DUE, "not yet", when, until_ms=schedule.fire_at, lift=f"bgo schedules run {schedule.id}")
    return _line(Gate.DUE, "not yet", hold)


def _worker(workers: int) -> GateLine:
    if workers:
        return _line("worker", f"{workers} at work")
    lift = "bgo run; bgo run --watch; bgo install --cron starts it every minute"
    return _line("worker", "none runs now", Hold(Gate.STATE, "none runs now", "a worker: it fires", lift=lift))


def _overlap(view: ScheduleView) -> GateLine:
    policy, unfinished = view.schedule.wish.overlap, view.unfinished
    if not unfinished or policy is Overlap.ALLOW:
        return _line(
            Gate.OVERLAP, "nothing it made is unfinished" if not unfinished else f"{len(unfinished)} unfinished"
        )
    current = f"{unfinished[0]} is unfinished" + (f", and {len(unfinished) - 1} more" if len(unfinished) > 1 else "")
    match policy:
        case Overlap.SKIP:
            lift = f"bgo explain {unfinished[0]}; bgo reschedule {view.id} --overlap queue"
            return _line(Gate.OVERLAP, current, Hold(Gate.OVERLAP, current, "its end", unfinished[0], None, lift))
        case Overlap.QUEUE:
            return _line(Gate.OVERLAP, f"{current}: the next one waits for it")
        case _:
            return _line(Gate.OVERLAP, f"{current}: the next one replaces it")


def _failures(view: ScheduleView) -> GateLine:
    limit, failed = view.schedule.wish.pause_after, view.failures_in_a_row
    if not view.pauses_next:
        return _line(FAILURES, f"{failed} in a row; {limit} pause it")
    lift = f"bgo schedules run {view.id}, if that succeeds; bgo reschedule {view.id} --pause-after none"
    current = f"{told_failures(failed)}: it pauses at its next time"
    return _line(FAILURES, current, Hold(Gate.PAUSED, current, "a success", lift=lift))


def _verdict(view: ScheduleView, workers: int, now: int) -> str:
    schedule = view.schedule
    if schedule.state is not ScheduleState.ACTIVE:
        return f"{schedule.state}: {schedule.reason}"
    if view.pauses_next:
        return f"pauses at its next time: {told_failures(view.failures_in_a_row)}"
    if isinstance(schedule.timing.rule, Reboot):
        return "it fires at the next start of this computer"
    due = schedule.fire_at is not None and schedule.fire_at <= now
    if not workers:
        return "it is due, and no worker runs" if due else "it waits for its time, and no worker runs"
    if schedule.wish.overlap is Overlap.SKIP and view.unfinished:
        return f"its next occurrence is skipped, unless {view.unfinished[0]} has ended by then"
    return "it fires now" if due else "it waits for its time"
