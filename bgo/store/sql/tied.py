"""Task rows that other tasks or their own times bear on: blocked, unique, deduplicated and expiring ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from bgo.model.state import State
from bgo.model.task import Task
from bgo.store.faults import reads
from bgo.store.sql.select import SEEN
from bgo.store.sql.taskrows import COLUMNS, to_task

UNBLOCK = """UPDATE task SET state = 'queued', reason = ?1, ready = due_at <= ?2,
    ready_at = CASE WHEN due_at <= ?2 THEN ?2 END, waited = ?3 WHERE seq = ?4 AND state = 'blocked'"""
SKIP = "UPDATE task SET state = ?, reason = ?, finished_at = ?, error = ? WHERE seq = ? AND state = 'blocked'"
SET_DEDUP_KEY = "UPDATE task SET dedup_key = ? WHERE seq = ?"
UNFINISHED_AS = f"""SELECT {COLUMNS} FROM task INDEXED BY task_unique_open
WHERE unique_id = ? AND finished_at IS NULL ORDER BY seq DESC"""
NEWEST_AS = f"SELECT {COLUMNS} FROM task INDEXED BY task_unique WHERE unique_id = ? ORDER BY seq DESC LIMIT 1"
_EXPIRING = """FROM task INDEXED BY task_expiry
WHERE expires_at IS NOT NULL AND state IN ('blocked', 'queued', 'retrying')"""
EXPIRED = f"SELECT {COLUMNS} {_EXPIRING} AND expires_at <= ? ORDER BY expires_at LIMIT ?"
EXPIRED_COUNTS = f"SELECT state, count(*) {_EXPIRING} AND expires_at <= ? AND kind = 'task' AND {SEEN} GROUP BY state"
NEXT_EXPIRY = f"SELECT expires_at {_EXPIRING} ORDER BY expires_at LIMIT 1"


class TiedTasks:
    """The part of `port.Tasks` about tasks that are tied to others."""

    _db: sqlite3.Connection

    def unblock(self, task: Task, reason: str, now: int, waited: str) -> bool:
        return self._db.execute(UNBLOCK, (reason, now, waited, task.seq)).rowcount == 1

    def skip(self, task: Task, state: State, reason: str, now: int, error: int | None) -> bool:
        return self._db.execute(SKIP, (state, reason, now, error, task.seq)).rowcount == 1

    def set_dedup_key(self, task: Task, key: str) -> None:
        self._db.execute(SET_DEDUP_KEY, (key, task.seq))

    def unfinished_as(self, unique_id: str) -> list[Task]:
        return [to_task(row) for row in self._db.execute(UNFINISHED_AS, (unique_id,)).fetchall()]

    def newest_as(self, unique_id: str) -> Task | None:
        row = self._db.execute(NEWEST_AS, (unique_id,)).fetchone()
        return None if row is None else to_task(row)

    def expired(self, now: int, limit: int) -> list[Task]:
        return [to_task(row) for row in self._db.execute(EXPIRED, (now, limit)).fetchall()]

    @reads("a task's state")
    def expired_counts(self, now: int) -> Mapping[State, int]:
        return {State(state): n for state, n in self._db.execute(EXPIRED_COUNTS, (now,))}

    def next_expiry(self) -> int | None:
        row = self._db.execute(NEXT_EXPIRY).fetchone()
        return None if row is None else int(row[0])
