"""Chains and batches: what they are made of, how far they are, and their members as they stand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bgo.model.state import State
from bgo.store.rows import FlowRow
from bgo.store.sql.select import SEEN
from bgo.store.sql.taskrows import COLUMNS, to_task

if TYPE_CHECKING:
    from bgo.model.task import Task

INSERT = "INSERT INTO flow (seq, plan, at, open) VALUES (?, ?, ?, ?)"
FIND = """SELECT plan, at, ending, open, cursor, told, total, succeeded, failed, cancelled,
    EXISTS (SELECT 1 FROM stage WHERE hidden = 1 AND stage.id = (SELECT id FROM task WHERE task.seq = flow.seq)),
    EXISTS (SELECT 1 FROM stage WHERE stage.flow = flow.seq AND hidden = 1),
    EXISTS (SELECT 1 FROM task WHERE parent = flow.seq AND step = 0 AND finished_at IS NULL),
    EXISTS (SELECT 1 FROM task WHERE parent = flow.seq AND step = 0 AND state = 'blocked') FROM flow WHERE seq = ?"""
SET = {name: f"UPDATE flow SET {name} = ? WHERE seq = ?" for name in ("plan", "at", "ending", "open", "cursor", "told")}
COUNT = {
    name: f"UPDATE flow SET {name} = {name} + ? WHERE seq = ?"
    for name in ("total", State.SUCCEEDED, State.FAILED, State.CANCELLED)
}
BEGIN = "UPDATE task SET state = 'running', reason = ? WHERE seq = ? AND state = 'blocked'"
HOLD_BACK = (
    "UPDATE task SET state = 'blocked', reason = 'new', ready_at = created_at WHERE seq = ? AND state = 'running'"
)
ANNOUNCE = "UPDATE task SET dedup_key = ?, unique_id = ? WHERE seq = ?"
STARTED = "UPDATE task SET started_at = ?1 WHERE seq = ?2 AND (started_at IS NULL OR started_at > ?1)"
END = """UPDATE task SET state = ?, reason = ?, finished_at = ?, output = ?, error = ?, cancel_reason = NULL
WHERE seq = ? AND state = 'running'"""
IS_OPEN = "SELECT EXISTS (SELECT 1 FROM task WHERE parent = ? AND step = ? AND finished_at IS NULL)"
ANY_OPEN = "SELECT EXISTS (SELECT 1 FROM task WHERE parent = ? AND finished_at IS NULL)"
OPEN_THERE = f"SELECT EXISTS (SELECT 1 FROM task WHERE parent = ? AND step < ? AND finished_at IS NULL AND {SEEN})"
HELD = f"""SELECT {COLUMNS} FROM task INDEXED BY task_member_held
WHERE parent = ? AND state = 'blocked' AND step BETWEEN ? AND ? AND {SEEN} ORDER BY step, seq LIMIT ?"""
UNSTOPPED = f"""SELECT {COLUMNS} FROM task INDEXED BY task_member_open WHERE parent = ? AND finished_at IS NULL
    AND (state <> 'running' OR cancel_reason IS NULL) AND {SEEN} ORDER BY step, seq LIMIT ?"""
UNDONE = f"""SELECT {COLUMNS} FROM task INDEXED BY task_member
WHERE parent = ? AND step BETWEEN ? AND ? AND seq > ? AND state IN ('failed', 'cancelled') AND {SEEN}
ORDER BY step, seq LIMIT ?"""
MEMBERS = f"""SELECT {COLUMNS} FROM task INDEXED BY task_member
WHERE parent = ?1 AND (step, seq) > (?2, ?3) ORDER BY step, seq LIMIT ?4"""
OF_STEP = f"""SELECT {COLUMNS} FROM task INDEXED BY task_member
WHERE parent = ? AND step = ? AND seq > ? ORDER BY seq LIMIT ?"""
TALLY = "SELECT state, count(*) FROM task INDEXED BY task_member WHERE parent = ? AND step = ? GROUP BY state"
OUTPUT_BYTES = """SELECT sum(length(bytes)) FROM task INDEXED BY task_member JOIN payload ON payload.id = task.output
WHERE parent = ? AND step = 0"""
_UNDER = """WITH RECURSIVE above (seq) AS (SELECT ?1 UNION ALL
    SELECT task.seq FROM above CROSS JOIN task INDEXED BY task_member_flow
        ON task.parent = above.seq AND task.kind <> 'task' AND task.parent IS NOT NULL
    WHERE task.finished_at IS NULL)"""
_OPEN_UNDER = """above CROSS JOIN task INDEXED BY task_member_open
    ON task.parent = above.seq AND task.parent IS NOT NULL WHERE task.finished_at IS NULL"""
READY_UNDER = f"{_UNDER} SELECT task.seq FROM {_OPEN_UNDER} AND task.ready = 1 LIMIT ?2"
NEXT_DUE_UNDER = f"""{_UNDER} SELECT min(task.due_at) FROM {_OPEN_UNDER}
    AND task.ready = 0 AND task.state IN ('queued', 'retrying')"""
RUNS_UNDER = """SELECT EXISTS (SELECT 1 FROM lease CROSS JOIN task ON task.seq = lease.task WHERE ?1 IN (
    WITH RECURSIVE above (seq) AS (SELECT task.parent UNION ALL SELECT other.parent FROM above
        JOIN task AS other ON other.seq = above.seq WHERE other.parent IS NOT NULL) SELECT seq FROM above))"""


class SqlFlows:
    """See `port.Flows`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def insert(self, seq: int, plan: int | None, *, at: int, is_open: bool) -> None:
        self._db.execute(INSERT, (seq, plan, at, int(is_open)))

    def find(self, seq: int) -> FlowRow | None:
        row = self._db.execute(FIND, (seq,)).fetchone()
        return None if row is None else FlowRow(seq, *row)

    def set(self, seq: int, field: str, value: int | str | None) -> None:
        self._db.execute(SET[field], (value, seq))

    def count(self, seq: int, field: str, by: int) -> None:
        self._db.execute(COUNT[field], (by, seq))

    def begin(self, seq: int, reason: str) -> bool:
        return self._db.execute(BEGIN, (reason, seq)).rowcount == 1

    def hold_back(self, seq: int) -> None:
        self._db.execute(HOLD_BACK, (seq,))

    def announce(self, seq: int, dedup_key: str | None, unique_id: str | None) -> None:
        self._db.execute(ANNOUNCE, (dedup_key, unique_id, seq))

    def started(self, seq: int, at: int) -> None:
        self._db.execute(STARTED, (at, seq))

    def end(self, seq: int, to: tuple[State, str], now: int, *, output: int | None, error: int | None) -> bool:
        return self._db.execute(END, (*to, now, output, error, seq)).rowcount == 1

    def is_open_there(self, seq: int, below: int) -> bool:
        return bool(self._db.execute(OPEN_THERE, (seq, below)).fetchone()[0])

    def is_open(self, seq: int, step: int | None = None) -> bool:
        found = self._db.execute(ANY_OPEN, (seq,)) if step is None else self._db.execute(IS_OPEN, (seq, step))
        return bool(found.fetchone()[0])

    def held(self, seq: int, steps: tuple[int, int], limit: int) -> list[Task]:
        return self._tasks(HELD, (seq, *steps, limit))

    def unstopped(self, seq: int, limit: int) -> list[Task]:
        return self._tasks(UNSTOPPED, (seq, limit))

    def undone(self, seq: int, steps: tuple[int, int], limit: int, after: int = 0) -> list[Task]:
        return self._tasks(UNDONE, (seq, *steps, after, limit))

    def members(self, seq: int, *, after: tuple[int, int] = (-1, 0), limit: int) -> list[Task]:
        return self._tasks(MEMBERS, (seq, *after, limit))

    def of_step(self, seq: int, step: int, *, after: int = 0, limit: int) -> list[Task]:
        return self._tasks(OF_STEP, (seq, step, after, limit))

    def _tasks(self, statement: str, values: tuple[int, ...]) -> list[Task]:
        return [to_task(row) for row in self._db.execute(statement, values).fetchall()]

    def tally(self, seq: int, step: int) -> Mapping[State, int]:
        return {State(state): n for state, n in self._db.execute(TALLY, (seq, step))}

    def output_bytes(self, seq: int) -> int:
        return int(self._db.execute(OUTPUT_BYTES, (seq,)).fetchone()[0] or 0)

    def ready_under(self, seq: int, limit: int) -> list[int]:
        return [found for (found,) in self._db.execute(READY_UNDER, (seq, limit)).fetchall()]

    def next_due_under(self, seq: int) -> int | None:
        found: int | None = self._db.execute(NEXT_DUE_UNDER, (seq,)).fetchone()[0]
        return found

    def runs_under(self, seq: int) -> bool:
        return bool(self._db.execute(RUNS_UNDER, (seq,)).fetchone()[0])
