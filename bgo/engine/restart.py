"""Restart: a chain goes on from the step that failed, a batch with its members that failed; whatever is brought back
brings back what it is in, and nothing that has succeeded runs again.
"""

from __future__ import annotations

from bgo.engine import followups
from bgo.engine.relane import brought_home
from bgo.engine.waiting import place_of
from bgo.errors import RefusedError
from bgo.model.flow import GOING
from bgo.model.state import FINAL, Event, Reason, State, advance
from bgo.model.task import FOLLOW_UP, Task
from bgo.store.port import Session

REVIVING = 1
"""`flow.at` of a batch whose failed members are to be brought back: behind this seq, and that is behind none."""
WIDEST = 2_000
"""Members of a chain that are brought back at once: more than a chain may have."""


def ended_above(session: Session, task: Task) -> list[Task]:
    """Return what would be brought back with a task: the chains and batches it is in that have ended.

    Raises RefusedError when one of them has moved on, or is being removed.
    """
    found = []
    _check_is_whole(session, task)
    while task.parent is not None:
        parent = session.tasks.find_seq(task.parent)
        if parent is None:
            raise AssertionError("what is in a chain or batch goes before it")
        _check_takes_back(session, task, parent)
        _check_is_whole(session, parent)
        if parent.state in FINAL:
            found.append(parent)
        task = parent
    return found


def check_stays(session: Session, task: Task) -> None:
    """Raise RefusedError when what a follow-up follows is being removed, or has gone on without it."""
    if task.reason == Reason.REPLACED:
        why, hint = "it was to follow an end that a retry has taken back", "nothing: the next end calls another"
        raise RefusedError(f"task {task.id} cannot be retried", why=why, hint=hint)
    while task.parent is not None and (parent := session.tasks.find_seq(task.parent)) is not None:
        _check_is_whole(session, parent)
        task = parent


def _check_is_whole(session: Session, task: Task) -> None:
    flow = None if task.kind == "task" else session.flows.find(task.seq)
    if flow is not None and flow.ending == GOING:
        why, hint = "it is old, and a part of it is removed already", f"bgo enqueue --like {task.id}"
        raise RefusedError(f"{task.kind} {task.id} cannot be retried", why=why, hint=hint)


def restart(session: Session, task: Task, now: int) -> None:
    """Bring a failed or cancelled chain, batch or member back, with those of `ended_above`."""
    concerned = _reopen_above(session, task, now)
    found = session.tasks.find_seq(task.seq)
    if found is not None and found.state in FINAL:  # else its chain has brought it back
        put_back(session, task, now)
    if task.kind != "task":
        concerned.append(task.seq)
    from bgo.engine import chain as chains

    chains.set_going(session, concerned, now)


def _reopen_above(session: Session, task: Task, now: int) -> list[int]:
    """Bring back what a task is in, from the outside in; return the seqs of all that."""
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    if parent is None:
        return []
    above = _reopen_above(session, parent, now)
    found = session.tasks.find_seq(parent.seq)
    if found is not None and found.state in FINAL:  # else its chain has brought it back
        _put(session, parent, now)
        if parent.kind == "chain":
            _bring_back(session, parent, now)
        else:
            session.flows.set(parent.seq, "ending", None)
    return [*above, parent.seq]


def _check_takes_back(session: Session, task: Task, parent: Task) -> None:
    flow = session.flows.find(parent.seq)
    if parent.state is State.SUCCEEDED:
        why, hint = "has succeeded without it", f"bgo enqueue --like {task.id}"
    elif parent.state is State.RUNNING and flow is not None and flow.ending:
        why, hint = "is about to end", f"bgo wait {parent.id}, then retry that"
    elif parent.cancel_reason is not None:
        why, hint = "is being cancelled", f"bgo wait {parent.id}, then retry that"
    else:
        return
    raise RefusedError(
        f"{task.kind} {task.id} cannot be retried", why=f"its {parent.kind} {parent.id} {why}", hint=hint
    )


def put_back(session: Session, task: Task, now: int) -> int:
    """Let a failed or cancelled chain, batch or member wait for its turn again: what is in a chain as well, what is in
    a batch when it begins. Returns how many rows were moved."""
    _put(session, task, now)
    if task.kind == "chain":
        return 1 + _bring_back(session, task, now)
    if task.kind == "batch":
        session.flows.set(task.seq, "ending", None)
        session.flows.set(task.seq, "at", REVIVING)
    return 1


def _bring_back(session: Session, node: Task, now: int) -> int:
    """The step of a chain that failed, and those that were skipped for it, wait for their turn again."""
    flow = session.flows.find(node.seq)
    if flow is None:
        raise AssertionError("it was read in this transaction")
    session.flows.set(node.seq, "ending", None)
    found = session.flows.undone(node.seq, (flow.at, FOLLOW_UP - 1), WIDEST)
    return sum(put_back(session, member, now) for member in found)


def _put(session: Session, task: Task, now: int) -> None:
    """Move one row back to BLOCKED, and take its end back where it was counted."""
    home = brought_home(session, task, now)
    state = advance(task.state, Event.REVIVE_BLOCKED)
    place = place_of(home, session.lanes.key(home.lane), now, now, begun=False)._replace(ready=False)
    if not session.tasks.move(home, state, Reason.USER, now, place):
        raise AssertionError("it was read in this transaction")
    session.records.add(task, Event.REVIVE_BLOCKED, (state, Reason.USER, 0), now)
    if task.kind == "batch":
        followups.withdraw(session, task, now)
    if task.parent is not None and task.step < FOLLOW_UP:
        session.flows.count(task.parent, task.state, -1)
    if task.kind != "task" and task.parent is None and session.links.meet_ended(task.seq):
        session.flows.begin(task.seq, Reason.BEGUN)
        session.stages.release(task.seq, now)
        session.records.add(task, Event.BEGIN, (State.RUNNING, Reason.BEGUN, 0), now)
