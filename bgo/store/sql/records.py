"""History: an append-only line per ended run, and per event that a reader would otherwise miss."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bgo.model.state import State
from bgo.model.task import HistoryEntry, Lease, Task
from bgo.store.faults import reads
from bgo.store.sql.payloads import SqlPayloads
from bgo.store.sql.select import where

if TYPE_CHECKING:
    from bgo.model.query import Selector

COLUMNS = """task, name, id, event, run, attempt, state, reason, at, started_at, finished_at, duration_ms, error,
    worker, waited, detail"""
ADD = """INSERT INTO history (task, name, event, run, attempt, state, reason, at, started_at, finished_at, duration_ms,
    error, worker, waited, detail, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
OF_TASK = f"SELECT {COLUMNS} FROM history WHERE task = ? ORDER BY id"
AFTER = f"SELECT {COLUMNS} FROM history WHERE id > ? ORDER BY id LIMIT ?"
LAST = "SELECT coalesce(max(id), 0) FROM history"
NOTE = "SELECT value FROM meta WHERE key = ?"
SET_NOTE = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
NUMBER = "SELECT count(*) FROM history WHERE task = ? AND event = ?"
DURATIONS = """SELECT duration_ms FROM history WHERE name = ? AND event = 'succeed' AND duration_ms IS NOT NULL
ORDER BY id DESC LIMIT ?"""


class SqlRecords:
    """See `port.Records`."""

    def __init__(self, db: sqlite3.Connection, payloads: SqlPayloads) -> None:
        self._db = db
        self._payloads = payloads

    def add(
        self,
        task: Task,
        event: str,
        to: tuple[State, str, int],
        now: int,
        *,
        lease: Lease | None = None,
        error: int | None = None,
        detail: str = "{}",
        outcome: bool = False,
    ) -> None:
        state, reason, attempt = to
        started = None if lease is None else lease.started_at or lease.claimed_at
        times = (None, None, None) if started is None else (started, now, max(0, now - started))
        worker, waited = (None, "{}") if lease is None else (lease.worker, lease.waited)
        head = (task.id, task.name, event, task.run, attempt, state, reason, now)
        self._db.execute(ADD, (*head, *times, error, worker, waited, detail, int(outcome)))

    def of_task(self, task_id: str) -> list[HistoryEntry]:
        return [self._entry(row) for row in self._db.execute(OF_TASK, (task_id,)).fetchall()]

    def select(
        self, selector: Selector, *, runs_only: bool, limit: int, before: int | None = None
    ) -> list[HistoryEntry]:
        parts, values = ["1"], []
        by_task = replace(selector, names=(), states=(), since=None, until=None)
        if not by_task.is_empty:
            condition, bound = where(by_task)
            parts.append(f"task IN (SELECT id FROM task WHERE {condition})")
            values += bound
        for column, wanted in (("name", selector.names), ("state", selector.states)):
            if wanted:
                parts.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += [str(w) for w in wanted]
        bounds = (("at >= ?", selector.since), ("at < ?", selector.until), ("id < ?", before))
        for text, bound_value in bounds:
            if bound_value is not None:
                parts.append(text)
                values.append(bound_value)
        if runs_only:
            parts.append("outcome = 1")
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM history WHERE {' AND '.join(parts)} ORDER BY id DESC LIMIT ?", (*values, limit)
        )
        return [self._entry(row) for row in rows.fetchall()]

    def after(self, entry: int, limit: int) -> list[HistoryEntry]:
        return [self._entry(row) for row in self._db.execute(AFTER, (entry, limit)).fetchall()]

    def last(self) -> int:
        return int(self._db.execute(LAST).fetchone()[0])

    def note(self, key: str) -> str | None:
        row = self._db.execute(NOTE, (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, key: str, text: str) -> None:
        self._db.execute(SET_NOTE, (key, text))

    def number(self, task_id: str, event: str) -> int:
        return int(self._db.execute(NUMBER, (task_id, event)).fetchone()[0])

    def median_ms(self, handler_name: str, sample: int) -> int | None:
        found = sorted(ms for (ms,) in self._db.execute(DURATIONS, (handler_name, sample)))
        return found[len(found) // 2] if found else None

    @reads("a history entry")
    def _entry(self, row: Sequence[Any]) -> HistoryEntry:
        values = list(row)
        values[12] = self._payloads.error(row[12])
        values[14:] = json.loads(row[14]), json.loads(row[15])
        return HistoryEntry(*values)
