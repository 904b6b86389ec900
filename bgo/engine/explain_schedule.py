"""Explain a schedule: whether it fires, and whether something comes of it then."""

from __future__ import annotations

from bgo.clock import to_local
from bgo.engine.failing import told_failures
from bgo.engine.schedule_views import view_of
from bgo.model.plan import Gate, Hold
from bgo.model.schedule import Overlap, Reboot, Schedule, ScheduleState
from bgo.model.schedule_view import ScheduleExplanation, ScheduleView
from bgo.model.views import GateLine
from bgo.store.port import Session

FAILURES = "failures"


def explain(session: Session, schedule: Schedule, workers: int, now: int) -> ScheduleExplanation:
    """Return the gates of a schedule as they stand now."""
    view = view_of(session, schedule)
    gates = [_state(schedule)]
    if schedule.state is ScheduleState.ACTIVE:
        gates += [_due(schedule, now), _worker(workers), _overlap(view)]
        if schedule.wish.pause_after is not None:
            gates.append(_failures(view))
    return ScheduleExplanation(view, _verdict(view, workers, now), tuple(gates), workers)


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
