"""Pauses of names, queues and tags: the lanes they close, and the live runs they stop."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING

from bgo.model.lane import Gate, LaneKey

if TYPE_CHECKING:
    from bgo.model.query import Pause
    from bgo.store.sql.lanes import SqlLanes

PAUSE_BIT = {"name": 1, "queue": 2, "tag": 4, "stage": 8}
"""What `lane.paused` is made of: a lane is open when none is set. The last one: its tasks are still coming in."""
ADD_PAUSE = """INSERT INTO pause (kind, value, at, running) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, value) DO UPDATE SET running = max(running, excluded.running)"""
DROP_PAUSE = "DELETE FROM pause WHERE kind = ? AND value = ?"
PAUSES = "SELECT kind, value, at, running FROM pause ORDER BY kind, value"
MARKS = "SELECT value FROM pause WHERE kind = 'tag' ORDER BY value"
PAUSED_LANES = {
    "name": "SELECT id, paused, concurrency_key FROM lane WHERE name = ?",
    "queue": """SELECT lane.id, paused, concurrency_key FROM lane JOIN view ON view.id = lane.view
        WHERE view.queue = ?""",
}
SET_PAUSED = """UPDATE lane SET paused = ?1, parked = CASE WHEN ?1 = 0 THEN 0 ELSE parked END,
    turn = CASE WHEN ?1 = 0 THEN head END,
    held_by = CASE ?1 WHEN 0 THEN NULL WHEN 8 THEN 'staging' ELSE 'paused' END WHERE id = ?2"""
HELD_BY = "CASE paused WHEN 0 THEN NULL WHEN 8 THEN 'staging' ELSE 'paused' END"
"""What holds a lane, by the bits it is paused by."""
IS_STAGED = "SELECT EXISTS (SELECT 1 FROM stage WHERE id = ?)"
MOVE_TAG = "INSERT INTO tag_move (tag) VALUES (?) ON CONFLICT (tag) DO UPDATE SET after = 0"
LET_RUN = "UPDATE pause SET running = 0 WHERE kind = ? AND value = ?"
SHALL_STAND = """EXISTS (SELECT 1 FROM pause WHERE running = 1 AND (
    (kind = 'name' AND value = task.name) OR (kind = 'queue' AND value = lease.queue)
    OR (kind = 'tag' AND value IN (SELECT tag FROM task_tag WHERE task_tag.task = task.seq))))"""
STOP_RUNNING = f"""UPDATE lease SET paused = wanted.paused FROM (
    SELECT lease.task AS seq, {SHALL_STAND} AS paused FROM lease CROSS JOIN task ON task.seq = lease.task
) AS wanted WHERE lease.task = wanted.seq AND lease.paused <> wanted.paused"""


def paused_bits(db: sqlite3.Connection, key: LaneKey) -> int:
    """Return what a new lane of these gates is paused by."""
    paused = PAUSE_BIT["tag"] if key.marks else 0
    for kind, value, _, _ in db.execute(PAUSES).fetchall():
        if kind != "tag" and value == (key.name if kind == "name" else key.view.queue):
            paused |= PAUSE_BIT[kind]
    if key.stage is not None and db.execute(IS_STAGED, (key.stage,)).fetchone()[0]:
        paused |= PAUSE_BIT["stage"]
    return paused


class SqlPauses:
    """See `port.Pauses`."""

    def __init__(self, db: sqlite3.Connection, lanes: SqlLanes) -> None:
        self._db = db
        self._lanes = lanes

    def set(self, kind: str, value: str, *, paused: bool, running: bool = False, now: int) -> int:
        known = (kind, value)
        self._db.execute(ADD_PAUSE if paused else DROP_PAUSE, (*known, now, running) if paused else known)
        self.stop_running()
        if kind == "tag":
            self._db.execute(MOVE_TAG, (value,))
            return 0
        touched = 0
        for lane, before, key in self._db.execute(PAUSED_LANES[kind], (value,)).fetchall():
            after = before | PAUSE_BIT[kind] if paused else before & ~PAUSE_BIT[kind]
            if after != before:
                touched += 1
                self.set_bits(lane, after, key, now)
        return touched

    def set_bits(self, lane: int, paused: int, key: str | None, now: int) -> None:
        """Close a lane by these bits, or open it."""
        self._db.execute(SET_PAUSED, (paused, lane))
        held_by = None if not paused else Gate.STAGING if paused == PAUSE_BIT["stage"] else Gate.PAUSED
        self._lanes.log("lane", lane, held_by, now)
        if key is not None:
            self._lanes.open_key(key, now)

    def let_run(self, kind: str, value: str) -> None:
        self._db.execute(LET_RUN, (kind, value))
        self.stop_running()

    def list(self) -> list[Pause]:
        rows = self._db.execute(PAUSES).fetchall()
        if not rows:
            return []
        from bgo.model.query import Pause  # enqueue needs it only when something is paused

        return [Pause(kind, value, at, bool(running)) for kind, value, at, running in rows]

    def stop_running(self) -> None:
        self._db.execute(STOP_RUNNING)

    def marks(self, tags: Collection[str]) -> tuple[str, ...]:
        if not tags:
            return ()
        return tuple(tag for (tag,) in self._db.execute(MARKS) if tag in tags)
