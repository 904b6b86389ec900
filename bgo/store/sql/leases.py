"""Leases and workers: who runs what, and for how long."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from bgo.model.task import Child, Lease, WorkerRow
from bgo.store.faults import reads
from bgo.store.rows import Holder, NewLease

_LEASE = """SELECT task.id, lease.task, lease.run, lease.worker, lease.host, lease.boot_id, lease.until,
    lease.child_pid, lease.child_start, lease.claimed_at, lease.started_at, lease.queue, lease.concurrency_key,
    lease.waited, lease.rate_key, lease.stamped, lease.paused, lease.profile
FROM lease CROSS JOIN task ON task.seq = lease.task"""  # CROSS JOIN: leases first, whatever ANALYZE says
INSERT = """INSERT INTO lease (task, run, worker, host, boot_id, until, child_pid, child_start, claimed_at, queue,
    concurrency_key, waited, rate_key, profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
FIND = _LEASE + " WHERE lease.task = ?"
ALL = _LEASE + " ORDER BY lease.claimed_at, lease.task"
DELETE = "DELETE FROM lease WHERE task = ? AND run = ?"
RENEW = "UPDATE lease SET until = ? WHERE worker = ?"
ADOPT = """UPDATE lease SET worker = ?, until = ? WHERE task = ? AND run = ? AND worker = ? AND until = ?"""
HELD = "SELECT task, run FROM lease WHERE worker = ?"
STOPPED = "SELECT task, run FROM lease WHERE worker = ? AND paused = 1"
STARTED = "UPDATE lease SET started_at = ? WHERE task = ? AND run = ?"
USAGE = "SELECT concurrency_key, count(*) FROM lease WHERE concurrency_key IS NOT NULL GROUP BY concurrency_key"
UNDER = """SELECT task.id, task.name, lease.claimed_at, lease.started_at
FROM lease INDEXED BY lease_concurrency CROSS JOIN task ON task.seq = lease.task
WHERE lease.concurrency_key = ? ORDER BY lease.claimed_at, lease.task"""
BY_HOST = "SELECT queue, count(*) FROM lease WHERE host = ? GROUP BY queue"
BY_WORKER = "SELECT queue, count(*) FROM lease WHERE worker = ? GROUP BY queue"
REGISTER = """INSERT INTO worker (id, host, boot_id, pid, pid_start, started_at, slots, queues)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
UNREGISTER = "DELETE FROM worker WHERE id = ?"
COUNT = "SELECT count(*) FROM worker"
WORKERS = "SELECT id, host, boot_id, pid, pid_start, started_at, slots, queues FROM worker ORDER BY started_at, id"


@reads("a lease")
def _lease(row: tuple[Any, ...]) -> Lease:
    values = list(row)
    values[7:9] = [Child(row[7], row[8])]
    return Lease(*values)


@reads("a worker")
def _worker(row: tuple[Any, ...]) -> WorkerRow:
    values = list(row)
    values[7] = tuple(json.loads(row[7]))
    return WorkerRow(*values)


class SqlLeases:
    """See `port.Leases`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def insert(self, lease: NewLease) -> None:
        self._db.execute(INSERT, lease)

    def delete(self, seq: int, run: int) -> bool:
        return self._db.execute(DELETE, (seq, run)).rowcount == 1

    def find(self, seq: int) -> Lease | None:
        row = self._db.execute(FIND, (seq,)).fetchone()
        return None if row is None else _lease(row)

    def list_all(self) -> list[Lease]:
        return [_lease(row) for row in self._db.execute(ALL)]

    def renew(self, worker: str, until: int) -> int:
        return self._db.execute(RENEW, (until, worker)).rowcount

    def adopt(self, lease: Lease, worker: str, until: int) -> bool:
        guard = (lease.seq, lease.run, lease.worker, lease.until_ms)
        return self._db.execute(ADOPT, (worker, until, *guard)).rowcount == 1

    def renewed(self, worker: str) -> set[tuple[int, int]]:
        return set(self._db.execute(HELD, (worker,)))

    def stopped(self, worker: str) -> set[tuple[int, int]]:
        return set(self._db.execute(STOPPED, (worker,)))

    def mark_started(self, seq: int, run: int, now: int) -> bool:
        return self._db.execute(STARTED, (now, seq, run)).rowcount == 1

    def usage(self) -> Mapping[str, int]:
        return dict(self._db.execute(USAGE).fetchall())

    def under(self, key: str) -> list[Holder]:
        return [Holder(*row) for row in self._db.execute(UNDER, (key,))]

    def running_by_queue(self, host: str, worker: str | None) -> Mapping[str, int]:
        if worker is not None:
            return dict(self._db.execute(BY_WORKER, (worker,)).fetchall())
        return dict(self._db.execute(BY_HOST, (host,)).fetchall())

    def register(self, worker: WorkerRow) -> None:
        w = worker
        self._db.execute(
            REGISTER, (w.id, w.host, w.boot_id, w.pid, w.pid_start, w.started_at, w.slots, json.dumps(w.queues))
        )

    def unregister(self, worker: str) -> None:
        self._db.execute(UNREGISTER, (worker,))

    def count_workers(self) -> int:
        return int(self._db.execute(COUNT).fetchone()[0])

    def workers(self) -> list[WorkerRow]:
        return [_worker(row) for row in self._db.execute(WORKERS)]
