"""Dependencies: what a task still needs of others, who waits for a task, and whom an ended task has yet to tell.

A need that was met is forgotten: success is for good, and an end is only waited for once. So a blocked task with no
row left may go on, and a row of an ended task is one whose upstream has not succeeded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from bgo.model.task import Task
from bgo.store.sql.taskrows import COLUMNS, to_task

_WAITERS = "FROM dependency CROSS JOIN task ON task.seq = dependency.task WHERE upstream = ? AND state = 'blocked'"
ADD = """INSERT INTO dependency (task, upstream, kind) VALUES (?, ?, ?)
ON CONFLICT (task, upstream) DO UPDATE SET kind = 'success' WHERE excluded.kind = 'success'"""
HAS_WAITERS = f"SELECT EXISTS (SELECT 1 {_WAITERS})"
WAITERS = f"SELECT dependency.kind, task.* FROM dependency CROSS JOIN (SELECT {COLUMNS} FROM task) AS task"
WAITERS += " ON task.seq = dependency.task WHERE upstream = ? AND state = 'blocked' ORDER BY task.seq LIMIT ?"
UPSTREAMS = f"""SELECT {COLUMNS} FROM task
WHERE seq IN (SELECT upstream FROM dependency WHERE dependency.task = ?) ORDER BY seq LIMIT ?"""
MEET = "DELETE FROM dependency WHERE task = ? AND upstream = ?"
MEET_ENDED = """DELETE FROM dependency WHERE task = ?1 AND upstream IN (
    SELECT upstream FROM dependency AS need JOIN task AS other ON other.seq = need.upstream
    WHERE need.task = ?1 AND (other.state = 'succeeded' OR need.kind = 'end' AND other.finished_at IS NOT NULL))"""
NEEDS = "SELECT EXISTS (SELECT 1 FROM dependency WHERE task = ?)"
HOLD = "INSERT OR IGNORE INTO release (upstream) VALUES (?)"
PENDING = "SELECT EXISTS (SELECT 1 FROM release)"
NEXT_RELEASES = "SELECT upstream FROM release ORDER BY upstream LIMIT ?"
RELEASED = "DELETE FROM release WHERE upstream = ?"


class SqlLinks:
    """See `port.Links`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, seq: int, upstreams: Mapping[int, str]) -> None:
        self._db.executemany(ADD, [(seq, upstream, kind) for upstream, kind in upstreams.items()])

    def upstreams(self, seq: int, limit: int) -> list[Task]:
        return [to_task(row) for row in self._db.execute(UPSTREAMS, (seq, limit)).fetchall()]

    def has_waiters(self, upstream: int) -> bool:
        return bool(self._db.execute(HAS_WAITERS, (upstream,)).fetchone()[0])

    def waiters(self, upstream: int, limit: int) -> list[tuple[Task, str]]:
        rows = self._db.execute(WAITERS, (upstream, limit)).fetchall()
        return [(to_task(row[1:]), row[0]) for row in rows]

    def meet(self, seq: int, upstream: int) -> bool:
        self._db.execute(MEET, (seq, upstream))
        return not self.needs(seq)

    def meet_ended(self, seq: int) -> bool:
        self._db.execute(MEET_ENDED, (seq,))
        return not self.needs(seq)

    def needs(self, seq: int) -> bool:
        return bool(self._db.execute(NEEDS, (seq,)).fetchone()[0])

    def put_off(self, upstream: int) -> None:
        self._db.execute(HOLD, (upstream,))

    def is_pending(self) -> bool:
        return bool(self._db.execute(PENDING).fetchone()[0])

    def pending(self, limit: int) -> list[int]:
        return [seq for (seq,) in self._db.execute(NEXT_RELEASES, (limit,)).fetchall()]

    def told(self, upstream: int) -> None:
        self._db.execute(RELEASED, (upstream,))
