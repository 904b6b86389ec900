"""Helpers for tests of work that other work stands in the way of: dedup, unique, after, expiry."""

from __future__ import annotations

import json
from typing import Any

from bgo.engine import enqueue as enqueueing
from bgo.engine import expire as expiring
from bgo.engine import revive as reviving
from bgo.engine.cancel import cancel as cancelling
from bgo.model.limits import DedupPolicy, Unique, UniquePolicy
from bgo.model.outcome import CancelledRun, Failed, Outcome, TaskError
from bgo.model.state import Reason
from bgo.model.task import Enqueued, HistoryEntry, Task, TaskSpec, Wish
from bgo.policy.dedup import key_of
from bgo.store.port import Store
from tests.build import START, a_spec
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))
STOPPED = CancelledRun()


def once(policy: DedupPolicy | None = None, *, input: dict[str, Any] | None = None, **fields: Any) -> TaskSpec:
    """Return a spec that is deduplicated, by default by its whole input and without a TTL."""
    policy, name = policy or DedupPolicy(), fields.get("name", "work")
    data = {"n": 1} if input is None else input
    key = key_of(name, data, policy, None, "")
    return a_spec(input=json.dumps(data).encode(), wish=Wish(dedup=policy), dedup_key=key, **fields)


def sole(policy: UniquePolicy = UniquePolicy.KEEP, unique_id: str = "u", **fields: Any) -> TaskSpec:
    """Return a spec with a unique id."""
    return a_spec(wish=Wish(unique=Unique(unique_id, policy)), **fields)


def after(*ids: str, **fields: Any) -> TaskSpec:
    """Return a spec that comes after others."""
    return a_spec(after=ids, **fields)


def by(start_before: int | None = None, finish_before: int | None = None, **fields: Any) -> TaskSpec:
    """Return a spec that expires."""
    return a_spec(wish=Wish(start_before=start_before, finish_before=finish_before), **fields)


def put(store: Store, *specs: TaskSpec, now: int = START) -> list[Enqueued]:
    """Enqueue specs in one transaction."""
    with store.write() as session:
        return enqueueing.enqueue(session, specs, now)


def put_one(store: Store, spec: TaskSpec, now: int = START) -> Enqueued:
    """Enqueue one spec."""
    return put(store, spec, now=now)[0]


def run(store: Store, outcome: Outcome | None = None, *, now: int = START) -> str:
    """Claim the next task, end it, and return its id."""
    claim = drive.claim(store, now=now)
    drive.finish(store, claim, outcome, now=now)
    return claim.task.id


def cancel(store: Store, *ids: str, reason: Reason = Reason.USER, now: int = START) -> None:
    """Call tasks off."""
    with store.write() as session:
        cancelling(session, [drive.found(session, i) for i in ids], reason, now)


def revive(store: Store, task_id: str, *, now: int = START, input: bytes | None = None) -> Task:
    """Put a task back and return it."""
    with store.write() as session:
        ref = None if input is None else session.payloads.put(input)
        reviving.revive(session, drive.found(session, task_id), now, ref)
    return drive.get(store, task_id)


def expire(store: Store, now: int, limit: int = 500) -> int:
    """Record what has expired."""
    with store.write() as session:
        return expiring.expire(session, now, limit)


def told(store: Store, task_id: str) -> list[HistoryEntry]:
    """Return a task's history."""
    with store.read() as session:
        return session.records.of_task(task_id)


def stands(store: Store, *ids: str) -> list[str]:
    """Return state and reason of tasks, as 'state reason'."""
    return [f"{task.state} {task.reason}" for task in (drive.get(store, i) for i in ids)]
