"""Upstream: what the end of a task means for those that wait for it, for the chain or batch it is in, and for those
that wait for them.

It is told in the transaction of the end, so nobody sees one without the other. Only the first few hundred waiters are:
the table of releases names the ends whose other waiters a tick tells, in steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from bgo.engine.waiting import call_off, is_over
from bgo.engine.wave import STEP, End, Wave
from bgo.model import payload as payloads
from bgo.model.state import FINAL, Event, Reason, State, advance
from bgo.model.task import Task
from bgo.store.port import Session

SUCCESS, END = "success", "end"


def ended(session: Session, task: Task, state: State, now: int) -> None:
    """Tell those that a task's end concerns that it has ended, in `state`; its row says so already."""
    if task.parent is not None or session.links.has_waiters(task.seq):
        all_ended(session, ((task, state),), now)


def all_ended(session: Session, ends: Iterable[tuple[Task, State]], now: int) -> None:
    """Tell those that the end of any of these tasks concerns."""
    run(Wave.of(session, ends, now))


def work_off(session: Session, now: int) -> bool:
    """Go on with what could not be brought about at once; say whether any of it is left."""
    wave = Wave(session, now)
    for seq in session.links.pending(STEP):
        session.links.told(seq)
        task = session.tasks.find_seq(seq)
        if task is not None and task.state in FINAL:  # else it was revived: what waits for it waits on
            wave.left.append(End(task, task.state, is_counted=True))
        if task is not None and task.kind != "task":
            wave.concern(seq)
    run(wave)
    return session.links.is_pending()


def give_up(session: Session, seqs: Sequence[int], now: int) -> list[int]:
    """Tell those that wait for ended tasks which are to be removed; return the tasks that nobody waits for now."""
    waited_for = [seq for seq in seqs if session.links.has_waiters(seq)]
    if not waited_for:
        return list(seqs)
    found = [task for seq in waited_for if (task := session.tasks.find_seq(seq)) is not None]
    wave = Wave(session, now)
    wave.left.extend(End(task, task.state, is_counted=True) for task in found)
    run(wave)
    return [seq for seq in seqs if not session.links.has_waiters(seq)]


def run(wave: Wave) -> None:
    """Bring about what the wave has come with and what follows from it, until nothing is left or there is no room."""
    while wave.left or wave.flows:
        while wave.left:
            end = wave.left.popleft()
            if end.task.kind != "task" or (end.task.parent is not None and not end.is_counted):
                from bgo.engine import flows  # most work belongs to none

                flows.follow(wave, end)
            _tell_all(wave, end)
        if wave.flows:
            from bgo.engine import flows

            seq = next(iter(wave.flows))
            flows.advance(wave, seq, wave.flows.pop(seq))
    wave.session.lanes.refresh(wave.woken, wave.now)
    wave.woken.clear()


def _tell_all(wave: Wave, end: End) -> None:
    session = wave.session
    if not session.links.has_waiters(end.task.seq):
        return
    waiters = session.links.waiters(end.task.seq, wave.room) if wave.room > 0 else []
    wave.take(len(waiters))
    for waiter, kind in waiters:
        state = _tell(wave, waiter, kind, end)
        if state in FINAL:
            wave.ended(waiter, state)
        elif state is State.QUEUED and waiter.due_at <= wave.now:
            wave.woken.add(waiter.lane)
    if wave.room <= 0:
        wave.put_off(end.task.seq)


def _tell(wave: Wave, waiter: Task, kind: str, end: End) -> State:
    """Return the waiter's state now that something it waited for has ended."""
    session, now, upstream = wave.session, wave.now, end.task
    if is_over(waiter, now):
        return call_off(session, waiter, Reason.EXPIRED, now)
    if kind == SUCCESS and end.state is not State.SUCCEEDED:
        return skip(session, waiter, (upstream.id, end.state), now)
    if not session.links.meet(waiter.seq, upstream.seq):
        return waiter.state
    if waiter.kind != "task":
        from bgo.engine import flows

        return flows.begin(wave, waiter)
    return unblock(session, waiter, upstream.id, now)


def unblock(session: Session, waiter: Task, upstream: str, now: int) -> State:
    """Let a blocked task go on, now that the last thing it waited for has ended; return its state."""
    state, reason = advance(waiter.state, Event.UNBLOCK), Reason.UPSTREAM_DONE
    waited: dict[str, int] = json.loads(waiter.waited)
    if waiter.ready_at is not None and now > waiter.ready_at:
        waited["upstream"] = waited.get("upstream", 0) + now - waiter.ready_at
    if not session.tasks.unblock(waiter, reason, now, json.dumps(waited)):
        raise AssertionError("the task was read in this transaction")
    detail = json.dumps({"upstream": upstream})
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
