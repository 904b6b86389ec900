"""Whether a tick was right: what it claimed, what it left, and what it says was waited for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgo.engine.cycle import Claim, Tick
from bgo.engine.settle import RunKey
from bgo.model.state import CLAIMABLE, Event, Reason
from bgo.model.views import Explanation
from tests.engine.checks import ensure
from tests.engine.ledger import Row

if TYPE_CHECKING:
    from tests.engine.world import Worker, World


@dataclass(frozen=True)
class Round:
    """One tick of one worker, with so many idle children and perhaps only for some tasks."""

    world: World
    worker: Worker
    children: int
    only: frozenset[int] | None

    def check(self, done: Tick, told: Mapping[str, Explanation]) -> None:
        """Check every claim in its order and write it into the ledger; then check what was left."""
        ledger = self.world.ledger
        for row in ledger.rows.values():
            row.ready = row.ready or (row.state in CLAIMABLE and row.due_at <= self.world.now)
        room = min(self.children, max(0, self.worker.asker.slots - self._used().total()))
        ensure(len(done.claims) <= room, "no more claims than slots", (len(done.claims), room))
        waiting = [row for row in ledger.rows.values() if row.ready and (self.only is None or row.seq in self.only)]
        for claim in done.claims:
            self._check_claim(claim, waiting)
            row = ledger.rows[claim.task.id]
            closed = [g.gate for g in told[row.spec.id].gates if not g.is_open]
            ensure(not closed, "what starts was not explained as held", (row.spec.id, closed))
            waiting.remove(row)
            self._start(row)
        if len(done.claims) < room:
            left = [r.spec.id for r in waiting if not self._holds(r) and not self._is_kept(r)]
            ensure(not left, "no slot stays idle while something may start", left)

    def _holds(self, row: Row) -> list[str]:
        return self.world.ledger.holds(row, self.worker.asker.offer, self.worker.view, self.world.now)

    def _check_claim(self, claim: Claim, waiting: list[Row]) -> None:
        row = self.world.ledger.rows[claim.task.id]
        ensure(row in waiting, "only ready tasks start, and named ones if some are named", row.spec.id)
        held = self._holds(row)
        ensure(not held, "no gate is passed that holds", (row.spec.id, held))
        marks = self.world.ledger.marks
        first = min((r for r in waiting if r.lane == row.lane and marks(r) == marks(row)), key=Row.place)
        ensure(first is row or self.only is not None, "a lane's first goes first", (row.spec.id, first.spec.id))
        given = (claim.input, claim.setup, claim.checkpoint)
        ensure(given == (row.spec.input, row.spec.setup, row.checkpoint), "a child gets what was given", given)
        with self.world.store.read() as session:
            lease = session.leases.find(claim.task.seq)
        waited = json.loads(lease.waited if lease else "{}")
        before = sum(json.loads(claim.task.waited).values())
        span = before + max(0, self.world.now - (claim.task.ready_at or self.world.now))
        ensure(all(ms > 0 for ms in waited.values()), "waits are positive", waited)
        ensure(sum(waited.values()) <= span, "waits never exceed the wall", (waited, span))

    def _start(self, row: Row) -> None:
        holder = self.worker.asker.worker
        row.move(Event.CLAIM, Reason.CLAIMED, self.world.now)
        row.run, row.attempt = row.run + 1, row.attempt + 1
        row.holder, row.started, row.progress = holder, False, None
        self.world.tokens.append((row.spec.id, RunKey(row.seq, row.run, holder)))

    def _used(self) -> Counter[str]:
        """Return the slots in use by queue: the worker's own, or all of its host."""
        asker, others = self.worker.asker, self.world.workers
        return Counter(
            row.spec.queue
            for row in self.world.ledger.running()
            if (row.holder == asker.worker if asker.own_slots else others[row.holder].asker.host == asker.host)
        )

    def _is_kept(self, row: Row) -> bool:
        """Say whether the free slots are all reserved for other queues than this row's."""
        used, slots = self._used(), self.worker.asker.slots
        kept = sum(max(0, n - used[q]) for q, n in self.world.reserves.items() if q != row.spec.queue)
        return slots - used.total() <= min(kept, slots - 1)
