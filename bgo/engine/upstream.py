"""Upstream: what the end of a task means for those that wait for it, and for those that wait for them.

It is told in the transaction of the end, so nobody sees one without the other. Only the first few hundred waiters are:
the table of releases names the ends whose other waiters a tick tells, in steps.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bgo.engine.waiting import call_off, is_over
from bgo.model import payload as payloads
from bgo.model.state import FINAL, Event, Reason, State, advance
from bgo.model.task import Task
from bgo.store.port import Session

STEP = 500
"""Waiters that one transaction tells at most."""
SUCCESS, END = "success", "end"


class _End(NamedTuple):
    seq: int
    id: str
    state: State


def ended(session: Session, task: Task, state: State, now: int) -> None:
    """Tell those that waited for a task that it has ended, in `state`; its row says so already."""
    if session.links.has_waiters(task.seq):
        all_ended(session, ((task, state),), now)


def all_ended(session: Session, ends: Iterable[tuple[Task, State]], now: int) -> None:
    """Tell those that waited for any of these tasks."""
    _spread(session, [_End(task.seq, task.id, state) for task, state in ends], now)


def work_off(session: Session, now: int) -> bool:
    """Tell more of those that could not be told at once; say whether any are left."""
    ends = []
    for seq in session.links.pending(STEP):
        session.links.told(seq)
        task = session.tasks.find_seq(seq)
        if task is not None and task.state in FINAL:  # else it was revived: what waits for it waits on
            ends.append(_End(seq, task.id, task.state))
    _spread(session, ends, now)
    return session.links.is_pending()


def give_up(session: Session, seqs: Sequence[int], now: int) -> list[int]:
    """Tell those that wait for ended tasks which are to be removed; return the tasks that nobody waits for now."""
    waited_for = [seq for seq in seqs if session.links.has_waiters(seq)]
    if not waited_for:
        return list(seqs)
    found = [task for seq in waited_for if (task := session.tasks.find_seq(seq)) is not None]
    all_ended(session, [(task, task.state) for task in found], now)
    return [seq for seq in seqs if not session.links.has_waiters(seq)]


def _spread(session: Session, ends: Sequence[_End], now: int) -> None:
    woken: set[int] = set()
    left, room = deque(ends), STEP
    while left:
        end = left.popleft()
        if not session.links.has_waiters(end.seq):
            continue
        waiters = session.links.waiters(end.seq, room) if room else []
        room -= len(waiters)
        for waiter, kind in waiters:
            state = _tell(session, waiter, kind, end, now)
            if state in FINAL:
                left.append(_End(waiter.seq, waiter.id, state))
                if waiter.ready:
                    woken.add(waiter.lane)
            elif state is State.QUEUED and waiter.due_at <= now:
                woken.add(waiter.lane)
        if not room:
            session.links.put_off(end.seq)
    session.lanes.refresh(woken, now)


def _tell(session: Session, waiter: Task, kind: str, end: _End, now: int) -> State:
    """Return the waiter's state now that something it waited for has ended."""
    if is_over(waiter, now):
        return call_off(session, waiter, Reason.EXPIRED, now)
    if kind == SUCCESS and end.state is not State.SUCCEEDED:
        return skip(session, waiter, (end.id, end.state), now)
    if not session.links.meet(waiter.seq, end.seq):
        return waiter.state
    return _unblock(session, waiter, end, now)


def _unblock(session: Session, waiter: Task, end: _End, now: int) -> State:
    state, reason = advance(waiter.state, Event.UNBLOCK), Reason.UPSTREAM_DONE
    waited: dict[str, int] = json.loads(waiter.waited)
    if waiter.ready_at is not None and now > waiter.ready_at:
        waited["upstream"] = waited.get("upstream", 0) + now - waiter.ready_at
    if not session.tasks.unblock(waiter, reason, now, json.dumps(waited)):
        raise AssertionError("the task was read in this transaction")
    detail = json.dumps({"upstream": end.id})
    session.records.add(waiter, Event.UNBLOCK, (state, reason, waiter.attempt), now, detail=detail)
    return state


def skip(session: Session, waiter: Task, upstream: tuple[str, State], now: int) -> State:
    """End a blocked task like the one it was to come after, which did not succeed; return its state."""
    other, how = upstream
    failed = how is State.FAILED
    event, reason = (Event.SKIP_FAILED, Reason.UPSTREAM_FAILED) if failed else (Event.SKIP, Reason.UPSTREAM_CANCELLED)
    state = advance(waiter.state, event)
    error = _error(session, other) if failed else None
    if not session.tasks.skip(waiter, state, reason, now, error):
        raise AssertionError("the task was read in this transaction")
    detail = json.dumps({"upstream": other})
    session.records.add(waiter, event, (state, reason, waiter.attempt), now, error=error, detail=detail)
    return state


def _error(session: Session, upstream: str) -> int:
    message = f"task {upstream}, which had to succeed first, has failed"
    data = {"type": "UpstreamFailed", "message": message, "trace": "", "kinds": ["UpstreamFailed"]}
    return session.payloads.put(payloads.dump(data, "the error"))
