"""Dedup: a second enqueue of the same work is answered with the first one's id, and noted on it."""

from __future__ import annotations

import json
from typing import Literal

from bgo.engine.expire import note
from bgo.model import payload as payloads
from bgo.model.limits import DedupPolicy
from bgo.model.state import Reason, State
from bgo.model.task import Enqueued, Task
from bgo.policy.dedup import is_free, key_of
from bgo.store.port import Session

DEDUPLICATED: Literal["deduplicated"] = "deduplicated"
EVENTS = 1_000
"""Entries that one task's history gets for enqueues it stood in for; the count in the store goes on."""


def holder(session: Session, key: str, now: int) -> str | None:
    """Return the id of the task that a key stands for; None when the key is free."""
    row = session.dedup.find(key)
    if row is None or is_free(row, now):
        return None
    task = session.tasks.find(row.task)
    return None if task is not None and note(session, (task,), now) else row.task


def survivor(session: Session, key: str, now: int) -> Enqueued | None:
    """Return the task that stands in for new work under this key, having counted that; None when the key is free."""
    held_by = holder(session, key, now)
    if held_by is None:
        return None
    task, count = session.tasks.find(held_by), session.dedup.suppress(key)
    if task is None:  # only what has succeeded keeps its key beyond its own row
        return Enqueued(held_by, State.SUCCEEDED, DEDUPLICATED, Reason.DONE)
    if count <= EVENTS:
        detail = json.dumps({"deduplicated": True, "suppressed": count})
        session.records.add(task, DEDUPLICATED, (task.state, task.reason, task.attempt), now, detail=detail)
    return Enqueued(task.id, task.state, DEDUPLICATED, task.reason)


def key_for(session: Session, task: Task, policy: DedupPolicy, data: bytes) -> str:
    """Return the key that a task has with this input. Raises UsageError when it lacks a field of the policy."""
    setup = None if task.setup_ref is None else payloads.load(session.payloads.get(task.setup_ref))
    argv = None if setup is None else setup.get("argv")
    return key_of(task.name, payloads.load(data), policy, argv, task.cwd)


def take(session: Session, key: str, task_id: str, policy: DedupPolicy | None, since: int) -> None:
    """Give the key to a task, for its TTL from `since`, or until its end."""
    ttl = None if policy is None else policy.ttl_ms
    session.dedup.take(key, task_id, None if ttl is None else since + ttl)
