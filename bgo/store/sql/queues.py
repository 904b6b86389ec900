"""Queues: weights, reserve and the stride's passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bgo.policy.order import STRIDE
from bgo.store.sql.select import SEEN

if TYPE_CHECKING:
    from bgo.model.plan import QueueShare
    from bgo.model.query import QueueRow

SHARES = """SELECT name, weight, reserve, pass_at, start,
    CASE WHEN slots IS NOT NULL THEN slots - (SELECT count(*) FROM lease WHERE lease.queue = queue.name) END
FROM queue ORDER BY name"""
FULL = """SELECT name, slots FROM queue
WHERE slots IS NOT NULL AND slots <= (SELECT count(*) FROM lease WHERE lease.queue = queue.name)"""
MOVE = "UPDATE queue SET pass_at = ?, start = ? WHERE name = ?"
ENSURE = f"""INSERT INTO queue (name, weight, reserve, slots, pass_at)
SELECT ?1, coalesce(?2, 1.0), coalesce(?3, 0), nullif(?4, 0), coalesce(max(start), 0) + {STRIDE} / coalesce(?2, 1.0)
FROM queue WHERE true
ON CONFLICT (name) DO UPDATE SET weight = coalesce(?2, weight), reserve = coalesce(?3, reserve),
    slots = CASE WHEN ?4 IS NULL THEN slots ELSE nullif(?4, 0) END"""
SETTINGS = "SELECT name, weight, reserve, slots FROM queue"
NAMES = "SELECT name FROM queue ORDER BY weight DESC, name"
ROWS = f"""SELECT name, weight, reserve,
    EXISTS (SELECT 1 FROM pause WHERE kind = 'queue' AND value = queue.name),
    coalesce(w.n, 0), (SELECT count(*) FROM lease WHERE lease.queue = queue.name), slots
FROM queue LEFT JOIN (
    SELECT queue AS q, count(*) AS n FROM task WHERE state IN ('queued', 'retrying', 'blocked') AND kind = 'task'
        AND {SEEN} GROUP BY queue
) AS w ON w.q = queue.name ORDER BY weight DESC, name"""


class SqlQueues:
    """See `port.Queues`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def shares(self) -> list[QueueShare]:
        from bgo.model.plan import QueueShare  # enqueue needs names alone

        return [QueueShare(*row) for row in self._db.execute(SHARES)]

    def full(self) -> dict[str, int]:
        return dict(self._db.execute(FULL).fetchall())

    def move(self, shares: Sequence[QueueShare]) -> None:
        self._db.executemany(MOVE, [(s.pass_at, s.start, s.name) for s in shares])

    def ensure(
        self, name: str, weight: float | None = None, reserve: int | None = None, slots: int | None = None
    ) -> None:
        self._db.execute(ENSURE, (name, weight, reserve, slots))

    def settings(self) -> dict[str, tuple[float, int, int | None]]:
        return {name: (weight, reserve, slots) for name, weight, reserve, slots in self._db.execute(SETTINGS)}

    def names(self) -> list[str]:
        return [name for (name,) in self._db.execute(NAMES)]

    def rows(self) -> list[QueueRow]:
        from bgo.model.query import QueueRow

        return [QueueRow(n, w, r, bool(p), q, a, s) for n, w, r, p, q, a, s in self._db.execute(ROWS)]
