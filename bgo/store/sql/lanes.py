"""Views and lanes: who waits together, whose turn it is, and the log of what held them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.model.lane import PLAIN, Gate, LaneKey, Rate, Traits, ViewKey
from bgo.model.wish import constraints_from, constraints_json
from bgo.policy.order import BUMPED, is_bumped
from bgo.store.faults import reads
from bgo.store.rows import LaneState
from bgo.store.sql.holdlog import DROP_LOG
from bgo.store.sql.named import SqlNamedLimits
from bgo.store.sql.parking import BY_RATE, SqlParking
from bgo.store.sql.pauses import PAUSE_BIT, paused_bits
from bgo.store.sql.rates import SqlRates

if TYPE_CHECKING:
    from datetime import tzinfo

    from bgo.model.plan import Head, LaneHeads
    from bgo.model.window import ZonedWindow

FIND_VIEW = "SELECT id FROM view WHERE queue = ? AND handler = ? AND constraints = ? AND window = ? AND traits = ?"
ADD_VIEW = "INSERT INTO view (queue, handler, constraints, window, traits) VALUES (?, ?, ?, ?, ?)"
OPEN_VIEWS = """SELECT id, queue, handler, constraints, window, traits FROM view
WHERE EXISTS (SELECT 1 FROM lane WHERE lane.view = view.id AND turn IS NOT NULL) ORDER BY id"""
FIND = "SELECT id FROM lane WHERE key = ?"
ADD = """INSERT INTO lane (key, name, view, concurrency_key, concurrency_max, strategy, rate_key, rate_max, rate_window,
    marks, stage, paused, held_by, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
KEY = "SELECT key FROM lane WHERE id = ?"
LIMITS = "SELECT concurrency_max, rate_key, rate_max, rate_window FROM lane WHERE id = ?"
_LANE = """SELECT lane.id, view.queue, concurrency_key, concurrency_max, strategy, rate_key, rate_max, rate_window,
    lane.since, lane.view"""
BEST = f"""{_LANE} FROM lane JOIN view ON view.id = lane.view
WHERE lane.view = ? AND turn IS NOT NULL ORDER BY turn LIMIT ?"""
GROUP = f"""{_LANE} FROM lane INDEXED BY lane_group CROSS JOIN view ON view.id = lane.view
WHERE concurrency_key = ? AND strategy = ? AND lane.view = ? AND turn IS NOT NULL ORDER BY first LIMIT ?"""
HOME = f"""{_LANE}, task.seq, task.rank, task.order_key
FROM task JOIN lane ON lane.id = task.lane JOIN view ON view.id = lane.view
WHERE task.seq = ? AND task.ready = 1 AND turn IS NOT NULL"""
READY_UNDER = """SELECT count(*) FROM lane JOIN task ON task.lane = lane.id AND task.ready = 1
WHERE lane.view = ? AND turn IS NOT NULL"""
CLOSED = """SELECT held_by, sum((SELECT count(*) FROM task WHERE task.lane = lane.id AND task.ready = 1))
FROM lane WHERE head IS NOT NULL AND turn IS NULL AND paused & 8 = 0 GROUP BY held_by"""
READY = "SELECT seq, rank, order_key FROM task WHERE lane = ? AND ready = 1 ORDER BY order_key, seq LIMIT ?"
_HEAD = f"""(SELECT CASE WHEN lane.strategy IN ('lifo', 'random') AND task.rank >= {BUMPED // 2}
        THEN CASE WHEN ?2 OR lane.head IS NULL THEN ?3 ELSE lane.since END ELSE task.rank END
    FROM task WHERE task.lane = lane.id AND task.ready = 1 ORDER BY task.order_key, task.seq LIMIT 1)"""
REFRESH = f"""UPDATE lane SET since = CASE WHEN ?2 OR head IS NULL THEN ?3 ELSE since END, head = {_HEAD},
    turn = CASE WHEN paused = 0 AND parked = 0 THEN {_HEAD} END,
    first = (SELECT order_key FROM task WHERE task.lane = lane.id AND ready = 1 ORDER BY order_key, seq LIMIT 1)
WHERE id = ?1 RETURNING head, parked, concurrency_key, rate_key"""
WAITS_FOR_RATE = """SELECT EXISTS (SELECT 1 FROM lane INDEXED BY lane_rated JOIN view ON view.id = lane.view
    WHERE parked = 2 AND paused = 0 AND head IS NOT NULL
    AND (?1 IS NULL OR queue IN (SELECT value FROM json_each(?1))))"""
STATE = "SELECT paused, parked, held_by FROM lane WHERE id = ?"
UNUSED = "SELECT id FROM lane WHERE id NOT IN (SELECT lane FROM task)"
DROP = "DELETE FROM lane WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE seq > ?2 AND lane = ?1)"
ASK_DEVICE = """SELECT EXISTS (SELECT 1 FROM view WHERE constraints <> '{}'
    AND EXISTS (SELECT 1 FROM lane WHERE lane.view = view.id AND turn IS NOT NULL))"""


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _view_key(queue: str, handler: str, constraints: str, window: str = "", traits: str = "") -> ViewKey:
    """Every tick reads the same few views: their text is parsed once."""
    wish = constraints_from(json.loads(constraints))
    hours, zone = _hours(window) if window else (None, None)
    return ViewKey(queue, handler, wish, hours, zone, Traits.of(traits) if traits else PLAIN)


def _hours(text: str) -> tuple[ZonedWindow, tzinfo | None]:
    """Return a window with its zone: None where this computer does not have it, as with a store from another one."""
    from bgo import zones
    from bgo.model.window import ZonedWindow

    window = ZonedWindow.of(text)
    try:
        return window, zones.zone(window.zone)
    except UsageError:
        return window, None


def _text(key: LaneKey, view: tuple[str, str, str, str, str]) -> str:
    """Return the text that tells a lane from all others; what most lanes lack is left out of it.

    Statements look into it by position: what is new comes last.
    """
    *asked, window, traits = view
    parts: list[Any] = [key.name, *asked, key.concurrency_key, key.concurrency_max, key.strategy]
    if key.rate or key.marks or key.stage or window or traits:
        rest = [key.stage, window or None, traits or None]
        while rest and rest[-1] is None:
            rest.pop()
        parts += [key.rate, key.marks, *rest]
    return _compact(parts)


@lru_cache(maxsize=1024)
def _lane_key(text: str) -> LaneKey:
    from bgo.model.limits import ConcurrencyStrategy

    parts: list[Any] = json.loads(text)
    name, queue, handler, constraints, key, limit, strategy = parts[:7]
    more: list[Any] = [None, [], None, "", ""]  # what is not there: most lanes have none of it
    more[: len(parts) - 7] = parts[7:]
    rate, marks, stage, window, traits = more
    return LaneKey(
        name,
        _view_key(queue, handler, constraints, window or "", traits or ""),
        key,
        limit,
        ConcurrencyStrategy(strategy) if strategy else None,
        None if rate is None else Rate(*rate),
        tuple(marks),
        stage,
    )


def _offered(row: Sequence[Any], heads: Sequence[Head]) -> LaneHeads:
    """Return a row of _LANE with the tasks it offers."""
    from bgo.model.plan import LaneHeads

    lane, queue, key, limit, strategy, rate, starts, window = row[:8]
    return LaneHeads(
        lane, queue, key, limit, tuple(heads), strategy, None if rate is None else Rate(rate, starts, window)
    )


class SqlLanes(SqlParking):
    """See `port.Lanes`."""

    def __init__(self, db: sqlite3.Connection, rates: SqlRates, named: SqlNamedLimits) -> None:
        super().__init__(db, rates)
        self._named = named

    def ensure(self, key: LaneKey, now: int) -> int:
        hours = "" if key.view.window is None else str(key.view.window)
        asked = _compact(constraints_json(key.view.constraints))
        view = (key.view.queue, key.view.handler, asked, hours, str(key.view.traits))
        text = _text(key, view)
        row = self._db.execute(FIND, (text,)).fetchone()
        if row is not None:
            return int(row[0])
        found = self._db.execute(FIND_VIEW, view).fetchone()
        view_id = found[0] if found else self._db.execute(ADD_VIEW, view).lastrowid
        paused = paused_bits(self._db, key)
        held_by = None if not paused else Gate.STAGING if paused == PAUSE_BIT["stage"] else Gate.PAUSED
        acting, rate = self._named.overridden(key)
        if rate is not None:
            self._rates.ensure(rate)
        marks = _compact(key.marks)
        limits = (*acting, *(rate or (None, None, None)))
        values = (text, key.name, view_id, *limits, marks, key.stage, paused, held_by, now)
        lane = self._db.execute(ADD, values).lastrowid
        if lane is None:
            raise AssertionError("SQLite gives every inserted row an id")
        if held_by is not None:
            self.log("lane", lane, held_by, now)
        return lane

    @reads("a lane")
    def key(self, lane: int) -> LaneKey:
        (text,) = self._db.execute(KEY, (lane,)).fetchone()
        return _lane_key(text)

    def limits(self, lane: int) -> tuple[int | None, Rate | None]:
        limit, *rate = self._db.execute(LIMITS, (lane,)).fetchone()
        return limit, None if rate[0] is None else Rate(*rate)

    def ask_device(self) -> bool:
        return bool(self._db.execute(ASK_DEVICE).fetchone()[0])

    @reads("a lane")
    def views(self) -> list[tuple[int, ViewKey]]:
        return [(view, _view_key(*key)) for view, *key in self._db.execute(OPEN_VIEWS)]

    def heads(self, views: Collection[int], width: int) -> list[LaneHeads]:
        found: dict[int, LaneHeads] = {}
        groups: dict[tuple[str, str], None] = {}
        are_all = True
        for view in sorted(views):
            rows = self._db.execute(BEST, (view, width + 1)).fetchall()
            are_all = are_all and len(rows) <= width
            for row in rows[:width]:
                found[row[0]] = self._with_heads(row, width)
                if row[2] is not None:
                    groups[row[2], row[4]] = None
        for group in () if are_all else groups:  # who goes first under a key may stand far behind in the order of lanes
            for view in sorted(views):
                for row in self._db.execute(GROUP, (*group, view, width)).fetchall():
                    if row[0] not in found:
                        found[row[0]] = self._with_heads(row, width)
        return list(found.values())

    def _with_heads(self, row: Sequence[Any], width: int) -> LaneHeads:
        from bgo.model.plan import Head  # enqueue needs no heads

        ready = self._db.execute(READY, (row[0], width)).fetchall()
        shared, since = row[4] in ("lifo", "random"), row[8]
        return _offered(row, [Head(s, since if shared and not is_bumped(rank) else rank, o) for s, rank, o in ready])

    def heads_of(self, views: Collection[int], seqs: Sequence[int]) -> list[LaneHeads]:
        from bgo.model.plan import Head

        found: dict[int, tuple[Sequence[Any], list[Head]]] = {}
        for wanted in seqs:
            row = self._db.execute(HOME, (wanted,)).fetchone()
            if row is not None and row[9] in views:
                found.setdefault(row[0], (row, []))[1].append(Head(*row[10:]))
        return [_offered(row, sorted(heads, key=lambda h: (h.order, h.seq))) for row, heads in found.values()]

    def ready_under(self, view: int) -> int:
        return int(self._db.execute(READY_UNDER, (view,)).fetchone()[0])

    def wait_for_rate(self, queues: Collection[str] | None) -> bool:
        wanted = None if queues is None else json.dumps(sorted(queues))
        return bool(self._db.execute(WAITS_FOR_RATE, (wanted,)).fetchone()[0])

    def closed(self) -> Mapping[str, int]:
        return dict(self._db.execute(CLOSED).fetchall())

    def refresh(self, lanes: Iterable[int], now: int, *, served: bool = False) -> bool:
        woke = False
        for lane in sorted(lanes):
            ((head, parked, key, rate),) = self._db.execute(REFRESH, (lane, served, now)).fetchall()
            if rate is not None and (head is None or parked == BY_RATE):
                self._rates.wake(rate, if_asleep=head is not None)
                woke = True
            if key is not None and (parked or head is None):
                # A parked lane may have got its first task, an emptied one must pass the room under its key on.
                self.open_key(key, now)
        return woke

    def state(self, lane: int) -> LaneState:
        paused, parked, held_by = self._db.execute(STATE, (lane,)).fetchone()
        return LaneState(bool(paused), parked, held_by)

    def unused(self) -> list[int]:
        return [lane for (lane,) in self._db.execute(UNUSED).fetchall()]

    def drop(self, lanes: Sequence[int], last_seq: int) -> None:
        for lane in lanes:
            if self._db.execute(DROP, (lane, last_seq)).rowcount:
                self._db.execute(DROP_LOG, (lane,))
