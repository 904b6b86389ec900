"""Task rows: insert, read, and the compare-and-sets that move them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from bgo.model.state import FINAL, State
from bgo.model.task import FOLLOW_UP, Task
from bgo.store.faults import reads
from bgo.store.rows import NewTask, Place
from bgo.store.sql.payloads import SqlPayloads
from bgo.store.sql.select import SEEN, where
from bgo.store.sql.taskrows import COLUMNS, to_task
from bgo.store.sql.tied import TiedTasks

if TYPE_CHECKING:
    from bgo.model.plan import Transition
    from bgo.model.query import Selector

NEXT_SEQ = """SELECT max(coalesce((SELECT max(seq) FROM task), 0),
    coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_seq'), 0)) + 1"""
MAX_SEQ = "SELECT max(seq) FROM task"
KEEP_SEQ = """INSERT INTO meta (key, value) VALUES ('last_seq', ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)"""
INSERT = """INSERT INTO task (seq, id, name, handler, state, reason, lane, queue, priority, tags, wish, ready, ready_at,
    due_at, order_key, rank, draw, cwd, input, setup, created_at, expires_at, unique_id, dedup_key,
    kind, parent, step, schedule, occurrence, relax_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_TAG = "INSERT INTO task_tag (tag, task) VALUES (?, ?)"
FIND = f"SELECT {COLUMNS} FROM task WHERE id = ?"
FIND_SEQ = f"SELECT {COLUMNS} FROM task WHERE seq = ?"
PREFIX = f"SELECT id FROM task WHERE id >= ? AND id < ? AND {SEEN} ORDER BY id LIMIT ?"
NEWEST = f"SELECT id FROM task INDEXED BY task_root WHERE parent IS NULL AND {SEEN} ORDER BY seq DESC LIMIT ?"
_CALLED_OFF = f"""EXISTS (WITH RECURSIVE above (parent, step, is_over) AS (
        SELECT other.parent, other.step, other.state <> 'running' OR other.cancel_reason IS NOT NULL
            FROM task AS other WHERE other.seq = task.parent
        UNION ALL SELECT other.parent, other.step, other.state <> 'running' OR other.cancel_reason IS NOT NULL
            FROM above JOIN task AS other ON other.seq = above.parent AND above.step < {FOLLOW_UP}
    ) SELECT 1 FROM above WHERE is_over)"""
"""What it is in has ended, was asked to, or has yet to begin again, and that has not reached it yet: ticks do that in
steps."""
CLAIM = f"""UPDATE task SET state = 'running', reason = 'claimed', ready = 0, run = run + 1, attempt = attempt + 1,
    started_at = ?1, progress = NULL, progress_message = ''
WHERE seq = ?2 AND ready = 1 AND (expires_at IS NULL OR expires_at > ?1)
    AND (parent IS NULL OR step >= {FOLLOW_UP} OR NOT {_CALLED_OFF}) RETURNING {COLUMNS}"""
SETTLE = """UPDATE task SET state = ?, reason = ?, attempt = ?, losses = ?, snoozes = ?, finished_at = ?, output = ?,
    error = ?, cancel_reason = NULL, ready = ?, ready_at = ?, due_at = ?, order_key = ?, rank = ?,
    bump = ?, expires_at = ?, waited = '{}'
WHERE seq = ? AND run = ? AND state = 'running'"""
END = """UPDATE task SET state = ?, reason = ?, attempt = ?, losses = 0, snoozes = 0, finished_at = ?, output = ?,
    error = ?, cancel_reason = NULL WHERE seq = ? AND run = ? AND state = 'running'"""
MOVE_END = """UPDATE task SET state = ?, reason = ?, finished_at = ?, ready = 0
WHERE seq = ? AND run = ? AND state = ?"""
MOVE_WAIT = """UPDATE task SET state = ?, reason = ?, finished_at = NULL, attempt = 0, losses = 0, snoozes = 0,
    epoch = epoch + 1, started_at = NULL, progress = NULL, progress_message = '', ready = ?, ready_at = ?, due_at = ?,
    order_key = ?, rank = ?, bump = ?, expires_at = ?, waited = '{}' WHERE seq = ? AND run = ? AND state = ?"""
SET_INPUT = "UPDATE task SET input = ? WHERE seq = ?"
REQUEST_CANCEL = """UPDATE task SET cancel_reason = coalesce(cancel_reason, ?)
WHERE seq = ? AND run = ? AND state = 'running'"""
REPORT = """UPDATE task SET progress = coalesce(?, progress), progress_message = ?, losses = 0
WHERE seq = ? AND run = ? AND state = 'running'"""
CHECKPOINT = """UPDATE task SET checkpoint = ?, losses = 0 WHERE seq = ? AND run = ? AND state = 'running'"""
OLD_CHECKPOINT = "SELECT checkpoint FROM task WHERE seq = ? AND run = ? AND state = 'running'"
DUE = """SELECT seq, lane FROM task INDEXED BY task_alarm
WHERE ready = 0 AND state IN ('queued', 'retrying') AND due_at <= ? ORDER BY due_at LIMIT ?"""
PROMOTE = "UPDATE task SET ready = 1, ready_at = due_at WHERE seq = ?"
NEXT_DUE = """SELECT due_at FROM task INDEXED BY task_alarm
WHERE ready = 0 AND state IN ('queued', 'retrying') ORDER BY due_at LIMIT 1"""
WAITS_IN = f"""SELECT EXISTS (SELECT 1 FROM task INDEXED BY task_alarm WHERE ready = 0
    AND state IN ('queued', 'retrying') AND queue IN (SELECT value FROM json_each(?)) AND {SEEN})"""
NOT_DUE = f"""SELECT state, count(*) FROM task INDEXED BY task_alarm
WHERE ready = 0 AND state IN ('queued', 'retrying') AND {SEEN} GROUP BY state"""
COUNTS = "SELECT state, count(*) FROM task GROUP BY state"
FLOWS = "SELECT state, count(*) FROM flow CROSS JOIN task ON task.seq = flow.seq GROUP BY state"
UNSEEN = """WITH RECURSIVE member (stage, seq, kind, state, lane) AS (
    SELECT stage.id, task.seq, task.kind, task.state, task.lane FROM stage
        CROSS JOIN task INDEXED BY task_member ON task.parent = stage.flow WHERE hidden = 1
    UNION ALL SELECT member.stage, task.seq, task.kind, task.state, task.lane FROM member
        CROSS JOIN task INDEXED BY task_member ON task.parent = member.seq WHERE member.kind <> 'task'
) SELECT state, count(*) FROM member JOIN lane ON lane.id = member.lane AND lane.stage = member.stage
WHERE kind = 'task' GROUP BY state"""
GROUPS = f"""SELECT seq, count(*), min(due_at) FROM task INDEXED BY task_state
WHERE state IN ('blocked', 'queued', 'running', 'retrying') AND kind = 'task' AND {SEEN}
GROUP BY lane, state, ready, parent IS NOT NULL AND state = 'blocked' AND parent"""
ALIKE = f"""SELECT min(task.seq), count(*), max(length(payload.bytes)) FROM task INDEXED BY task_state
LEFT JOIN payload ON payload.id = task.input
WHERE state IN ('blocked', 'queued', 'retrying') AND kind = 'task' AND {SEEN}
GROUP BY lane, handler, wish ORDER BY count(*) DESC, min(task.seq) LIMIT ?"""
CANCELS = """SELECT lease.task, lease.run, task.cancel_reason FROM lease JOIN task ON task.seq = lease.task
WHERE lease.worker = ? AND task.cancel_reason IS NOT NULL"""
AHEAD = """SELECT count(*) FROM task AS other, task AS me WHERE me.seq = ? AND other.lane = me.lane
    AND other.ready = 1 AND (other.order_key, other.seq) < (me.order_key, me.seq)"""
_ENDED = """FROM task INDEXED BY task_finished WHERE finished_at IS NOT NULL AND parent IS NULL
    AND (kind = 'task' OR NOT EXISTS (WITH RECURSIVE above (seq) AS (SELECT task.seq UNION ALL
            SELECT flow.seq FROM above CROSS JOIN task AS flow INDEXED BY task_member_flow
                ON flow.parent = above.seq AND flow.parent IS NOT NULL AND flow.kind <> 'task')
        SELECT 1 FROM above CROSS JOIN task AS member INDEXED BY task_member_open
            ON member.parent = above.seq AND member.parent IS NOT NULL AND member.finished_at IS NULL))"""
"""What may go, with all that is in it: never a member alone, a chain or batch could not be retried without it."""
ENDED = f"""SELECT seq {_ENDED} AND finished_at < ?1
    AND state IN (SELECT value FROM json_each(?2)) ORDER BY finished_at LIMIT ?3"""
INNERMOST = """SELECT seq, kind, finished_at IS NOT NULL FROM task INDEXED BY task_member WHERE parent = ?
ORDER BY step, seq LIMIT ?"""
GOING = "SELECT seq FROM flow INDEXED BY flow_going WHERE ending = 'going' ORDER BY seq LIMIT ?"
IS_FLOW = "SELECT EXISTS (SELECT 1 FROM flow WHERE seq = ?)"
ENDED_ROWS = """WITH RECURSIVE tree (root, seq, finished_at) AS (
    SELECT seq, seq, finished_at FROM task WHERE parent IS NULL
    UNION ALL SELECT tree.root, task.seq, task.finished_at FROM tree
        CROSS JOIN task INDEXED BY task_member ON task.parent = tree.seq
) SELECT finished_at, seq, root FROM tree WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, seq DESC"""
ENDED_BYTES = """SELECT count(*), coalesce(sum((SELECT sum(length(bytes)) FROM payload
    WHERE payload.id IN (task.input, task.setup, task.output, task.error, task.checkpoint))), 0)
FROM task WHERE finished_at IS NOT NULL"""
BEYOND = f"""SELECT seq {_ENDED} AND (finished_at, seq) <= (
    SELECT finished_at, seq FROM task INDEXED BY task_finished WHERE finished_at IS NOT NULL
    ORDER BY finished_at DESC, seq DESC LIMIT 1 OFFSET ?
) ORDER BY finished_at, seq LIMIT ?"""
DELETE = """DELETE FROM task WHERE seq = ? AND finished_at IS NOT NULL
    AND (kind = 'task' OR NOT EXISTS (SELECT 1 FROM task AS member WHERE member.parent = task.seq))
RETURNING id, state, input, setup, output, error, checkpoint"""
DELETE_FLOW = "DELETE FROM flow WHERE seq = ? RETURNING plan"
DELETE_LINKS = "DELETE FROM dependency WHERE task = ?1 OR upstream = ?1"
DELETE_RELEASE = "DELETE FROM release WHERE upstream = ?"
DELETE_KEYS = "DELETE FROM dedup WHERE task = ? AND (until IS NULL OR ? <> 'succeeded')"
DELETE_TAGS = "DELETE FROM task_tag WHERE task = ?"
DELETE_HISTORY = "DELETE FROM history WHERE task = ? RETURNING error"


class SqlTasks(TiedTasks):
    """See `port.Tasks`."""

    def __init__(self, db: sqlite3.Connection, payloads: SqlPayloads) -> None:
        self._db = db
        self._payloads = payloads

    def next_seq(self) -> int:
        return int(self._db.execute(NEXT_SEQ).fetchone()[0])

    def insert(self, rows: Sequence[NewTask]) -> None:
        self._db.executemany(INSERT, rows)
        tags = [(tag, row.seq) for row in rows if row.tags != "[]" for tag in json.loads(row.tags)]
        if tags:
            self._db.executemany(INSERT_TAG, tags)

    def find(self, task_id: str) -> Task | None:
        row = self._db.execute(FIND, (task_id,)).fetchone()
        return None if row is None else to_task(row)

    def find_seq(self, seq: int) -> Task | None:
        row = self._db.execute(FIND_SEQ, (seq,)).fetchone()
        return None if row is None else to_task(row)

    def find_prefix(self, prefix: str, limit: int) -> list[str]:
        return [i for (i,) in self._db.execute(PREFIX, (prefix, prefix + "~", limit))]

    def newest(self, count: int) -> list[str]:
        return [i for (i,) in self._db.execute(NEWEST, (count,))]

    def select(self, selector: Selector, *, limit: int, before: int | None = None) -> list[Task]:
        condition, values = where(selector)
        if before is not None:
            condition, values = f"{condition} AND seq < ?", [*values, before]
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM task WHERE {condition} ORDER BY seq DESC LIMIT ?", (*values, limit)
        )
        return [to_task(row) for row in rows.fetchall()]

    def claim(self, seq: int, now: int) -> Task | None:
        row = self._db.execute(CLAIM, (now, seq)).fetchone()
        return None if row is None else to_task(row)

    def settle(
        self, task: Task, to: Transition, now: int, *, output: int | None, error: int | None, place: Place | None
    ) -> bool:
        guard = (task.seq, task.run)
        if place is None:
            ended = (to.state, to.reason, to.attempt, now, output, error)
            return self._db.execute(END, (*ended, *guard)).rowcount == 1
        back = (to.state, to.reason, to.attempt, to.losses, to.snoozes, None, output, error, *place)
        return self._db.execute(SETTLE, (*back, *guard)).rowcount == 1

    def move(self, task: Task, state: State, reason: str, now: int, place: Place | None) -> bool:
        guard = (task.seq, task.run, task.state)
        if state in FINAL:
            return self._db.execute(MOVE_END, (state, reason, now, *guard)).rowcount == 1
        if place is None:
            raise ValueError("a task that waits needs a place")
        return self._db.execute(MOVE_WAIT, (state, reason, *place, *guard)).rowcount == 1

    def set_input(self, task: Task, payload: int) -> None:
        self._db.execute(SET_INPUT, (payload, task.seq))
        if task.input_ref is not None:
            self._payloads.drop((task.input_ref,))

    def request_cancel(self, task: Task, reason: str) -> bool:
        return self._db.execute(REQUEST_CANCEL, (reason, task.seq, task.run)).rowcount == 1

    def report(self, seq: int, run: int, fraction: float | None, message: str) -> bool:
        return self._db.execute(REPORT, (fraction, message, seq, run)).rowcount == 1

    def checkpoint(self, seq: int, run: int, payload: int) -> int | None:
        row = self._db.execute(OLD_CHECKPOINT, (seq, run)).fetchone()
        if row is None:
            return payload
        self._db.execute(CHECKPOINT, (payload, seq, run))
        return None if row[0] is None else int(row[0])

    def promote(self, now: int, limit: int) -> set[int]:
        due = self._db.execute(DUE, (now, limit)).fetchall()
        if due:
            self._db.executemany(PROMOTE, [(seq,) for seq, _ in due])
        return {lane for _, lane in due}

    def next_due(self) -> int | None:
        row = self._db.execute(NEXT_DUE).fetchone()
        return None if row is None else int(row[0])

    def waits_in(self, queues: Collection[str]) -> bool:
        return bool(self._db.execute(WAITS_IN, (json.dumps(sorted(queues)),)).fetchone()[0])

    def not_due(self) -> tuple[int, int]:
        found = dict(self._db.execute(NOT_DUE).fetchall())
        return found.get(State.RETRYING, 0), found.get(State.QUEUED, 0)

    @reads("a task's state")
    def counts(self) -> Mapping[State, int]:
        """Chains and batches are no tasks, and what is still coming in cannot be seen."""
        found = {State(state): int(n) for state, n in self._db.execute(COUNTS)}
        for statement in (FLOWS, UNSEEN):
            for state, n in self._db.execute(statement).fetchall():
                found[State(state)] -= n
        return {state: n for state, n in found.items() if n}

    def groups(self) -> list[tuple[int, int]]:
        # SQLite takes the bare column from the row of the minimum.
        return sorted((seq, number) for seq, number, _ in self._db.execute(GROUPS))

    def alike(self, limit: int) -> list[tuple[int, int, int | None]]:
        return self._db.execute(ALIKE, (limit,)).fetchall()

    def cancel_requests(self, worker: str) -> list[tuple[int, int, str]]:
        return self._db.execute(CANCELS, (worker,)).fetchall()

    def ahead(self, task: Task) -> int:
        return int(self._db.execute(AHEAD, (task.seq,)).fetchone()[0])

    def ended(self, states: Collection[State], before: int, limit: int) -> list[int]:
        rows = self._db.execute(ENDED, (before, json.dumps(sorted(states)), limit))
        return [seq for (seq,) in rows.fetchall()]

    def ended_bytes(self) -> tuple[int, int]:
        count, size = self._db.execute(ENDED_BYTES).fetchone()
        return int(count), int(size)

    def ended_beyond(self, keep: int, limit: int) -> list[int]:
        return [seq for (seq,) in self._db.execute(BEYOND, (keep, limit)).fetchall()]

    def going(self, limit: int) -> list[int]:
        return [seq for (seq,) in self._db.execute(GOING, (limit,)).fetchall()]

    def ended_rows(self) -> list[tuple[int, int, int]]:
        return self._db.execute(ENDED_ROWS).fetchall()

    def inside(self, seq: int, limit: int) -> list[int]:
        if not self._db.execute(IS_FLOW, (seq,)).fetchone()[0]:
            return [seq]
        found: list[int] = []
        is_whole = self._innermost(seq, limit, found)
        return [*found, seq] if is_whole and len(found) < limit else found

    def _innermost(self, above: int, limit: int, found: list[int]) -> bool:
        """Add what is in a chain or batch, the innermost first, up to the limit; say whether that was all of it."""
        rows = self._db.execute(INNERMOST, (above, limit)).fetchall()
        is_whole = len(rows) < limit
        for seq, kind, has_ended in rows:
            if len(found) >= limit:
                return False
            if has_ended and (kind == "task" or self._innermost(seq, limit, found)) and len(found) < limit:
                found.append(seq)
            else:
                is_whole = False
        return is_whole

    def delete(self, seqs: Sequence[int]) -> list[str]:
        ids: list[str] = []
        (newest,) = self._db.execute(MAX_SEQ).fetchone()
        if newest in seqs:
            self._db.execute(KEEP_SEQ, (str(newest),))  # a late word on a run must never meet another task's
        for seq in seqs:
            row = self._db.execute(DELETE, (seq,)).fetchone()
            if row is None:
                continue
            ids.append(row[0])
            errors = self._db.execute(DELETE_HISTORY, (row[0],)).fetchall()
            errors += self._db.execute(DELETE_FLOW, (seq,)).fetchall()
            self._db.execute(DELETE_TAGS, (seq,))
            self._db.execute(DELETE_LINKS, (seq,))
            self._db.execute(DELETE_RELEASE, (seq,))
            self._db.execute(DELETE_KEYS, row[:2])  # what has succeeded holds its key as long as its TTL runs
            self._payloads.drop({p for p in (*row[2:], *(e for (e,) in errors)) if p is not None})
        return ids
