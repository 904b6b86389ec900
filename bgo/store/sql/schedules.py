"""Schedules, what became of their occurrences, and the tasks that came of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bgo.model import schedule_json
from bgo.model.schedule import Counters, OccurrenceRow, Schedule, ScheduleState
from bgo.model.task import Task
from bgo.store.faults import reads
from bgo.store.rows import NewSchedule, Next
from bgo.store.sql.taskrows import COLUMNS as TASK
from bgo.store.sql.taskrows import to_task

COLUMNS = """seq, id, key, source, name, handler, kind, wish, anchor, plan, state, reason, created_at, changed_at,
    next_at, fire_at, last_at, boot, since_seq, fired, skipped, missed, coalesced"""
INSERT = """INSERT INTO schedule (id, key, source, name, handler, kind, wish, anchor, plan, state, created_at,
    changed_at, next_at, fire_at, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?)"""
CHANGE = """UPDATE schedule SET source = ?, name = ?, handler = ?, kind = ?, wish = ?, anchor = ?, plan = ?,
    changed_at = ?, boot = ? WHERE seq = ?"""
SET = """UPDATE schedule SET state = ?, reason = ?, next_at = ?, fire_at = ?, since_seq = ?
WHERE seq = ? AND next_at IS ?"""
ADVANCE = """UPDATE schedule SET state = ?, reason = ?, next_at = ?, fire_at = ?, last_at = ?, boot = ?,
    fired = fired + ?, skipped = skipped + ?, missed = missed + ?, coalesced = coalesced + ?
WHERE seq = ? AND next_at IS ? AND boot IS ? AND state = 'active'"""
SET_BOOT = "UPDATE schedule SET boot = ? WHERE boot IS NOT NULL"
FIND = f"SELECT {COLUMNS} FROM schedule WHERE id = ?"
FIND_KEY = f"SELECT {COLUMNS} FROM schedule WHERE key = ? AND key IS NOT NULL"
PREFIX = "SELECT id FROM schedule WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
ALL = f"SELECT {COLUMNS} FROM schedule ORDER BY seq"
COUNTS = "SELECT state, count(*) FROM schedule GROUP BY state"
DUE = f"""SELECT {COLUMNS} FROM schedule INDEXED BY schedule_fire
WHERE fire_at IS NOT NULL AND fire_at <= ? ORDER BY fire_at LIMIT ?"""
AHEAD = f"""SELECT {COLUMNS} FROM schedule INDEXED BY schedule_last
WHERE fire_at IS NOT NULL AND last_at IS NOT NULL AND last_at > ? ORDER BY last_at DESC LIMIT ?"""
REBOOTS = f"""SELECT {COLUMNS} FROM schedule
WHERE boot IS NOT NULL AND state = 'active' AND (boot < ?1 OR boot > ?1) LIMIT ?2"""
DELETE = "DELETE FROM schedule WHERE seq = ?"
FORGET_ALL = "DELETE FROM occurrence WHERE schedule = ?"
NOTE = """INSERT INTO occurrence (schedule, at, outcome, number, task, noted_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (schedule, at) DO UPDATE SET outcome = excluded.outcome, number = excluded.number, task = excluded.task,
    noted_at = excluded.noted_at WHERE outcome <> 'fired'"""
HAS_FIRED = """SELECT EXISTS (SELECT 1 FROM occurrence WHERE schedule = ? AND at = ? AND outcome = 'fired')
    OR EXISTS (SELECT 1 FROM task WHERE id = ?)"""
FORGET = """DELETE FROM occurrence WHERE schedule = ?1 AND at < (
    SELECT at FROM occurrence WHERE schedule = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)"""
"""Those ahead of the one just noted were noted before the clock was set back, and stay beside."""
OCCURRENCES = """SELECT at, outcome, number, task, noted_at FROM occurrence WHERE schedule = ?
ORDER BY at DESC LIMIT ?"""
UNFINISHED = f"""SELECT {TASK} FROM task INDEXED BY task_schedule_open
WHERE schedule = ? AND schedule IS NOT NULL AND finished_at IS NULL ORDER BY seq DESC LIMIT ?"""
LAST_ENDS = """SELECT state FROM task INDEXED BY task_schedule WHERE schedule = ? AND schedule IS NOT NULL
    AND seq > ? AND state IN ('succeeded', 'failed') ORDER BY seq DESC LIMIT ?"""
MAX_SEQ = "SELECT coalesce(max(seq), 0) FROM task"


_wish = lru_cache(maxsize=1024)(schedule_json.load)
"""Each tick reads those that are due: their text is parsed once."""


@reads("a schedule")
def _to_schedule(row: Sequence[Any]) -> Schedule:
    values: list[Any] = [*row[:8], *row[9:19], Counters(*row[19:])]
    values[7] = _wish(row[7], row[8])
    values[9] = ScheduleState(row[10])
    return Schedule(*values)


class SqlSchedules:
    """See `port.Schedules`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def insert(self, row: NewSchedule) -> None:
        self._db.execute(INSERT, row)

    def change(self, schedule: Schedule, row: NewSchedule) -> None:
        said = (row.source, row.name, row.handler, row.kind, row.wish, row.anchor, row.plan, row.changed_at, row.boot)
        self._db.execute(CHANGE, (*said, schedule.seq))

    def set(
        self, schedule: Schedule, state: ScheduleState, reason: str, to: Next, since_seq: int | None = None
    ) -> bool:
        since = schedule.since_seq if since_seq is None else since_seq
        values = (state, reason, *to, since, schedule.seq, schedule.next_at)
        return self._db.execute(SET, values).rowcount == 1

    def advance(
        self, schedule: Schedule, state: tuple[ScheduleState, str], to: Next, reached: tuple[int | None, str | None],
        more: Counters,
    ) -> bool:  # fmt: skip
        guard = (schedule.seq, schedule.next_at, schedule.boot)
        return self._db.execute(ADVANCE, (*state, *to, *reached, *more, *guard)).rowcount == 1

    def set_boot(self, boot: str) -> None:
        self._db.execute(SET_BOOT, (boot,))

    def find(self, schedule_id: str) -> Schedule | None:
        return self._one(FIND, schedule_id)

    def find_key(self, key: str) -> Schedule | None:
        return self._one(FIND_KEY, key)

    def _one(self, statement: str, value: str) -> Schedule | None:
        row = self._db.execute(statement, (value,)).fetchone()
        return None if row is None else _to_schedule(row)

    def find_prefix(self, prefix: str, limit: int) -> list[str]:
        return [i for (i,) in self._db.execute(PREFIX, (prefix, prefix + "~", limit))]

    def all(self) -> list[Schedule]:
        return self._many(ALL)

    def counts(self) -> dict[ScheduleState, int]:
        return {ScheduleState(state): number for state, number in self._db.execute(COUNTS).fetchall()}

    def due(self, now: int, limit: int) -> list[Schedule]:
        return self._many(DUE, now, limit)

    def ahead(self, of: int, limit: int) -> list[Schedule]:
        return self._many(AHEAD, of, limit)

    def reboots(self, boot: str, limit: int) -> list[Schedule]:
        return self._many(REBOOTS, boot, limit)

    def _many(self, statement: str, *values: object) -> list[Schedule]:
        return [_to_schedule(row) for row in self._db.execute(statement, values).fetchall()]

    def delete(self, schedule: Schedule) -> None:
        self._db.execute(FORGET_ALL, (schedule.seq,))
        self._db.execute(DELETE, (schedule.seq,))

    def note(self, schedule: Schedule, row: OccurrenceRow, keep: int) -> None:
        self._db.execute(NOTE, (schedule.seq, *row))
        self._db.execute(FORGET, (schedule.seq, row.at, keep - 1))

    def has_fired(self, schedule: Schedule, at: int, task_id: str) -> bool:
        return bool(self._db.execute(HAS_FIRED, (schedule.seq, at, task_id)).fetchone()[0])

    def occurrences(self, schedule: Schedule, limit: int) -> list[OccurrenceRow]:
        return [OccurrenceRow(*row) for row in self._db.execute(OCCURRENCES, (schedule.seq, limit)).fetchall()]

    def unfinished(self, schedule_id: str, limit: int) -> list[Task]:
        return [to_task(row) for row in self._db.execute(UNFINISHED, (schedule_id, limit)).fetchall()]

    def last_ends(self, schedule: Schedule, limit: int) -> list[str]:
        values = (schedule.id, schedule.since_seq, limit)
        return [state for (state,) in self._db.execute(LAST_ENDS, values).fetchall()]

    def newest_task(self) -> int:
        return int(self._db.execute(MAX_SEQ).fetchone()[0])
