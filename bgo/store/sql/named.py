"""Limits that a configuration names: what they override, and keeping them as the configuration says."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bgo.model.lane import LaneKey, Rate
from bgo.store.sql.pauses import HELD_BY

if TYPE_CHECKING:
    from bgo.model.limits import NamedLimit

FIND = "SELECT concurrency_max, rate_max, rate_window FROM named_limit WHERE key = ?"
OF_SOURCE = "SELECT key, concurrency_max, rate_max, rate_window FROM named_limit WHERE source = ?"
DROP = "DELETE FROM named_limit WHERE key = ? AND source = ?"
PUT = """INSERT INTO named_limit (key, source, concurrency_max, rate_max, rate_window) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET source = excluded.source, concurrency_max = excluded.concurrency_max,
    rate_max = excluded.rate_max, rate_window = excluded.rate_window"""
LIMIT_LANES = f"""UPDATE lane SET concurrency_max = coalesce(?1, json_extract(key, '$[5]')),
    parked = 0, turn = CASE WHEN paused = 0 THEN head END, held_by = {HELD_BY}
WHERE concurrency_key = ?2"""
RATE_LANES = f"""UPDATE lane SET rate_max = coalesce(?1, json_extract(key, '$[7][1]')),
    rate_window = coalesce(?2, json_extract(key, '$[7][2]')), parked = 0,
    turn = CASE WHEN paused = 0 THEN head END, held_by = {HELD_BY}
WHERE rate_key = ?3"""
KEEP_STARTS = "UPDATE rate SET keep_ms = max(keep_ms, ?) WHERE key = ?"

Row = tuple[int | None, int | None, int | None]
"""The three limits of a row: how many at once, how many starts, in how long."""


class SqlNamedLimits:
    """See `port.NamedLimits`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def overridden(self, key: LaneKey) -> tuple[tuple[str | None, int | None, str | None], Rate | None]:
        """Return a lane's concurrency (key, limit, strategy) and rate as they act."""
        limit, rate = key.concurrency_max, key.rate
        if key.concurrency_key is not None and (row := self._find(key.concurrency_key)) is not None:
            limit = row[0] or limit
        if rate is not None and (row := self._find(rate.key)) is not None and row[1] and row[2]:
            rate = Rate(rate.key, row[1], row[2])
        return (key.concurrency_key, limit, key.strategy), rate

    def _find(self, key: str) -> Row | None:
        found: Row | None = self._db.execute(FIND, (key,)).fetchone()
        return found

    def names(self, key: str) -> bool:
        return self._find(key) is not None

    def differ(self, source: str, wanted: Mapping[str, NamedLimit]) -> bool:
        return self._of(source) != {key: _row(limit) for key, limit in wanted.items()}

    def sync(self, source: str, wanted: Mapping[str, NamedLimit]) -> None:
        known = self._of(source)
        for key in known.keys() - wanted.keys():
            self._db.execute(DROP, (key, source))
            self._apply(key, (None, None, None))
        for key, limit in wanted.items():
            if known.get(key) != _row(limit):
                self._db.execute(PUT, (key, source, *_row(limit)))
                self._apply(key, _row(limit))

    def _of(self, source: str) -> dict[str, Row]:
        return {key: (limit, starts, window) for key, limit, starts, window in self._db.execute(OF_SOURCE, (source,))}

    def _apply(self, key: str, row: Row) -> None:
        """Let present lanes act by it; those that were parked are judged anew by the next tick."""
        limit, starts, window = row
        self._db.execute(LIMIT_LANES, (limit, key))
        self._db.execute(RATE_LANES, (starts, window, key))
        if window is not None:
            self._db.execute(KEEP_STARTS, (window, key))


def _row(limit: NamedLimit) -> Row:
    rate = limit.rate
    return limit.max_concurrent, None if rate is None else rate.max_executions, None if rate is None else rate.window_ms
