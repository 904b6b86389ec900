"""Dedup keys: which task holds one, until when, and how many equal enqueues it has stood in for."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bgo.model.limits import KeyHolder

FIND = """SELECT dedup.task, until, suppressed, task.state
FROM dedup LEFT JOIN task ON task.id = dedup.task WHERE key = ?"""
TAKE = "INSERT OR REPLACE INTO dedup (key, task, until) VALUES (?, ?, ?)"
SUPPRESS = "UPDATE dedup SET suppressed = suppressed + 1 WHERE key = ? RETURNING suppressed"
RELEASE = "DELETE FROM dedup WHERE task = ?"
PAGE = "SELECT key FROM dedup WHERE key > ? ORDER BY key LIMIT ?"
FORGET = """DELETE FROM dedup WHERE key > ?1 AND key <= ?2 AND CASE
    WHEN until IS NOT NULL THEN until <= ?3
    ELSE NOT EXISTS (SELECT 1 FROM task WHERE task.id = dedup.task AND finished_at IS NULL) END"""


class SqlDedup:
    """See `port.Dedup`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, key: str) -> KeyHolder | None:
        row = self._db.execute(FIND, (key,)).fetchone()
        if row is None:
            return None
        from bgo.model.limits import KeyHolder

        return KeyHolder(*row)

    def take(self, key: str, task_id: str, until: int | None) -> None:
        self._db.execute(TAKE, (key, task_id, until))

    def suppress(self, key: str) -> int:
        (count,) = self._db.execute(SUPPRESS, (key,)).fetchone()
        return int(count)

    def release(self, task_id: str) -> None:
        self._db.execute(RELEASE, (task_id,))

    def forget(self, after: str, now: int, limit: int) -> str | None:
        keys = self._db.execute(PAGE, (after, limit)).fetchall()
        if not keys:
            return None
        (last,) = keys[-1]
        self._db.execute(FORGET, (after, last, now))
        return str(last) if len(keys) == limit else None
