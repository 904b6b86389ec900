"""Views and lanes: who waits together, whose turn it is, and the log of what held them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bgo.model.lane import Gate, LaneKey, ViewKey
from bgo.model.limits import ConcurrencyStrategy
from bgo.model.wish import constraints_from, constraints_json
from bgo.policy.order import BUMPED, is_bumped
from bgo.store.faults import reads
from bgo.store.rows import LaneState
from bgo.store.sql.pauses import paused_bits

if TYPE_CHECKING:
    from bgo.model.plan import Hold, LaneHeads

LOG_GRAIN_MS = 1_000
_EVER = 1 << 62
"""Later than any instant: the log goes on from its last row even when the wall clock was set back behind it."""

FIND_VIEW = "SELECT id FROM view WHERE queue = ? AND handler = ? AND constraints = ?"
ADD_VIEW = "INSERT INTO view (queue, handler, constraints) VALUES (?, ?, ?)"
OPEN_VIEWS = """SELECT id, queue, handler, constraints FROM view
WHERE EXISTS (SELECT 1 FROM lane WHERE lane.view = view.id AND turn IS NOT NULL) ORDER BY id"""
FIND = "SELECT id FROM lane WHERE key = ?"
ADD = """INSERT INTO lane (key, name, view, concurrency_key, concurrency_max, strategy, marks, paused, held_by, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
KEY = """SELECT lane.name, view.queue, view.handler, view.constraints, concurrency_key, concurrency_max, strategy,
    marks
FROM lane JOIN view ON view.id = lane.view WHERE lane.id = ?"""
BEST = """SELECT lane.id, view.queue, concurrency_key, concurrency_max, strategy, lane.since
FROM lane JOIN view ON view.id = lane.view WHERE lane.view = ? AND turn IS NOT NULL ORDER BY turn LIMIT ?"""
HOME = """SELECT lane.id, view.queue, concurrency_key, concurrency_max, task.seq, task.rank, lane.view
FROM task JOIN lane ON lane.id = task.lane JOIN view ON view.id = lane.view
WHERE task.seq = ? AND task.ready = 1 AND turn IS NOT NULL"""
READY_UNDER = """SELECT count(*) FROM lane JOIN task ON task.lane = lane.id AND task.ready = 1
WHERE lane.view = ? AND turn IS NOT NULL"""
CLOSED = """SELECT held_by, sum((SELECT count(*) FROM task WHERE task.lane = lane.id AND task.ready = 1))
FROM lane WHERE head IS NOT NULL AND turn IS NULL GROUP BY held_by"""
READY = "SELECT seq, rank FROM task WHERE lane = ? AND ready = 1 ORDER BY order_key, seq LIMIT ?"
_HEAD = f"""(SELECT CASE WHEN lane.strategy IN ('lifo', 'random') AND task.rank >= {BUMPED // 2}
        THEN CASE WHEN ?2 OR lane.head IS NULL THEN ?3 ELSE lane.since END ELSE task.rank END
    FROM task WHERE task.lane = lane.id AND task.ready = 1 ORDER BY task.order_key, task.seq LIMIT 1)"""
REFRESH = f"""UPDATE lane SET since = CASE WHEN ?2 OR head IS NULL THEN ?3 ELSE since END, head = {_HEAD},
    turn = CASE WHEN paused = 0 AND parked = 0 THEN {_HEAD} END
WHERE id = ?1 RETURNING head, parked, concurrency_key"""
PARK = "UPDATE lane SET parked = 1, turn = NULL, held_by = ? WHERE id = ?"
UNPARK = "UPDATE lane SET parked = 0, held_by = NULL, turn = CASE WHEN paused = 0 THEN head END WHERE id = ?"
NEXT_PARKED = """SELECT view, concurrency_max FROM lane INDEXED BY lane_parked
WHERE parked = 1 AND paused = 0 AND head IS NOT NULL
    AND concurrency_key = ? AND (view, concurrency_max) >= (?, ?) ORDER BY view, concurrency_max LIMIT 1"""
"""With >= the search begins at the pair itself; for > SQLite would walk over all that are equal."""
BEST_PARKED = """SELECT id FROM lane INDEXED BY lane_parked WHERE parked = 1 AND paused = 0 AND head IS NOT NULL
    AND concurrency_key = ? AND view = ? AND concurrency_max = ? ORDER BY head LIMIT 1"""
RUNNING = "SELECT count(*) FROM lease WHERE concurrency_key = ?"
STATE = "SELECT paused, parked, held_by FROM lane WHERE id = ?"
LAST_LOG = "SELECT at, held_by, totals FROM hold_log WHERE scope = ? AND ref = ? AND at <= ? ORDER BY at DESC LIMIT 1"
FIRST_LOG = "SELECT totals FROM hold_log WHERE scope = ? AND ref = ? ORDER BY at LIMIT 1"
FORGET = """DELETE FROM hold_log WHERE rowid IN (SELECT old.rowid FROM hold_log AS old WHERE at < ?1 AND EXISTS (
    SELECT 1 FROM hold_log AS newer
    WHERE newer.scope = old.scope AND newer.ref = old.ref AND newer.at > old.at AND newer.at <= ?1
) LIMIT ?2)"""
UNUSED = "SELECT id FROM lane WHERE id NOT IN (SELECT lane FROM task)"
DROP = "DELETE FROM lane WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE seq > ?2 AND lane = ?1)"
DROP_LOG = "DELETE FROM hold_log WHERE scope = 'lane' AND ref = ?"
ADD_LOG = "INSERT OR REPLACE INTO hold_log (scope, ref, at, held_by, totals) VALUES (?, ?, ?, ?, ?)"
VIEW_HELD = "UPDATE view SET held_by = ? WHERE id = ? AND held_by IS NOT ?"
ASK_DEVICE = """SELECT EXISTS (SELECT 1 FROM view WHERE constraints <> '{}'
    AND EXISTS (SELECT 1 FROM lane WHERE lane.view = view.id AND turn IS NOT NULL))"""
LOGGED = """SELECT view, EXISTS (SELECT 1 FROM hold_log WHERE scope = 'lane' AND ref = lane.id),
    EXISTS (SELECT 1 FROM hold_log WHERE scope = 'view' AND ref = lane.view) FROM lane WHERE id = ?"""


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _view_key(queue: str, handler: str, constraints: str) -> ViewKey:
    """Every tick reads the same few views: their text is parsed once."""
    return ViewKey(queue, handler, constraints_from(json.loads(constraints)))


class SqlLanes:
    """See `port.Lanes`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def ensure(self, key: LaneKey, now: int) -> int:
        view = (key.view.queue, key.view.handler, _compact(constraints_json(key.view.constraints)))
        limit = (key.concurrency_key, key.concurrency_max, key.strategy)
        text = _compact([key.name, *view, *limit, *([None, key.marks] if key.marks else [])])
        row = self._db.execute(FIND, (text,)).fetchone()
        if row is not None:
            return int(row[0])
        found = self._db.execute(FIND_VIEW, view).fetchone()
        view_id = found[0] if found else self._db.execute(ADD_VIEW, view).lastrowid
        paused = paused_bits(self._db, key)
        held_by = Gate.PAUSED if paused else None
        lane = self._db.execute(
            ADD, (text, key.name, view_id, *limit, _compact(key.marks), paused, held_by, now)
        ).lastrowid
        if lane is None:
            raise AssertionError("SQLite gives every inserted row an id")
        if paused:
            self.log("lane", lane, Gate.PAUSED, now)
        return lane

    @reads("a lane")
    def key(self, lane: int) -> LaneKey:
        name, queue, handler, constraints, key, limit, strategy, marks = self._db.execute(KEY, (lane,)).fetchone()
        view = _view_key(queue, handler, constraints)
        order = ConcurrencyStrategy(strategy) if strategy else None
        return LaneKey(name, view, key, limit, order, marks=tuple(json.loads(marks)))

    def ask_device(self) -> bool:
        return bool(self._db.execute(ASK_DEVICE).fetchone()[0])

    @reads("a lane")
    def views(self) -> list[tuple[int, ViewKey]]:
        return [(view, _view_key(*key)) for view, *key in self._db.execute(OPEN_VIEWS)]

    def heads(self, views: Collection[int], width: int) -> list[LaneHeads]:
        from bgo.model.plan import Head, LaneHeads  # enqueue needs neither

        found = []
        for view in sorted(views):
            for lane, queue, key, limit, strategy, since in self._db.execute(BEST, (view, width)).fetchall():
                ready = self._db.execute(READY, (lane, width)).fetchall()
                shared = strategy in ("lifo", "random")
                heads = tuple(Head(seq, since if shared and not is_bumped(rank) else rank) for seq, rank in ready)
                found.append(LaneHeads(lane, queue, key, limit, heads))
        return found

    def heads_of(self, views: Collection[int], seqs: Sequence[int]) -> list[LaneHeads]:
        from bgo.model.plan import Head, LaneHeads

        found = []
        for wanted in seqs:
            row = self._db.execute(HOME, (wanted,)).fetchone()
            if row is not None:
                lane, queue, key, limit, seq, rank, view = row
                if view in views:
                    found.append(LaneHeads(lane, queue, key, limit, (Head(seq, rank),)))
        return found

    def ready_under(self, view: int) -> int:
        return int(self._db.execute(READY_UNDER, (view,)).fetchone()[0])

    def closed(self) -> Mapping[str, int]:
        return dict(self._db.execute(CLOSED).fetchall())

    def refresh(self, lanes: Iterable[int], now: int, *, served: bool = False) -> None:
        for lane in sorted(lanes):
            ((head, parked, key),) = self._db.execute(REFRESH, (lane, served, now)).fetchall()
            if key is not None and (parked or head is None):
                # A parked lane may have got its first task, an emptied one must pass the room under its key on.
                self.open_key(key, now)

    def park(self, lane: int, hold: Hold, now: int) -> None:
        self._db.execute(PARK, (hold.gate, lane))
        self.log("lane", lane, hold.gate, now)

    def open_key(self, key: str, now: int) -> None:
        view, after = 0, 0
        running: int | None = None
        while (row := self._db.execute(NEXT_PARKED, (key, view, after + 1)).fetchone()) is not None:
            view, limit = row
            if running is None:
                (running,) = self._db.execute(RUNNING, (key,)).fetchone()
            after = max(limit, running)
            if limit <= running:
                continue
            best = self._db.execute(BEST_PARKED, (key, view, limit)).fetchone()
            self._db.execute(UNPARK, best)
            self.log("lane", best[0], None, now)

    def state(self, lane: int) -> LaneState:
        paused, parked, held_by = self._db.execute(STATE, (lane,)).fetchone()
        return LaneState(bool(paused), bool(parked), held_by)

    def log_view(self, view: int, gate: str | None, now: int) -> None:
        if self._db.execute(VIEW_HELD, (gate, view, gate)).rowcount:
            self.log("view", view, gate, now)

    def unused(self) -> list[int]:
        return [lane for (lane,) in self._db.execute(UNUSED).fetchall()]

    def drop(self, lanes: Sequence[int], last_seq: int) -> None:
        for lane in lanes:
            if self._db.execute(DROP, (lane, last_seq)).rowcount:
                self._db.execute(DROP_LOG, (lane,))

    def forget(self, before: int, limit: int) -> int:
        return self._db.execute(FORGET, (before, limit)).rowcount

    @reads("the log of holds")
    def log(self, scope: str, ref: int, gate: str | None, now: int) -> None:
        """Append to the log of holds; changes within one second become one row, so a flutter stays small."""
        last = self._db.execute(LAST_LOG, (scope, ref, _EVER)).fetchone()
        if last is None:
            self._db.execute(ADD_LOG, (scope, ref, now, gate, "{}"))
            return
        at, held_by, totals = last
        if now - at < LOG_GRAIN_MS:
            self._db.execute(ADD_LOG, (scope, ref, at, gate, totals))
        elif held_by != gate:
            self._db.execute(ADD_LOG, (scope, ref, now, gate, _compact(_grown(totals, held_by, now - at))))

    @reads("a lane")
    def waited(self, lane: int, since: int, until: int) -> dict[str, int]:
        view, lane_logged, view_logged = self._db.execute(LOGGED, (lane,)).fetchone()
        waited: dict[str, int] = {}
        for scope, ref, logged in (("lane", lane, lane_logged), ("view", view, view_logged)):
            if not logged:
                continue
            after, before = self._totals(scope, ref, until), self._totals(scope, ref, since)
            for reason, ms in after.items():
                if (spent := ms - before.get(reason, 0)) > 0:
                    waited[reason] = waited.get(reason, 0) + spent
        rest = until - since - sum(waited.values())
        if rest > 0:
            waited["slots"] = rest
        return waited

    def _totals(self, scope: str, ref: int, at: int) -> dict[str, int]:
        last = self._db.execute(LAST_LOG, (scope, ref, at)).fetchone()
        if last is not None:
            return _grown(last[2], last[1], at - last[0])
        first = self._db.execute(FIRST_LOG, (scope, ref)).fetchone()  # what came before it was forgotten
        return {} if first is None else _grown(first[0], None, 0)


def _grown(totals: str, held_by: str | None, ms: int) -> dict[str, int]:
    found: dict[str, int] = json.loads(totals)
    if held_by is not None:
        found[held_by] = found.get(held_by, 0) + ms
    return found
