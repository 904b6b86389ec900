"""Moves: tasks that go to another lane or another place, and how far the tags of a pause have been worked off."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bgo.store.rows import Seat

if TYPE_CHECKING:
    from bgo.model.task import Task

NEXT = "SELECT tag, after FROM tag_move ORDER BY tag LIMIT 1"
TAGGED = "SELECT task FROM task_tag WHERE tag = ? AND task > ? ORDER BY task LIMIT ?"
REACHED = "UPDATE tag_move SET after = ? WHERE tag = ?"
DONE = "DELETE FROM tag_move WHERE tag = ?"
RELANE = """UPDATE task SET lane = ?, ready_at = ?, waited = ?
WHERE seq = ? AND run = ? AND state = ? AND lane = ?"""
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

    def reseat(self, task: Task, seat: Seat) -> bool:
        guard = (task.seq, task.run, task.state, task.lane)
        place = (*seat.place, seat.waited)
        return self._db.execute(RESEAT, (seat.lane, seat.queue, seat.priority, *place, *guard)).rowcount == 1
