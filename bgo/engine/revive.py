"""Revive: a failed or cancelled task gets a new epoch of attempts, under its old id."""

from __future__ import annotations

from bgo.engine.relane import brought_home
from bgo.engine.waiting import place_of
from bgo.errors import RefusedError
from bgo.model.state import Event, Reason, State, advance
from bgo.model.task import Task
from bgo.store.port import Session

_WHY = {
    State.SUCCEEDED: ("it succeeded", "bgo enqueue --like {id} runs a copy"),
    State.RUNNING: ("it is running", "bgo wait {id}, or bgo cancel {id} first"),
}


def revive(session: Session, task: Task, now: int, input_ref: int | None = None) -> None:
    """Put a failed or cancelled task back in the queue, due now, with its attempts counted afresh.

    Raises RefusedError when its state forbids it.
    """
    if task.state not in (State.FAILED, State.CANCELLED):
        why, hint = _WHY.get(task.state, (f"it is {task.state} already", "bgo explain {id}"))
        raise RefusedError(f"task {task.id} cannot be retried", why=why, hint=hint.format(id=task.id))
    state = advance(task.state, Event.REVIVE)
    task = brought_home(session, task, now)
    place = place_of(task, session.lanes.key(task.lane), now, now, begun=False)
    if not session.tasks.move(task, state, Reason.USER, now, place):
        raise AssertionError("the task was read in this transaction")
    if input_ref is not None:
        session.tasks.set_input(task, input_ref)
    session.records.add(task, Event.REVIVE, (state, Reason.USER, 0), now)
    session.lanes.refresh((task.lane,), now)
