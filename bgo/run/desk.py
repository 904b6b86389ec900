"""The desk: the worker's side of the store. What ended, started or progressed is collected here and committed as one
transaction together with the next claims; nothing is forgotten until the commit has succeeded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bgo.engine import cycle, rescue
from bgo.engine import settle as settling
from bgo.engine.cycle import Asker, Look, Memory, Tick
from bgo.engine.rescue import Orphan
from bgo.engine.settle import LateFinish, RunKey, Settled
from bgo.model.device import DeviceState, View
from bgo.errors import BgoError, StoreBusyError, StoreError
from bgo.model.outcome import Lost, Outcome, Rejected, TaskError
from bgo.model.task import Child, Lease, Task, WorkerRow
from bgo.policy.lease import Verdict, judge
from bgo.run import liveness
from bgo.run.bench import Bench
from bgo.run.process import kill_run
from bgo.store.port import Session, Store

Ended = Sequence[tuple[RunKey, Settled | LateFinish]]

SOFT_TIMEOUT = "soft_timeout"


@dataclass(slots=True)
class Inbox:
    """What happened since the last commit."""

    ended: list[tuple[RunKey, Outcome]] = field(default_factory=list)
    started: dict[RunKey, int] = field(default_factory=dict)
    reports: dict[RunKey, tuple[float | None, str]] = field(default_factory=dict)
    checkpoints: dict[RunKey, bytes] = field(default_factory=dict)
    warned: list[Task] = field(default_factory=list)
    """Tasks whose soft timeout has passed."""

    def __bool__(self) -> bool:
        return bool(self.ended or self.started or self.reports or self.checkpoints or self.warned)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did."""

    settled: tuple[tuple[RunKey, Settled | LateFinish], ...]
    tick: Tick | None


class Desk:
    """Reads and writes the store for one worker."""

    def __init__(self, bench: Bench, asker: Asker) -> None:
        self._bench = bench
        self._asker = asker
        self._memory = Memory()
        self._store: Store = bench.open_store()
        self.inbox = Inbox()
        self.patience_until = 0
        """Awake instant before which owners that are merely late are left alone."""
        self._orphans: list[Orphan] = []

    def register(self, row: WorkerRow) -> None:
        """Add this worker and clear away dead ones that hold nothing any more."""
        with self._store.write() as session:
            session.leases.register(row)

    def leave(self) -> None:
        """Remove this worker and close the store."""
        with self._store.write() as session:
            session.leases.unregister(self._asker.worker)
        self._store.close()

    def seqs(self, task_ids: frozenset[str]) -> frozenset[int]:
        """Return the seqs of these ids."""
        with self._store.read() as session:
            found = [session.tasks.find(task_id) for task_id in task_ids]
        return frozenset(task.seq for task in found if task is not None)

    def reopen(self) -> None:
        """Start over with a fresh connection after the disk has failed."""
        self._store.close()
        self._store = self._bench.open_store()

    def data_version(self) -> int:
        """Return a number that changes when somebody else commits."""
        return self._store.data_version()

    def view(self, session: Session) -> View:
        """Return the view to judge under; the device is read only when waiting work asks something of it."""
        return View(self._bench.profile, self._bench.sense() if session.lanes.ask_device() else DeviceState())

    def look(self, free: int, only: frozenset[int] | None) -> Look:
        """Read whether there is anything to do."""
        with self._store.read() as session:
            view, now = self.view(session), self._bench.clock.now_ms()
            return cycle.look(session, self._asker, view, self._memory, free, now, only=only)

    def know(self, handlers: frozenset[str]) -> bool:
        """Take note of the handlers there are now; returns whether that changed."""
        if self._asker.offer.handlers == handlers:
            return False
        self._asker = replace(self._asker, offer=replace(self._asker.offer, handlers=handlers))
        return True

    def cancel_requests(self) -> list[tuple[int, int]]:
        """Return (seq, run) of our runs that somebody wants cancelled."""
        with self._store.read() as session:
            return [(seq, run) for seq, run, _ in session.tasks.cancel_requests(self._asker.worker)]

    def waiting(self, now: int) -> tuple[int, int, int | None, dict[str, int]]:
        """Return how many tasks wait for a retry, for their delay, the next due time, and held ones by gate."""
        with self._store.read() as session:
            return cycle.waiting(session, self._asker, self.view(session), now)

    def commit(self, children: Sequence[Child], *, only: frozenset[int] | None = None, claim: bool) -> Committed:
        """Write the inbox and, if asked, claim for these idle children: one transaction, each ending on its own."""
        now, until = self._bench.clock.now_ms(), self._bench.clock.awake_ms() + self._bench.lease_ms
        inbox, self.inbox = self.inbox, Inbox()
        try:
            with self._store.write() as session:
                settled = tuple(self._write(session, inbox, now))
                tick = None
                if claim:
                    tick = cycle.tick(
                        session, self._asker, self.view(session), self._memory, children,
                        lease_until=until, now=now, only=only,
                    )
        except BaseException:
            self._keep(inbox)
            raise
        return Committed(settled, tick)

    def _keep(self, inbox: Inbox) -> None:
        """The commit failed: what it should have written is written by a later one."""
        later = self.inbox
        inbox.ended += later.ended
        inbox.warned += later.warned
        inbox.started = {**later.started, **inbox.started}
        inbox.reports.update(later.reports)
        inbox.checkpoints.update(later.checkpoints)
        self.inbox = inbox
        self._memory = Memory()

    def _write(self, session: Session, inbox: Inbox, now: int) -> list[tuple[RunKey, Settled | LateFinish]]:
        over = {key for key, _ in inbox.ended}
        for key, at in inbox.started.items():
            if key not in over:
                settling.started(session, key.seq, key.run, at)
        for key, (fraction, message) in inbox.reports.items():
            session.tasks.report(key.seq, key.run, fraction, message)
        for key, data in inbox.checkpoints.items():
            settling.checkpoint(session, key.seq, key.run, data)
        for task in inbox.warned:
            state = (task.state, task.reason, task.attempt)
            detail = json.dumps({"soft_ms": task.wish.timeout.soft_ms})
            session.records.add(task, SOFT_TIMEOUT, state, now, detail=detail)
        return [(key, self._settle(session, key, outcome, now, inbox)) for key, outcome in inbox.ended]

    def _settle(
        self, session: Session, key: RunKey, outcome: Outcome, now: int, inbox: Inbox
    ) -> Settled | LateFinish:
        """One outcome that cannot be recorded must not take its neighbours' down: it becomes a rejection."""
        started, rng = inbox.started.get(key), self._bench.rng
        try:
            with session.savepoint():
                return settling.settle(session, key, outcome, now, rng, started)
        except (BgoError, ValueError, TypeError) as error:
            if isinstance(error, (StoreError, StoreBusyError)):
                raise
            problem = TaskError("UnrecordableOutcome", f"{type(error).__name__}: {error}")
            return settling.settle(session, key, Rejected(problem), now, rng, started)

    def renew(self) -> set[tuple[int, int]]:
        """Extend our leases and return the (seq, run) pairs that are still ours."""
        until = self._bench.clock.awake_ms() + self._bench.lease_ms
        with self._store.write() as session:
            session.leases.renew(self._asker.worker, until)
            return session.leases.renewed(self._asker.worker)

    def rescue(self) -> list[tuple[RunKey, Settled | LateFinish]]:
        """Take over orphaned runs, stop their processes, and put their tasks back in the queue."""
        with self._store.read() as session:
            found = rescue.has_orphans(session, self._judge, self._asker.worker)
            dead = [w.id for w in session.leases.workers() if w.id != self._asker.worker and not self._is_alive(w.id)]
        if found:
            until = self._bench.clock.awake_ms() + self._bench.lease_ms
            with self._store.write() as session:
                self._orphans += rescue.adopt(session, self._judge, self._asker.worker, until)
        for orphan in self._orphans:
            self._stop(orphan)
        ended: list[tuple[RunKey, Outcome]] = [
            (o.key, Lost(o.lease.started_at is not None, o.rebooted)) for o in self._orphans
        ]
        if not (ended or dead):
            return []
        with self._store.write() as session:
            settled = self._write(session, Inbox(ended=ended), self._bench.clock.now_ms())
            for worker in dead:
                session.leases.unregister(worker)
        self._orphans.clear()
        for worker in dead:
            liveness.clear(self._bench.run_dir, worker)
        return settled

    def _stop(self, orphan: Orphan) -> None:
        if orphan.rebooted or orphan.lease.host != self._asker.host:
            return
        lease = orphan.lease
        kill_run(lease.child, f"{lease.task_id}.{lease.run}", 0, self._bench.clock)

    def _is_alive(self, worker: str) -> bool:
        return liveness.is_alive(self._bench.run_dir, worker)

    def _judge(self, lease: Lease) -> Verdict:
        awake, alive = self._bench.clock.awake_ms(), self._is_alive(lease.worker)
        if alive and awake < self.patience_until and lease.boot_id == self._asker.boot_id:
            return Verdict(orphaned=False)
        return judge(lease, owner_alive=alive, boot_id=self._asker.boot_id, awake_ms=awake)
