"""The desk: the worker's side of the store. What ended, started or progressed is collected here and committed as one
transaction together with the next claims; nothing is forgotten until the commit has succeeded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bgo.clock import Moment
from bgo.engine import batch, cycle, rescue
from bgo.engine import settle as settling
from bgo.engine.cycle import Asker, Memory, Tick
from bgo.engine.rescue import Orphan
from bgo.engine.settle import LateFinish, RunKey, Settled
from bgo.errors import BgoError, StoreBusyError, StoreError, UnknownCommitError
from bgo.model.outcome import Lost, Outcome, Rejected, Released, TaskError
from bgo.model.state import Reason
from bgo.model.task import Child, Lease, Task, WorkerRow
from bgo.policy.lease import Verdict, judge
from bgo.run import liveness
from bgo.run.bench import Bench
from bgo.run.process import kill_run
from bgo.run.questions import Questions
from bgo.store import place
from bgo.store.port import Session

if TYPE_CHECKING:
    from bgo.run.tail import Tail

Ended = Sequence[tuple[RunKey, Settled | LateFinish]]

SOFT_TIMEOUT = "soft_timeout"
SWEPT = 500
"""Rows of an abandoned batch that one commit removes."""
STUCK_MS = 5_000
"""Orphans whose processes SIGKILL did not end are tried again this much later."""


class Wanting(Protocol):
    """Who listens to the history."""

    @property
    def wanted(self) -> int: ...

    def wants(self, hook: str) -> bool: ...


@dataclass(slots=True)
class Inbox:
    """What happened since the last commit."""

    ended: list[tuple[RunKey, Outcome]] = field(default_factory=list)
    ran_on: dict[RunKey, Child] = field(default_factory=dict)
    """The children of ended runs, where they live and are idle again."""
    started: dict[RunKey, Moment] = field(default_factory=dict)
    reports: dict[RunKey, tuple[float | None, str]] = field(default_factory=dict)
    checkpoints: dict[RunKey, bytes] = field(default_factory=dict)
    warned: list[Task] = field(default_factory=list)
    """Tasks whose soft timeout has passed."""
    notes: list[tuple[Task, str]] = field(default_factory=list)
    """Other events of running tasks for their history."""

    def __bool__(self) -> bool:
        return bool(self.ended or self.started or self.reports or self.checkpoints or self.warned or self.notes)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did."""

    settled: tuple[tuple[RunKey, Settled | LateFinish], ...]
    tick: Tick | None
    tail: Tail | None = None
    """What the history has to tell, where somebody listens."""
    suspects: frozenset[Child] = frozenset()
    """Children of runs that somebody else had taken over: who did so is about to kill them, whatever they do by now."""


class Desk(Questions):
    """Reads and writes the store for one worker."""

    def __init__(self, bench: Bench, asker: Asker) -> None:
        super().__init__(bench, asker)
        self._identity = self._look_at_place()
        self.inbox = Inbox()
        self._renewed_at = bench.clock.awake_ms()
        self._patience_until = 0
        """Awake instant before which owners that are merely late are left alone."""
        self._orphans: list[Orphan] = []
        self._stuck_until = 0
        self.hearing: Wanting | None = None
        self._doubtful: set[RunKey] = set()
        """Runs whose outcome may have been committed by a commit that failed."""

    def _look_at_place(self) -> place.Identity | None:
        return None if self._store.path is None else place.identity(self._store.path)

    def check_place(self) -> None:
        """Raise StoreError when another file lies where the store was: what we hold belongs into the old one."""
        if self._look_at_place() != self._identity:
            raise StoreError(
                f"the store was moved, deleted or replaced under this worker: {self._store.path}",
                why="the results of what it runs belong into the store it came from",
                hint="put that back, or start bgo run again to use the file that is there now",
            )

    def register(self, row: WorkerRow) -> None:
        """Add this worker, and clear away what workers left behind that died before they were known."""
        with self._store.write() as session:
            session.leases.register(row)
            known = {worker.id for worker in session.leases.workers()}
        liveness.sweep(self._bench.run_dir, known)

    def leave(self) -> None:
        """Write what is left, hand back what is still ours, remove this worker and close the store."""
        now, me = self.moment, self._asker.worker
        stuck = {(o.key.seq, o.key.run) for o in self._orphans}
        try:
            self.check_place()
            with self._store.write() as session:
                self._write(session, self.inbox, now)
                left = session.leases.renewed(me) - stuck
                self._write(session, Inbox(ended=[(RunKey(*key, me), _unstarted()) for key in sorted(left)]), now)
                session.leases.unregister(me)
        finally:
            self._store.close()

    def sweep_stages(self) -> bool:
        """Remove some of what dead enqueuers have left of batches that nobody has seen; say whether more is left."""
        with self._store.read() as session:
            found = session.stages.list()
        dead = [row for row in found if not liveness.is_coming(self._bench.run_dir, row.owner)]
        if not dead:
            return False
        with self._store.write() as session:
            is_left = batch.discard(session, dead[0], SWEPT, self._bench.clock.now_ms())
        if not is_left:
            liveness.clear_stage(self._bench.run_dir, dead[0].owner)
        return is_left or len(dead) > 1

    def commit(self, children: Sequence[Child], *, only: frozenset[int] | None = None, claim: bool) -> Committed:
        """Write the inbox and, if asked, claim for these idle children: one transaction, each ending on its own."""
        now, until = self.moment, self._bench.clock.awake_ms() + self._bench.lease_ms
        tick, heard = None, None
        if claim:
            self.sense_ahead()
        try:
            with self._store.write() as session:
                settled = self._write(session, self.inbox, now)
                late = {key for key, end in settled if isinstance(end, LateFinish)}
                suspects = frozenset(child for key, child in self.inbox.ran_on.items() if key in late)
                if claim:
                    sound = [child for child in children if child not in suspects]
                    tick = cycle.tick(
                        session, self._asker, self.view(session), self._memory, sound,
                        lease_until=until, moment=now, only=only,
                    )  # fmt: skip
                    _count_from_the_claim(session, tick, now.now_ms)
                heard = self._take_tail(session, now.now_ms)
        except UnknownCommitError:
            self._doubtful.update(key for key, _ in self.inbox.ended)
            self._memory = Memory()
            raise
        except BaseException:
            self._memory = Memory()
            raise
        self.inbox = Inbox()
        self._doubtful.clear()
        self._has_looked |= claim
        return Committed(tuple(settled), tick, heard, suspects)

    def _take_tail(self, session: Session, now: int) -> Tail | None:
        limit = 0 if self.hearing is None else self.hearing.wanted
        if self.hearing is None or limit <= 0:
            return None
        from bgo.run import tail  # only where somebody listens

        return tail.take(session, now, limit, self.hearing.wants)

    def begin_tail(self) -> None:
        """Begin to listen to the history."""
        from bgo.run import tail

        with self._store.write() as session:
            tail.begin(session, self.moment.now_ms)

    def _write(self, session: Session, inbox: Inbox, now: Moment) -> list[tuple[RunKey, Settled | LateFinish]]:
        over = {key for key, _ in inbox.ended}
        for key, at in inbox.started.items():
            if key not in over:
                settling.begun(session, key, at)
        for key, (fraction, message) in inbox.reports.items():
            session.tasks.report(key.seq, key.run, fraction, message)
        for key, data in inbox.checkpoints.items():
            settling.checkpoint(session, key.seq, key.run, data)
        for task in inbox.warned:
            state = (task.state, task.reason, task.attempt)
            detail = json.dumps({"soft_ms": task.wish.timeout.soft_ms})
            session.records.add(task, SOFT_TIMEOUT, state, now.now_ms, detail=detail)
        for task, event in inbox.notes:
            session.records.add(task, event, (task.state, task.reason, task.attempt), now.now_ms)
        ended = [(key, outcome) for key, outcome in inbox.ended if not self._was_written(session, key)]
        return [(key, self._settle(session, key, outcome, now, inbox)) for key, outcome in ended]

    def _was_written(self, session: Session, key: RunKey) -> bool:
        """Say whether the commit that failed was kept after all: what it settled is not a late finish."""
        lease = session.leases.find(key.seq) if key in self._doubtful else None
        return key in self._doubtful and (lease is None or lease.run != key.run)

    def _settle(
        self, session: Session, key: RunKey, outcome: Outcome, now: Moment, inbox: Inbox
    ) -> Settled | LateFinish:
        """One outcome that cannot be recorded must not take its neighbours down: it becomes a rejection."""
        started, rng, profile = inbox.started.get(key), self._bench.rng, self._bench.profile
        try:
            with session.savepoint():
                return settling.settle(session, key, outcome, now, rng, started, profile)
        except (BgoError, ValueError, TypeError, OverflowError) as error:
            if isinstance(error, (StoreError, StoreBusyError)):
                raise
            problem = TaskError("UnrecordableOutcome", f"{type(error).__name__}: {error}")
            return settling.settle(session, key, Rejected(problem), now, rng, started, profile)

    def renew(self, live: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Extend our leases and return the (seq, run) pairs that are still ours.

        A lease in our name for a run we do not know comes from a commit that was thought to have failed: it goes back.
        """
        me, until = self._asker.worker, self._bench.clock.awake_ms() + self._bench.lease_ms
        with self._store.write() as session:
            session.leases.renew(me, until)
            held = session.leases.renewed(me)
        self._notice_gaps()
        self._renewed_at = self._bench.clock.awake_ms()
        known = live | {(key.seq, key.run) for key, _ in self.inbox.ended}
        known |= {(orphan.key.seq, orphan.key.run) for orphan in self._orphans}
        self.inbox.ended += [(RunKey(*key, me), _unstarted()) for key in sorted(held - known)]
        return held

    def rescue(self) -> Ended:
        """Take over orphaned runs, stop their processes, and put their tasks back in the queue."""
        me, awake = self._asker.worker, self._bench.clock.awake_ms()
        with self._store.read() as session:
            found = rescue.has_orphans(session, self._judge, me)
            dead = [w.id for w in session.leases.workers() if w.id != me and not self._is_alive(w.id)]
        if found:
            with self._store.write() as session:
                self._orphans += rescue.adopt(session, self._judge, me, awake + self._bench.lease_ms)
        free = [orphan for orphan in self._orphans if self._stop(orphan, awake)] if found or self._orphans else []
        if not (free or dead):
            return ()
        ended: list[tuple[RunKey, Outcome]] = [(o.key, Lost(o.lease.started_at is not None, o.rebooted)) for o in free]
        with self._store.write() as session:
            settled = self._write(session, Inbox(ended=ended), self.moment)
            for worker in dead:
                session.leases.unregister(worker)
        self._orphans = [orphan for orphan in self._orphans if orphan not in free]
        for worker in dead:
            liveness.clear(self._bench.run_dir, worker)
        return settled

    def _stop(self, orphan: Orphan, awake: int) -> bool:
        """End what an orphaned run has started; return False when something of it lives: then it is not over."""
        if orphan.rebooted or orphan.lease.host != self._asker.host:
            return True
        if awake < self._stuck_until:
            return False
        lease = orphan.lease
        is_over = kill_run(lease.child, f"{lease.task_id}.{lease.run}", 0, self._bench.clock)
        if not is_over:
            self._stuck_until = self._bench.clock.awake_ms() + STUCK_MS
        return is_over

    def _is_alive(self, worker: str) -> bool:
        return liveness.is_alive(self._bench.run_dir, worker)

    def _judge(self, lease: Lease) -> Verdict:
        self._notice_gaps()
        awake, alive = self._bench.clock.awake_ms(), self._is_alive(lease.worker)
        if alive and awake < self._patience_until and lease.boot_id == self._asker.boot_id:
            return Verdict(orphaned=False)
        return judge(lease, owner_alive=alive, boot_id=self._asker.boot_id, awake_ms=awake)

    def _notice_gaps(self) -> None:
        """After we could not renew for most of a lease, judge nobody by lease time for another one.

        We were stopped, or the store was out of reach: for the others too, perhaps, who are no more dead than we are.
        """
        awake = self._bench.clock.awake_ms()
        if awake - self._renewed_at > self._bench.lease_ms * 2 // 3:
            self._patience_until = awake + self._bench.lease_ms


def _count_from_the_claim(session: Session, tick: Tick, now: int) -> None:
    """A task that was given back before may be one that kills its worker before Started can be written.

    From its second run on, the claim counts as the start: so its losses are counted, and it cannot go on for ever.
    """
    for claim in tick.claims:
        if claim.task.run > claim.task.attempt:
            session.leases.mark_started(claim.task.seq, claim.task.run, now)


def _unstarted() -> Released:
    return Released(Reason.SHUTDOWN, started=False)
