"""Relane: tasks whose tags were paused or resumed change lanes, some hundred a transaction.

A lane with marks, the paused tags of its tasks, is paused; so a pause by tag holds what is new at once, and what is
there as soon as it has been moved. What a dead command left undone, a tick goes on with.
"""

from __future__ import annotations

import json
from dataclasses import replace

from bgo.engine.waiting import waited
from bgo.model.lane import payload_class
from bgo.model.state import FINAL
from bgo.model.task import Task
from bgo.store.port import Session

STEP = 500
"""Tasks that one transaction looks at: it stays short, however many have the tag."""


def step(session: Session, now: int) -> bool:
    """Move up to `STEP` tasks to the lanes of their present marks; say whether there is more to do."""
    move = session.moves.next()
    if move is None:
        return False
    tag, after = move
    seqs = session.moves.tagged(tag, after, STEP)
    touched: set[int] = set()
    homes: dict[tuple[int, tuple[str, ...]], int] = {}
    for seq in seqs:
        task = session.tasks.find_seq(seq)
        if task is not None and task.state not in FINAL:
            touched |= _move(session, task, homes, now)
    session.lanes.refresh(touched, now)
    if len(seqs) == STEP:
        session.moves.reached(tag, seqs[-1])
        return True
    session.moves.done(tag)
    session.pauses.stop_running()  # what had been claimed before its task was moved
    return session.moves.next() is not None


def _move(session: Session, task: Task, homes: dict[tuple[int, tuple[str, ...]], int], now: int) -> set[int]:
    """Move one task; return the lanes whose ready tasks have changed."""
    known = (task.lane, task.tags)
    if known not in homes:
        homes[known] = home(session, task, now)
    lane = homes[known]
    if lane == task.lane:
        return set()
    move(session, task, lane, now)
    return {task.lane, lane} if task.ready else set()


def home(session: Session, task: Task, now: int, queue: str | None = None, size: int | None = None) -> int:
    """Return the lane where a task belongs: that of its present marks, and of another queue, or another size of its
    input in bytes, if one is named."""
    key = session.lanes.key(task.lane)
    marks, kind = session.pauses.marks(task.tags), key.view.traits
    if size is not None:
        kind = kind._replace(payload=payload_class(size))
    if marks == key.marks and queue in (None, key.view.queue) and kind == key.view.traits:
        return task.lane
    view = replace(key.view, queue=key.view.queue if queue is None else queue, traits=kind)
    return session.lanes.ensure(replace(key, view=view, marks=marks), now)


def move(session: Session, task: Task, lane: int, now: int) -> Task:
    """Put a task into another lane, what it has waited in the old one kept; return it as it is then.

    Refreshing both lanes is left to the caller. A running task keeps its lease: it waits there when it comes back.
    """
    ready_at, spent = task.ready_at, task.waited
    if task.ready:
        ready_at, spent = now, json.dumps(waited(session, task, now))
    if not session.moves.relane(task, lane, ready_at, spent):
        raise AssertionError("the task was read in this transaction")
    return replace(task, lane=lane, ready_at=ready_at, waited=spent)


def brought_home(session: Session, task: Task, now: int) -> Task:
    """Return an ended task in the lane of its present marks, moved there if need be: the first step of a revive."""
    lane = home(session, task, now)
    return task if lane == task.lane else move(session, task, lane, now)
