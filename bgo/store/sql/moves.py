"""Moves: tasks that go to another lane or another place, and how far the tags of a pause have been worked off."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bgo.store.rows import Seat
from bgo.store.sql.taskrows import COLUMNS, to_task

if TYPE_CHECKING:
    from bgo.model.task import Task

NEXT = "SELECT tag, after FROM tag_move ORDER BY tag LIMIT 1"
TAGGED = "SELECT task FROM task_tag WHERE tag = ? AND task > ? ORDER BY task LIMIT ?"
REACHED = "UPDATE tag_move SET after = ? WHERE tag = ?"
DONE = "DELETE FROM tag_move WHERE tag = ?"
RELANE = """UPDATE task SET lane = ?, ready_at = ?, waited = ?
WHERE seq = ? AND run = ? AND state = ? AND lane = ?"""
RELAXING = f"""SELECT {COLUMNS} FROM task INDEXED BY task_relax
WHERE relax_at IS NOT NULL AND finished_at IS NULL AND relax_at <= ? ORDER BY relax_at LIMIT ?"""
RELAXED = "UPDATE task SET relax_at = ? WHERE seq = ?"
RESEAT = """UPDATE task SET lane = ?, queue = ?, priority = ?, ready = ?, ready_at = ?, due_at = ?, order_key = ?,
    rank = ?, bump = ?, expires_at = ?, waited = ?
WHERE seq = ? AND run = ? AND state = ? AND lane = ?"""


class SqlMoves:
    """See `port.Moves`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def next(self) -> tuple[str, int] | None:
        row: tuple[str, int] | None = self._db.execute(NEXT).fetchone()
        return row

    def tagged(self, tag: str, after: int, limit: int) -> list[int]:
        return [seq for (seq,) in self._db.execute(TAGGED, (tag, after, limit)).fetchall()]

    def reached(self, tag: str, after: int) -> None:
        self._db.execute(REACHED, (after, tag))

    def done(self, tag: str) -> None:
        self._db.execute(DONE, (tag,))

    def relane(self, task: Task, lane: int, ready_at: int | None, waited: str) -> bool:
        guard = (task.seq, task.run, task.state, task.lane)
        return self._db.execute(RELANE, (lane, ready_at, waited, *guard)).rowcount == 1

    def relaxing(self, now: int, limit: int) -> list[Task]:
        return [to_task(row) for row in self._db.execute(RELAXING, (now, limit)).fetchall()]

    def relaxed(self, task: Task, next_at: int | None) -> None:
        self._db.execute(RELAXED, (next_at, task.seq))

    def reseat(self, task: Task, seat: Seat) -> bool:
        guard = (task.seq, task.run, task.state, task.lane)
        place = (*seat.place, seat.waited)
        return self._db.execute(RESEAT, (seat.lane, seat.queue, seat.priority, *place, *guard)).rowcount == 1
