"""Revive: a failed or cancelled task gets a new epoch of attempts, under its old id.

It does not get past what new work would not get past: a taken dedup key or unique id, an upstream that has not
succeeded, a time that is over.
"""

from __future__ import annotations

from bgo.engine import dedup
from bgo.engine.expire import note, noted
from bgo.engine.relane import brought_home
from bgo.engine.waiting import place_of
from bgo.errors import RefusedError
from bgo.model.state import Event, Reason, State, advance
from bgo.model.task import FOLLOW_UP, Task
from bgo.policy import order
from bgo.store.port import Session

_WHY = {
    State.SUCCEEDED: ("it succeeded", "bgo enqueue --like {id} runs a copy"),
    State.RUNNING: ("it is running", "bgo wait {id}, or bgo cancel {id} first"),
}


class BarredError(RefusedError):
    """A failed or cancelled task cannot be put back as things stand, for the sake of other work or of its own times."""


def revive(session: Session, task: Task, now: int, input_ref: int | None = None) -> None:
    """Put a failed or cancelled task back in the queue, due now, with its attempts counted afresh.

    A chain goes on from the step that failed, a batch with the members that failed; what was retried of them brings
    them back as well.
    It is blocked when another that it comes after has not succeeded, until that one is revived and does.
    Raises RefusedError when its state forbids it, and BarredError, with nothing changed, when other things do.
    """
    task = noted(session, task, now)
    if task.state not in (State.FAILED, State.CANCELLED):
        why, hint = _WHY.get(task.state, (f"it is {task.state} already", "bgo explain {id}"))
        if task.kind != "task" and task.state is State.SUCCEEDED:
            hint = f"bgo {task.kind} queues a new one"
        raise RefusedError(f"{task.kind} {task.id} cannot be retried", why=why, hint=hint.format(id=task.id))
    if task.kind != "task" or (task.parent is not None and task.step < FOLLOW_UP):
        return _restart(session, task, now, input_ref)
    if task.parent is not None:
        _check_stays(session, task)
    key = _cleared(session, task, now, input_ref)
    task = brought_home(session, task, now)
    place = place_of(task, session.lanes.key(task.lane), now, now, begun=False)
    event = Event.REVIVE if session.links.meet_ended(task.seq) else Event.REVIVE_BLOCKED
    state = advance(task.state, event)
    if state is State.BLOCKED:
        place = place._replace(ready=False)  # since when it is blocked stays
    if not session.tasks.move(task, state, Reason.USER, now, place):
        raise AssertionError("the task was read in this transaction")
    if input_ref is not None:
        session.tasks.set_input(task, input_ref)
    if key is not None:
        _take(session, task, key, now)
    session.records.add(task, event, (state, Reason.USER, 0), now)
    session.lanes.refresh((task.lane,), now)


def _cleared(session: Session, task: Task, now: int, input_ref: int | None = None) -> str | None:
    """Return the dedup key that it has to take; raise BarredError when something is in its way."""
    _check_time(task, now)
    _check_unique(session, task, now)
    return _free_key(session, task, input_ref, now)


def _check_stays(session: Session, follow_up: Task) -> None:
    """A follow-up is retried alone, unless a prune has begun to remove what it follows."""
    from bgo.engine import restart

    restart.check_stays(session, follow_up)


def _restart(session: Session, task: Task, now: int, input_ref: int | None) -> None:
    """Put back a chain, a batch or a member, with what it is in: nothing may be in the way of those either."""
    from bgo.engine import restart  # most work belongs to no chain or batch

    back = [task, *restart.ended_above(session, task)]
    keys = [(each, _cleared(session, each, now, input_ref if each is task else None)) for each in back]
    if input_ref is not None:
        session.tasks.set_input(task, input_ref)
    restart.restart(session, task, now)
    for each, key in keys:
        if key is not None:
            _take(session, each, key, now)


def _barred(task: Task, why: str, hint: str) -> BarredError:
    return BarredError(f"{task.kind} {task.id} cannot be retried", why=why, hint=hint)


def _check_time(task: Task, now: int) -> None:
    over = order.expires_at(task.wish, begun=False)
    if over is not None and over <= now:
        hint = f"bgo enqueue --like {task.id}, with another time"
        raise _barred(task, "the time by which it had to run is over", hint)


def _check_unique(session: Session, task: Task, now: int) -> None:
    if task.unique_id is None:
        return
    note(session, session.tasks.unfinished_as(task.unique_id), now)
    for other in session.tasks.unfinished_as(task.unique_id):
        raise _barred(task, f"task {other.id} is unfinished, and both are {task.unique_id!r}", f"bgo wait {other.id}")


def _free_key(session: Session, task: Task, input_ref: int | None, now: int) -> str | None:
    """Return the dedup key of the task, with its new input if it gets one; None when it has none."""
    policy, key = task.wish.dedup, task.dedup_key
    if policy is None or key is None:
        return None
    if input_ref is not None:
        key = dedup.key_for(session, task, policy, session.payloads.get(input_ref))
    other = dedup.holder(session, key, now)
    if other is not None and other != task.id:
        raise _barred(task, f"task {other} is the same work, and stands in for it", f"bgo status {other}")
    return key


def _take(session: Session, task: Task, key: str, now: int) -> None:
    """Hold the key again, for what is left of its TTL; that of a new input counts from now on."""
    is_old = key == task.dedup_key
    session.dedup.release(task.id)
    dedup.take(session, key, task.id, task.wish.dedup, task.created_at if is_old else now)
    if not is_old:
        session.tasks.set_dedup_key(task, key)
