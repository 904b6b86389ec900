"""Stages: members on their way into a chain or a batch. Their lanes are closed and unseen until the stage is sealed."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bgo.store.rows import StageRow
from bgo.store.sql.pauses import PAUSE_BIT, SqlPauses

if TYPE_CHECKING:
    from bgo.store.sql.payloads import SqlPayloads

OPEN = "INSERT INTO stage (id, flow, owner, at) VALUES (?, ?, ?, ?)"
ADD = "UPDATE stage SET count = count + ? WHERE id = ?"
SHOW = "UPDATE stage SET hidden = 0 WHERE id = ? RETURNING flow, count"
OF_FLOW = "SELECT id FROM stage WHERE flow = ? AND hidden = 0"
SEAL = "DELETE FROM stage WHERE id = ? RETURNING flow, count"
LANES = "SELECT id, paused, concurrency_key FROM lane WHERE stage = ?"
ALL = "SELECT id, flow, owner, count, at FROM stage WHERE hidden = 1 ORDER BY at"
_STAGED = "lane IN (SELECT lane.id FROM lane WHERE stage = ?2)"
_ROW = "task.seq, task.id, task.input, task.setup, task.output, task.error"
INNER = f"""SELECT {_ROW} FROM flow CROSS JOIN task AS above ON above.seq = flow.seq
    CROSS JOIN task INDEXED BY task_member ON task.parent = above.seq
WHERE above.parent = ?1 AND task.{_STAGED} LIMIT ?3"""
OUTER = f"SELECT {_ROW} FROM task INDEXED BY task_member WHERE task.parent = ?1 AND {_STAGED} LIMIT ?3"
SELF = f"SELECT {_ROW} FROM task WHERE task.seq = ?1 AND {_STAGED} LIMIT ?3"
DROP_TASK = "DELETE FROM task WHERE seq = ?"
DROP_TAGS = "DELETE FROM task_tag WHERE task = ?"
DROP_LINKS = "DELETE FROM dependency WHERE task = ?1 OR upstream = ?1"
DROP_RELEASE = "DELETE FROM release WHERE upstream = ?"
DROP_FLOW = "DELETE FROM flow WHERE seq = ? RETURNING plan"
DROP_HISTORY = "DELETE FROM history WHERE task = ? RETURNING error"
DROP_KEYS = "DELETE FROM dedup WHERE task = ?"


class SqlStages:
    """See `port.Stages`."""

    def __init__(self, db: sqlite3.Connection, pauses: SqlPauses, payloads: SqlPayloads) -> None:
        self._db, self._pauses, self._payloads = db, pauses, payloads

    def open(self, stage: str, flow: int, owner: str, now: int) -> None:
        self._db.execute(OPEN, (stage, flow, owner, now))

    def add(self, stage: str, count: int) -> bool:
        return self._db.execute(ADD, (count, stage)).rowcount == 1

    def show(self, stage: str) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._db.execute(SHOW, (stage,)).fetchone()
        return row

    def release(self, flow: int, now: int) -> None:
        for (stage,) in self._db.execute(OF_FLOW, (flow,)).fetchall():
            self.seal(stage, now)

    def seal(self, stage: str, now: int) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._db.execute(SEAL, (stage,)).fetchone()
        if row is not None:
            for lane, paused, key in self._db.execute(LANES, (stage,)).fetchall():
                self._pauses.set_bits(lane, paused & ~PAUSE_BIT["stage"], key, now)
        return row

    def list(self) -> list[StageRow]:
        return [StageRow(*row) for row in self._db.execute(ALL).fetchall()]

    def drop(self, stage: StageRow, limit: int) -> int:
        for statement in (INNER, OUTER, SELF):
            rows = self._db.execute(statement, (stage.flow, stage.id, limit)).fetchall()
            if rows:
                for row in rows:
                    self._drop(*row)
                return len(rows)
        self._db.execute(SEAL, (stage.id,))
        return 0

    def _drop(self, seq: int, task_id: str, *payloads: int | None) -> None:
        plans = self._db.execute(DROP_FLOW, (seq,)).fetchall()
        errors = self._db.execute(DROP_HISTORY, (task_id,)).fetchall()
        for statement in (DROP_TASK, DROP_TAGS, DROP_LINKS, DROP_RELEASE):
            self._db.execute(statement, (seq,))
        self._db.execute(DROP_KEYS, (task_id,))
        refs = (*payloads, *(ref for (ref,) in (*plans, *errors)))
        self._payloads.drop({ref for ref in refs if ref is not None})
