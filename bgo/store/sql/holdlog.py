"""The log of holds: what held a lane or a view from which instant on, so that a wait can be told by its reasons."""

from __future__ import annotations

import json
import sqlite3

from bgo.store.faults import reads

LOG_GRAIN_MS = 1_000
_EVER = 1 << 62
"""Later than any instant: the log goes on from its last row even when the wall clock was set back behind it."""

VIEW_HELD = "UPDATE view SET held_by = ? WHERE id = ? AND held_by IS NOT ?"
LAST_LOG = "SELECT at, held_by, totals FROM hold_log WHERE scope = ? AND ref = ? AND at <= ? ORDER BY at DESC LIMIT 1"
FIRST_LOG = "SELECT totals FROM hold_log WHERE scope = ? AND ref = ? ORDER BY at LIMIT 1"
ADD_LOG = "INSERT OR REPLACE INTO hold_log (scope, ref, at, held_by, totals) VALUES (?, ?, ?, ?, ?)"
DROP_LOG = "DELETE FROM hold_log WHERE scope = 'lane' AND ref = ?"
FORGET = """DELETE FROM hold_log WHERE rowid IN (SELECT old.rowid FROM hold_log AS old WHERE at < ?1 AND EXISTS (
    SELECT 1 FROM hold_log AS newer
    WHERE newer.scope = old.scope AND newer.ref = old.ref AND newer.at > old.at AND newer.at <= ?1
) LIMIT ?2)"""
LOGGED = """SELECT view, EXISTS (SELECT 1 FROM hold_log WHERE scope = 'lane' AND ref = lane.id),
    EXISTS (SELECT 1 FROM hold_log WHERE scope = 'view' AND ref = lane.view) FROM lane WHERE id = ?"""


class SqlHoldLog:
    """The part of `port.Lanes` that remembers."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def log_view(self, view: int, gate: str | None, now: int) -> None:
        if self._db.execute(VIEW_HELD, (gate, view, gate)).rowcount:
            self.log("view", view, gate, now)

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
            self._db.execute(ADD_LOG, (scope, ref, now, gate, _text(_grown(totals, held_by, now - at))))

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

    @reads("a lane")
    def held_at(self, lane: int, at: int) -> tuple[str, ...]:
        view = self._db.execute(LOGGED, (lane,)).fetchone()[0]
        last = (self._db.execute(LAST_LOG, (*scope, at)).fetchone() for scope in (("lane", lane), ("view", view)))
        return tuple(row[1] for row in last if row is not None and row[1] is not None)

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


def _text(totals: dict[str, int]) -> str:
    return json.dumps(totals, sort_keys=True, separators=(",", ":"))
