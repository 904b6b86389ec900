"""Drives a store through the engine: a few lines that fill it, claim from it and settle into it."""

from __future__ import annotations

from collections.abc import Sequence

from bgo.engine import cancel as cancelling
from bgo.engine import cycle
from bgo.engine import enqueue as enqueueing
from bgo.engine import settle as settling
from bgo.ids import seeded_rng
from bgo.model.outcome import Outcome, Succeeded
from bgo.model.query import CancelReply
from bgo.model.state import Reason
from bgo.model.task import Task, TaskSpec
from bgo.policy.gates import Offer
from bgo.store.port import Store
from tests.build import START, a_child, a_spec, a_view

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
            session, asker, a_view(charging), cycle.Memory(), children, lease_until=30_000, now=now
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
    key = settling.RunKey(done.task.seq, done.task.run, worker)
    with store.write() as session:
        return settling.settle(session, key, outcome or Succeeded(), now, RNG)


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
