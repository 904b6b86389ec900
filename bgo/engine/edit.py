"""Edit and bump: a waiting task gets another priority, queue, due time or input, or goes before all others."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from bgo.engine import dedup, relane
from bgo.engine.expire import noted
from bgo.engine.waiting import waited
from bgo.errors import RefusedError
from bgo.model import payload as payloads
from bgo.model.state import CLAIMABLE, FINAL, State
from bgo.model.task import Task
from bgo.policy import order
from bgo.store.port import Session
from bgo.store.rows import Place, Seat

EDITED = "edited"
BUMPED = "bumped"


@dataclass(frozen=True, slots=True)
class Changes:
    """What shall be different; None leaves it as it is."""

    priority: int | None = None
    queue: str | None = None
    due_at: int | None = None
    input: bytes | None = None
    """Canonical JSON of an object."""


def edit(session: Session, task: Task, changes: Changes, now: int) -> tuple[str, ...]:
    """Change a waiting task; return the names of what is different now.

    Raises RefusedError when the task does not wait, or when its new input is that of work which is queued already.
    """
    task = noted(session, task, now)
    _check_waits(task, "edited")
    changed = _differences(session, task, changes)
    if "input" in changed and changes.input is not None:
        _rekey(session, task, changes.input, now)
        session.tasks.set_input(task, session.payloads.put(changes.input))
    if changed:
        _reseat(session, task, changes, now)
    names = tuple(sorted(changed))
    if names:
        _note(session, task, EDITED, now, json.dumps({"changed": names}))
    return names


def bump(session: Session, task: Task, now: int) -> None:
    """Make a waiting task due, and put it before everything of its queue, and its queue before the others.

    Raises RefusedError when the task does not wait.
    """
    task = noted(session, task, now)
    _check_waits(task, "bumped")
    _reseat(session, replace(task, bump=now), Changes(due_at=min(task.due_at, now)), now)
    _note(session, task, BUMPED, now, "{}")


def _check_waits(task: Task, done: str) -> None:
    if task.state in FINAL:
        hint = f"bgo retry {task.id} queues it again" if task.state is not State.SUCCEEDED else f"--like {task.id}"
        raise RefusedError(f"task {task.id} cannot be {done}", why=f"it is {task.state}", hint=hint)
    if task.state is State.RUNNING:
        hint = f"bgo cancel {task.id} first, or wait for its end"
        raise RefusedError(f"task {task.id} cannot be {done}", why="it is running", hint=hint)


def _differences(session: Session, task: Task, changes: Changes) -> set[str]:
    old = payloads.EMPTY if task.input_ref is None else session.payloads.get(task.input_ref)
    pairs = {
        "priority": (changes.priority, task.priority),
        "queue": (changes.queue, task.queue),
        "due_at": (changes.due_at, task.due_at),
        "input": (changes.input, old),
    }
    return {name for name, (wanted, present) in pairs.items() if wanted is not None and wanted != present}


def _note(session: Session, task: Task, event: str, now: int, detail: str) -> None:
    session.records.add(task, event, (task.state, task.reason, task.attempt), now, detail=detail)


def _reseat(session: Session, task: Task, changes: Changes, now: int) -> None:
    """Give the task its new place; both lanes get their new heads."""
    lane = relane.home(session, task, now, changes.queue, None if changes.input is None else len(changes.input))
    place = _place(session, task, changes, lane, now)
    spent = task.waited
    if task.ready and not (place.ready and lane == task.lane):
        spent = json.dumps(waited(session, task, now))
    priority = task.priority if changes.priority is None else changes.priority
    if not session.moves.reseat(task, Seat(lane, changes.queue or task.queue, priority, place, spent)):
        raise AssertionError("the task was read in this transaction")
    session.lanes.refresh({task.lane, lane}, now)


def _place(session: Session, task: Task, changes: Changes, lane: int, now: int) -> Place:
    """Return the task's place; what was ready stays so with its old due time, even when the clock was set back."""
    due = task.due_at if changes.due_at is None else changes.due_at
    ready = task.state in CLAIMABLE and (due <= now or (task.ready and due == task.due_at))
    since = task.ready_at if task.state is State.BLOCKED or (task.ready and lane == task.lane) else now
    bump = task.bump if ready or due <= now else 0
    priority = task.priority if changes.priority is None else changes.priority
    strategy = session.lanes.key(lane).strategy
    key = order.order_key(strategy, due_ms=due, priority=priority, seq=task.seq, draw=task.draw, bump=bump)
    ready_at = since if ready or task.state is State.BLOCKED else None
    return Place(ready, ready_at, due, key, order.rank(due, priority, bump), bump, task.expires_at)


def _rekey(session: Session, task: Task, data: bytes, now: int) -> None:
    """Take the dedup key of the new input for the old one's; a TTL counts from now on."""
    policy = task.wish.dedup
    if policy is None or task.dedup_key is None:
        return
    key = dedup.key_for(session, task, policy, data)
    other = dedup.holder(session, key, now)
    if other is not None and other != task.id:
        raise RefusedError(
            f"task {task.id} cannot get this input",
            why=f"task {other} is the same work, and stands in for it",
            hint=f"bgo status {other}",
        )
    session.dedup.release(task.id)
    dedup.take(session, key, task.id, policy, now)
    session.tasks.set_dedup_key(task, key)
