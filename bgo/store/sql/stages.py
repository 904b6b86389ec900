"""Stages: members on their way into a chain or a batch. Their lanes are closed and unseen until the stage is sealed."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from bgo.model.state import FINAL
from bgo.store.rows import StageRow
from bgo.store.sql.pauses import PAUSE_BIT, SqlPauses
from bgo.store.sql.tasks import KEEP_SEQ, MAX_SEQ

if TYPE_CHECKING:
    from bgo.store.sql.lanes import SqlLanes
    from bgo.store.sql.payloads import SqlPayloads

OPEN = "INSERT INTO stage (id, flow, owner, at) VALUES (?, ?, ?, ?)"
ADD = "UPDATE stage SET count = count + ? WHERE id = ?"
SHOW = "UPDATE stage SET hidden = 0 WHERE id = ? RETURNING flow, count"
OF_FLOW = "SELECT id FROM stage WHERE flow = ? AND hidden = 0"
SEAL = "DELETE FROM stage WHERE id = ? RETURNING flow, count"
LANES = "SELECT id, paused, concurrency_key FROM lane WHERE stage = ?"
ALL = "SELECT id, flow, owner, count, at FROM stage WHERE hidden = 1 ORDER BY at"
_STAGED = "lane IN (SELECT lane.id FROM lane WHERE stage = ?2)"
_ROW = "lane, seq, id, kind, parent, state, input, setup, output, error"
MEMBERS = f"SELECT {_ROW} FROM task INDEXED BY task_member WHERE parent = ?1 AND {_STAGED} LIMIT ?3"
SELF = f"SELECT {_ROW} FROM task WHERE seq = ?1 AND {_STAGED}"
_Rows = list[tuple[Any, ...]]
UNCOUNT = {str(state): f"UPDATE flow SET {state} = {state} - 1 WHERE seq = ?" for state in sorted(FINAL)}
DROP_TASK = "DELETE FROM task WHERE seq = ?"
DROP_TAGS = "DELETE FROM task_tag WHERE task = ?"
DROP_LINKS = "DELETE FROM dependency WHERE task = ?1 OR upstream = ?1"
DROP_RELEASE = "DELETE FROM release WHERE upstream = ?"
DROP_FLOW = "DELETE FROM flow WHERE seq = ? RETURNING plan"
DROP_HISTORY = "DELETE FROM history WHERE task = ? RETURNING error"
DROP_KEYS = "DELETE FROM dedup WHERE task = ?"


class SqlStages:
    """See `port.Stages`."""

    def __init__(self, db: sqlite3.Connection, lanes: SqlLanes, pauses: SqlPauses, payloads: SqlPayloads) -> None:
        self._db, self._lanes, self._pauses, self._payloads = db, lanes, pauses, payloads

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

    def drop(self, stage: StageRow, limit: int, now: int) -> int:
        rows = self._innermost(stage.flow, stage.id, limit)
        is_last = not rows
        if is_last:
            rows = self._db.execute(SELF, (stage.flow, stage.id)).fetchall()
        (newest,) = self._db.execute(MAX_SEQ).fetchone()
        if newest in {row[1] for row in rows}:
            self._db.execute(KEEP_SEQ, (str(newest),))
        for row in rows:
            self._drop(*row[1:])
        self._lanes.refresh({row[0] for row in rows}, now)
        if is_last:
            self.seal(stage.id, now)
        return len(rows)

    def _innermost(self, seq: int, stage: str, limit: int) -> _Rows:
        """Return up to `limit` staged members, each behind all that are in it."""
        found: _Rows = []
        for row in self._db.execute(MEMBERS, (seq, stage, limit)).fetchall():
            if row[3] != "task":
                found += self._innermost(row[1], stage, limit - len(found))
            if len(found) >= limit:
                break
            found.append(row)
        return found

    def _drop(self, seq: int, task_id: str, _: str, parent: int | None, state: str, *payloads: int | None) -> None:
        if state in FINAL:  # its time was over before anybody saw it
            self._db.execute(UNCOUNT[state], (parent,))
        plans = self._db.execute(DROP_FLOW, (seq,)).fetchall()
        errors = self._db.execute(DROP_HISTORY, (task_id,)).fetchall()
        for statement in (DROP_TASK, DROP_TAGS, DROP_LINKS, DROP_RELEASE):
            self._db.execute(statement, (seq,))
        self._db.execute(DROP_KEYS, (task_id,))
        refs = (*payloads, *(ref for (ref,) in (*plans, *errors)))
        self._payloads.drop({ref for ref in refs if ref is not None})
