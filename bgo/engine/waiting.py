"""Waiting: the place in line of a task that was running, revived or put off, what a wait was spent on, and a wait's
end that comes to nothing."""

from __future__ import annotations

import json

from bgo.model.plan import LaneKey
from bgo.model.state import CLAIMABLE, Event, Reason, State, advance
from bgo.model.task import Task
from bgo.policy import order
from bgo.store.port import Session
from bgo.store.rows import Place


def place_of(task: Task, key: LaneKey, due_at: int | None, now: int, *, begun: bool) -> Place:
    """Return where the task waits: with its old due time (None) it keeps its order, with a new one it lines up anew.

    fifo and lifo look at the order of enqueueing only, so there a task always keeps its place. What keeps its due
    time was due before: it is ready, even when the wall clock has been set back behind it. `begun` says whether user
    code has run: a start-before is kept then. A bump lasts until an attempt has been charged.
    """
    due = task.due_at if due_at is None else due_at
    ready = due_at is None or due <= now
    bump = task.bump if due_at is None else 0
    place = order.order_key(key.strategy, due_ms=due, priority=task.priority, seq=task.seq, draw=task.draw, bump=bump)
    rank = order.rank(due, task.priority, bump)
    return Place(ready, now if ready else None, due, place, rank, bump, order.expires_at(task.wish, begun=begun))


def waited(session: Session, task: Task, now: int) -> dict[str, int]:
    """Return milliseconds by reason since the task became ready; together never more than the time that passed.

    What held its lane counts first: behind that nobody asks, so what the last asker lacked was not what it waited for.
    """
    since = now if task.ready_at is None else task.ready_at
    left = now - since
    found: dict[str, int] = {} if task.waited == "{}" else json.loads(task.waited)
    for reason, ms in session.lanes.waited(task.lane, since, now).items() if left > 0 else ():
        if (part := min(ms, left)) > 0:
            found[reason] = found.get(reason, 0) + part
            left -= part
    return found


def is_over(task: Task, now: int) -> bool:
    """Say whether a task waits that should have begun by now: whether or not that is recorded, it never will."""
    waits = task.state in CLAIMABLE or task.state is State.BLOCKED
    return waits and task.expires_at is not None and task.expires_at <= now


def call_off(session: Session, task: Task, reason: Reason, now: int) -> State:
    """Cancel a waiting task; return its state. What expired ended when its time was over, not when that was noticed.

    Its lane must be refreshed when it was ready, and its waiters told.
    """
    state = advance(task.state, Event.CANCEL)
    ended = now if reason is not Reason.EXPIRED or task.expires_at is None else task.expires_at
    if not session.tasks.move(task, state, reason, ended, None):
        raise AssertionError("the task was read in this transaction")
    session.records.add(task, Event.CANCEL, (state, reason, task.attempt), now)
    return state
