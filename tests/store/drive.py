"""Drives a store through the engine: a few lines that fill it, claim from it and settle into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bgo.engine import cancel as cancelling
from bgo.engine import cycle
from bgo.engine import enqueue as enqueueing
from bgo.engine import settle as settling
from bgo.engine.settle import RunKey
from bgo.ids import seeded_rng
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.outcome import Outcome, Succeeded
from bgo.model.query import CancelReply
from bgo.model.state import Reason
from bgo.model.task import Task, TaskSpec
from bgo.policy.gates import Offer
from bgo.store.port import Session, Store
from tests.build import START, a_child, a_moment, a_spec, a_view

__all__ = ["RunKey"]  # for the tests that name a run

HOST = "here"
BOOT = "boot"
RNG = seeded_rng(1, "tests")


def an_asker(worker: str = "w", slots: int = 4) -> cycle.Asker:
    """Return a worker of this host that runs every handler of every queue."""
    return cycle.Asker(worker, HOST, BOOT, Offer(), slots)


def enqueue(store: Store, *specs: TaskSpec, now: int = START) -> list[str]:
    """Enqueue specs (by default one) in one transaction and return their ids."""
    wanted = specs or (a_spec(),)
    with store.write() as session:
        enqueueing.enqueue(session, wanted, now)
    return [spec.id for spec in wanted]


def tick(
    store: Store, slots: int = 1, *, now: int = START, worker: str = "w", charging: bool | None = None
) -> tuple[cycle.Claim, ...]:
    """Run one tick of a worker with this many idle children and as many slots to fill."""
    with store.read() as session:
        running = sum(session.leases.running_by_queue(HOST, None).values())
    asker = an_asker(worker, slots + running)
    children = [a_child() for _ in range(slots)]
    with store.write() as session:
        found = cycle.tick(
            session, asker, a_view(charging), cycle.Memory(), children, lease_until=30_000, moment=a_moment(now)
        )
    return found.claims


def claim(store: Store, *, now: int = START, worker: str = "w") -> cycle.Claim:
    """Claim the next task."""
    (found,) = tick(store, 1, now=now, worker=worker)
    return found


def finish(
    store: Store, done: cycle.Claim, outcome: Outcome | None = None, *, now: int = START, worker: str = "w"
) -> object:
    """Settle a claim, by default as a success."""
    return finish_key(store, RunKey(done.task.seq, done.task.run, worker), outcome or Succeeded(), now=now)


def finish_key(store: Store, key: RunKey, outcome: Outcome, *, now: int = START) -> object:
    """Settle the run that this key names."""
    with store.write() as session:
        return settling.settle(session, key, outcome, a_moment(now), RNG)


def run_all(store: Store, *, now: int = START) -> int:
    """Run everything that is ready, one after another; return how many ran."""
    ran = 0
    while claims := tick(store, 1, now=now):
        for done in claims:
            finish(store, done, now=now)
            ran += 1
    return ran


def cancel(store: Store, ids: Sequence[str], *, now: int = START) -> list[CancelReply]:
    """Cancel tasks."""
    with store.write() as session:
        return cancelling.cancel(session, [task for i in ids if (task := session.tasks.find(i))], Reason.USER, now)


def get(store: Store, task_id: str) -> Task:
    """Return a task that must be there."""
    with store.read() as session:
        found = session.tasks.find(task_id)
    assert found is not None, f"task {task_id} is gone"
    return found


def ids(store: Store) -> set[str]:
    """Return all ids in the store."""
    with store.read() as session:
        return set(session.tasks.newest(1_000_000))


class Undone(Exception):
    """Raised to leave a write transaction without keeping it."""


@contextmanager
def undone(store: Store) -> Iterator[Session]:
    """Run a write transaction that is rolled back."""
    try:
        with store.write() as session:
            yield session
            raise Undone
    except Undone:
        pass


def changed(task: Task, **values: Any) -> Task:
    """Return the task as somebody would hold it who missed something."""
    return replace(task, **values)


def found(session: Session, task_id: str) -> Task:
    """Return a task inside a transaction."""
    task = session.tasks.find(task_id)
    assert task is not None
    return task


def get_seq(session: Session, task_id: str) -> int:
    """Return a task's seq inside a transaction."""
    return found(session, task_id).seq


def limit(most: int, key: str) -> ConcurrencyControl:
    """Return a concurrency limit under a key."""
    return ConcurrencyControl(most, ConcurrencyStrategy.FIFO, key)
