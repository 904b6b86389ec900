"""A small world: the real store, a virtual clock, workers without processes, and the ledger that checks each deed.

Every deed goes to the store through the engine and into the ledger by its own rules; `verify` then compares the two
and recounts the store. The state machine, the planted bugs and the examples all live here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bgo.clock import Moment, VirtualClock, moment
from bgo.engine import platform, relane
from bgo.engine.cancel import cancel
from bgo.engine.cycle import Asker, Claim, Memory, look, tick
from bgo.engine.edit import Changes, bump, edit
from bgo.engine.enqueue import enqueue
from bgo.engine.explain import Ground, explain
from bgo.engine.prune import prune, would_prune
from bgo.engine.query import view_of
from bgo.engine.rescue import adopt
from bgo.engine.revive import revive
from bgo.engine.settle import LateFinish, RunKey, Settled, begun, checkpoint, settle
from bgo.ids import seeded_rng
from bgo.model.device import View
from bgo.model.options import QUEUE_WEIGHTS
from bgo.model.outcome import Lost, Outcome, Succeeded
from bgo.model.plan import Gate
from bgo.model.query import CancelEffect, CancelReply, Retention, Selector
from bgo.model.state import CLAIMABLE, FINAL, Event, Reason, State
from bgo.model.task import HistoryEntry, Lease, Task, TaskSpec
from bgo.model.views import Explanation, TaskView
from bgo.policy.gates import Offer
from bgo.policy.lease import LEASE_MS, Verdict
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_spec, a_view
from tests.engine.checks import check_all, dump, ensure
from tests.engine.claims import Round
from tests.engine.ledger import Ledger, Row


@dataclass
class Worker:
    """Somebody who asks for work. `alive` is what its lock would say."""

    asker: Asker
    view: View = field(default_factory=a_view)
    memory: Memory = field(default_factory=Memory)
    alive: bool = True


class World:
    """One store and everybody around it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.store = SqliteStore(path)
        self.clock = VirtualClock(START)
        self.rng = seeded_rng(1, "world")
        self.boot = 1
        self.ledger = Ledger()
        self.workers: dict[str, Worker] = {}
        self.tokens: list[tuple[str, RunKey]] = []
        """Every right to write that was ever given out: task id and key."""
        self.reserves: dict[str, int] = {}
        self.worker()

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    @property
    def moment(self) -> Moment:
        return moment(self.clock, f"boot{self.boot}")

    def worker(self, name: str = "w1", *, slots: int = 4, offer: Offer | None = None, **fields: Any) -> Worker:
        """Return the worker of that name; a new one offers everything and knows nothing of its power."""
        if name not in self.workers:
            asker = Asker(name, fields.pop("host", "here"), f"boot{self.boot}", offer or Offer(), slots, **fields)
            self.workers[name] = Worker(asker)
        return self.workers[name]

    def task(self, task_id: str) -> Task:
        """Return a task as the store has it."""
        with self.store.read() as session:
            found = session.tasks.find(task_id)
        assert found is not None
        return found

    def view(self, task_id: str) -> TaskView:
        """Return a task with its payloads opened."""
        task = self.task(task_id)
        with self.store.read() as session:
            return view_of(session, task)

    def history(self, task_id: str) -> list[HistoryEntry]:
        """Return a task's entries, oldest first."""
        with self.store.read() as session:
            return session.records.of_task(task_id)

    def verify(self) -> None:
        """Compare the store with the ledger, and recount it."""
        with self.store.read() as session:
            tasks = {t.id: t for t in session.tasks.select(Selector(), limit=10_000)}
            self.ledger.compare(tasks)
            for row in self.ledger.running():
                lease = session.leases.find(row.seq)
                found = None if lease is None else (lease.worker, lease.run, lease.started_at is not None)
                ensure(found == (row.holder, row.run, row.started), "a lease names its holder", (row.spec.id, found))
            for row in self.ledger.rows.values():
                ref = tasks[row.spec.id].checkpoint_ref
                kept = None if ref is None else session.payloads.get(ref)
                ensure(kept == row.checkpoint, "a checkpoint is that of the last run", (row.spec.id, kept))
                told = [(e.event, e.run) for e in session.records.of_task(row.spec.id)]
                ensure(told == row.events, "history tells every event once", (row.spec.id, told, row.events))
            asleep = [r.due_at for r in self.ledger.rows.values() if r.state in CLAIMABLE and not r.ready]
            ensure(
                session.alarms.next(self.moment).due == min(asleep, default=None),
                "the next wake is the next thing due",
                asleep,
            )
        check_all(self.store.connection)

    # Deeds.

    def enqueue(self, handler: str = "work", **fields: Any) -> str:
        """Enqueue one task and return its id; `delay_ms` counts from now."""
        delay = fields.pop("delay_ms", None)
        spec = a_spec(handler, **fields)
        spec = spec if delay is None else replace(spec, due_at=self.now + delay)
        self.enqueue_all([spec])
        return spec.id

    def enqueue_all(self, specs: Sequence[TaskSpec]) -> None:
        """Enqueue several at once."""
        with self.store.write() as session:
            enqueue(session, specs, self.now)
        for spec in specs:
            due = self.now if spec.due_at is None else spec.due_at
            self.ledger.rows[spec.id] = Row(spec, self.task(spec.id).seq, due, due <= self.now)

    def tick(self, name: str = "w1", children: int = 4, only: frozenset[int] | None = None) -> list[Claim]:
        """Look, tick, check that the two agree and that every claim was right, and return the claims."""
        worker = self.worker(name)
        before, told = dump(self.store.connection), self.explain_all(worker)
        with self.store.read() as session:
            view = platform.view(session, worker.view.profile, worker.view.device, self.clock.now_ms())
            seen = look(session, worker.asker, view, worker.memory, children, self.moment, only=only)
        self.ledger.see(view.device)
        with self.store.write() as session:
            view = platform.view(session, worker.view.profile, worker.view.device, self.clock.now_ms())
            done = tick(
                session, worker.asker, view, worker.memory, [a_child() for _ in range(children)],
                lease_until=self.clock.awake_ms() + LEASE_MS, moment=self.moment, only=only,
            )  # fmt: skip
        if not seen.has_work:
            ensure(dump(self.store.connection) == before, "a look that sees no work means a tick without a trace")
        ensure(not done.claims or seen.has_work, "a look sees the work a tick finds")
        Round(self, worker, children, only).check(done, told)
        return list(done.claims)

    def explain_all(self, worker: Worker) -> dict[str, Explanation]:
        """Return the explanation of every waiting task under a worker's view, as it would be after its alarms."""
        with self.store.read() as session:
            tasks = session.tasks.select(Selector(states=tuple(CLAIMABLE)), limit=10_000)
            view = platform.view(session, worker.view.profile, worker.view.device, self.clock.now_ms())
            ground = Ground(worker.asker, view, 1, self.moment)
            return {task.id: explain(session, task, ground) for task in tasks}

    def start(self, task_id: str) -> None:
        """The child reports Started."""
        row = self.ledger.rows[task_id]
        with self.store.write() as session:
            begun(session, RunKey(row.seq, row.run, row.holder), self.moment)
        row.started = True

    def report(self, task_id: str, fraction: float) -> None:
        """The child reports progress."""
        row = self.ledger.rows[task_id]
        with self.store.write() as session:
            session.tasks.report(row.seq, row.run, fraction, "going")
        row.progress, row.losses = fraction, 0

    def checkpoint(self, task_id: str, key: RunKey, data: bytes) -> None:
        """A run, perhaps one of the past, keeps a checkpoint."""
        with self.store.write() as session:
            checkpoint(session, key.seq, key.run, data)
        row = self.ledger.rows.get(task_id)
        if row is not None and row.state is State.RUNNING and row.run == key.run:
            row.losses, row.checkpoint = 0, data

    def finish(self, task_id: str, outcome: Outcome | None = None, key: RunKey | None = None) -> Settled | LateFinish:
        """A run ends; with `key` somebody tells it who may have lost the right to."""
        row = self.ledger.rows.get(task_id)
        if key is None:
            assert row is not None
            key = RunKey(row.seq, row.run, row.holder)
        outcome = Succeeded({"n": 1}) if outcome is None else outcome
        with self.store.write() as session:
            found = settle(session, key, outcome, self.moment, self.rng)
        live = row is not None and row.state is State.RUNNING and (row.run, row.holder) == (key.run, key.worker)
        ensure(isinstance(found, Settled) is live, "only the holder of a live run may end it", (task_id, key, found))
        if row is not None and live:
            row.settle(outcome, self.now, self.task(task_id))
        elif row is not None:
            row.events.append(("late_finish", row.run))
        return found

    def cancel(self, selector: Selector, reason: Reason = Reason.USER) -> list[CancelReply]:
        """Call off whatever is selected."""
        with self.store.write() as session:
            tasks = session.tasks.select(selector, limit=10_000)
            replies = cancel(session, tasks, reason, self.now)
        ensure([r.id for r in replies] == [t.id for t in tasks], "every named task is answered")
        for reply in replies:
            row = self.ledger.rows[reply.id]
            if row.state in FINAL:
                ensure(reply.effect is CancelEffect.TOO_LATE, "a cancel tells the truth", reply)
            elif row.state is State.RUNNING:
                ensure(reply.effect is CancelEffect.STOPPING, "a cancel tells the truth", reply)
                row.cancel_reason = row.cancel_reason or reason
                row.events.append(("cancel_requested", row.run))
            else:
                ensure(reply.effect is CancelEffect.PREVENTED, "a cancel tells the truth", reply)
                row.move(Event.CANCEL, reason, self.now)
                row.events.append((Event.CANCEL, row.run))
        return replies

    def revive(self, task_id: str) -> None:
        """Put a failed or cancelled task back."""
        with self.store.write() as session:
            task = session.tasks.find(task_id)
            assert task is not None
            revive(session, task, self.now)
        row = self.ledger.rows[task_id]
        row.move(Event.REVIVE, Reason.USER, self.now)
        row.attempt = row.losses = row.snoozes = 0
        row.epoch, row.ready, row.due_at, row.progress = row.epoch + 1, True, self.now, None
        row.bump = 0
        row.events.append((Event.REVIVE, row.run))

    def pause(self, kind: str, value: str, *, paused: bool = True, running: bool = False) -> None:
        """Pause or resume a name, a queue, or a tag with all the steps of that."""
        with self.store.write() as session:
            session.pauses.set(kind, value, paused=paused, running=running, now=self.now)
            while kind == "tag" and relane.step(session, self.now):
                pass
        (self.ledger.paused.add if paused else self.ledger.paused.discard)((kind, value))

    def edit(self, task_id: str, changes: Changes) -> None:
        """Change a task that waits."""
        row = self.ledger.rows[task_id]
        due = row.due_at if changes.due_at is None else changes.due_at
        with self.store.write() as session:
            task = session.tasks.find(task_id)
            assert task is not None
            changed = edit(session, task, changes, self.now)
        row.spec = replace(
            row.spec,
            priority=row.spec.priority if changes.priority is None else changes.priority,
            queue=changes.queue or row.spec.queue,
            input=changes.input or row.spec.input,
        )
        if changed:
            row.events.append(("edited", row.run))
        if set(changed) - {"input"}:
            self._put(row, due)

    def bump(self, task_id: str) -> None:
        """Put a task that waits before all others."""
        row = self.ledger.rows[task_id]
        with self.store.write() as session:
            task = session.tasks.find(task_id)
            assert task is not None
            bump(session, task, self.now)
        row.bump = self.now
        row.events.append(("bumped", row.run))
        self._put(row, min(row.due_at, self.now))

    def _put(self, row: Row, due: int) -> None:
        row.ready = due <= self.now or (row.ready and due == row.due_at)
        row.due_at, row.bump = due, row.bump if row.ready else 0

    def reserve(self, queue: str, slots: int) -> None:
        """Keep slots free for a queue."""
        with self.store.write() as session:
            session.queues.ensure(queue, QUEUE_WEIGHTS[queue], slots)
        self.reserves[queue] = slots

    def prune(self, retention: Retention) -> set[str]:
        """Remove what retention no longer keeps."""
        promised = would_prune(self.store, retention, self.now)
        told = [task_id for step in prune(self.store, retention, self.now) for task_id in step]
        gone, rows = set(told), self.ledger.rows
        ended = {i: r for i, r in rows.items() if r.finished_at is not None}
        ensure(gone <= set(ended), "only ended tasks are pruned", gone - set(ended))
        ensure(len(told) == len(gone) == promised, "a dry run tells what a prune does", (told, promised))
        limit = {State.FAILED: self.now - retention.failed_ms}
        old = {i for i, r in ended.items() if r.finished_at < limit.get(r.state, self.now - retention.finished_ms)}  # type: ignore[operator]
        kept = set(ended) - gone
        ensure(old <= gone, "what is too old goes", old - gone)
        ensure(len(gone) == len(old) + max(0, len(ended) - len(old) - retention.rows), "no more goes than must", gone)
        newest_gone = max((rows[i].finished_at or 0 for i in gone - old), default=0)
        ensure(all((rows[i].finished_at or 0) >= newest_gone for i in kept), "the oldest go first")
        for task_id in gone:
            del rows[task_id]
        return gone

    # Disasters.

    def crash(self, name: str) -> None:
        """A worker dies: its lock is free, its memory gone, its leases stay."""
        worker = self.worker(name)
        worker.alive, worker.memory = False, Memory()

    def restart(self, name: str) -> None:
        """A worker of that name is back, with nothing in its memory."""
        self.worker(name).alive = True

    def reboot(self) -> None:
        """The machine goes down and comes up: another boot, nobody alive yet."""
        self.boot += 1
        for name, worker in self.workers.items():
            self.crash(name)
            worker.asker = replace(worker.asker, boot_id=f"boot{self.boot}")
            self.restart(name)

    def adopt(self, by: str) -> list[tuple[str, RunKey, Outcome]]:
        """Take over orphaned leases: from here on the old owners may write nothing."""
        boot = self.worker(by).asker.boot_id

        def judge(lease: Lease) -> Verdict:
            rebooted = lease.boot_id != boot
            return Verdict(rebooted or not self.workers[lease.worker].alive, rebooted)

        with self.store.write() as session:
            orphans = adopt(session, judge, by, self.clock.awake_ms() + LEASE_MS)
        found: list[tuple[str, RunKey, Outcome]] = []
        for orphan in orphans:
            row = self.ledger.rows[orphan.lease.task_id]
            row.holder = by
            self.tokens.append((row.spec.id, orphan.key))
            found.append((row.spec.id, orphan.key, Lost(row.started, orphan.rebooted)))
        return found

    def rescue(self, by: str) -> list[str]:
        """Adopt and settle what dead workers left; return the ids."""
        found = self.adopt(by)
        for task_id, key, outcome in found:
            self.finish(task_id, outcome, key)
        return [task_id for task_id, _, _ in found]

    def reopen(self) -> None:
        """Close the store and open it again, from its file."""
        assert self.path is not None
        self.store.close()
        self.store = SqliteStore(self.path)

    def gates(self, task_id: str, name: str = "w1") -> list[Gate | str]:
        """Return the closed gates of a task, as they are explained to a worker."""
        told = self.explain_all(self.worker(name))[task_id]
        return [line.gate for line in told.gates if not line.is_open]
