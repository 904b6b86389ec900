"""Expiry: what waits past its time is called off. It is shown as soon as it is true, and recorded by the next tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bgo.engine import upstream
from bgo.engine.waiting import call_off, is_over
from bgo.model.state import Reason, State
from bgo.model.task import Task
from bgo.store.port import Session


def as_shown(task: Task, now: int) -> Task:
    """Return the task as anybody is told it stands: what waits past its time is cancelled."""
    if not is_over(task, now):
        return task
    return replace(task, state=State.CANCELLED, reason=Reason.EXPIRED, finished_at=task.expires_at, ready=False)


def expire(session: Session, now: int, limit: int) -> int:
    """Cancel up to `limit` tasks whose time to begin is over; return how many."""
    found = session.tasks.expired(now, limit)
    note(session, found, now)
    return len(found)


def note(session: Session, tasks: Sequence[Task], now: int) -> bool:
    """Record of these tasks which have expired, and tell their waiters; say whether any has."""
    over = [task for task in tasks if is_over(task, now)]
    ends = [(task, call_off(session, task, Reason.EXPIRED, now)) for task in over]
    session.lanes.refresh({task.lane for task in over if task.ready}, now)
    upstream.all_ended(session, ends, now)
    return bool(over)


def noted(session: Session, task: Task, now: int) -> Task:
    """Return the task as it stands, its expiry recorded if it has come."""
    if not note(session, (task,), now):
        return task
    found = session.tasks.find_seq(task.seq)
    if found is None:
        raise AssertionError("an ended task is removed by prune alone")
    return found
