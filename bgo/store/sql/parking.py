"""Parking: lanes before a full concurrency key or rate stand aside, so that a tick never looks at them; when there is
room again the best of them are let in."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bgo.clock import Moment
from bgo.model.lane import Gate, Rate
from bgo.store.sql.holdlog import SqlHoldLog

if TYPE_CHECKING:
    from bgo.model.plan import Hold
    from bgo.store.sql.rates import SqlRates

BY_KEY, BY_RATE = 1, 2
"""Values of `lane.parked`; 0: not parked."""
OPENED_AT_A_TIME = 64
"""Lanes of one rate and view that are let in at once; the next tick lets in more."""
LOOK_AGAIN_MS = 1_000
"""When room under a rate was offered to some lanes, the others are asked this much later whether it was used."""

PARK = "UPDATE lane SET parked = ?, turn = NULL, held_by = ? WHERE id = ? RETURNING concurrency_key, rate_key"
UNPARK = "UPDATE lane SET parked = 0, held_by = NULL, turn = CASE WHEN paused = 0 THEN head END WHERE id = ?"
NEXT_PARKED = """SELECT view, concurrency_max, strategy FROM lane INDEXED BY lane_parked
WHERE parked = 1 AND paused = 0 AND head IS NOT NULL
    AND concurrency_key = ? AND (view, concurrency_max, strategy) >= (?, ?, ?)
ORDER BY view, concurrency_max, strategy LIMIT 1"""
"""With >= the search begins at the triple itself; for > SQLite would walk over all that are equal."""
BEST_PARKED = """SELECT id FROM lane INDEXED BY lane_parked WHERE parked = 1 AND paused = 0 AND head IS NOT NULL
    AND concurrency_key = ? AND view = ? AND concurrency_max = ? AND strategy = ? ORDER BY first LIMIT 1"""
RUNNING = "SELECT count(*) FROM lease WHERE concurrency_key = ?"
NEXT_RATED = """SELECT view, rate_max, rate_window FROM lane INDEXED BY lane_rated
WHERE parked = 2 AND paused = 0 AND head IS NOT NULL AND rate_key = ? AND (view, rate_max, rate_window) >= (?, ?, ?)
ORDER BY view, rate_max, rate_window LIMIT 1"""
BEST_RATED = """SELECT id FROM lane INDEXED BY lane_rated WHERE parked = 2 AND paused = 0 AND head IS NOT NULL
    AND rate_key = ? AND view = ? AND rate_max = ? AND rate_window = ? ORDER BY head LIMIT ?"""


class SqlParking(SqlHoldLog):
    """The part of `port.Lanes` that lets lanes wait for room."""

    def __init__(self, db: sqlite3.Connection, rates: SqlRates) -> None:
        super().__init__(db)
        self._rates = rates

    def park(self, lane: int, hold: Hold, moment: Moment) -> None:
        kind = BY_RATE if hold.gate is Gate.RATE else BY_KEY
        key, rate = self._db.execute(PARK, (kind, hold.gate, lane)).fetchone()
        self.log("lane", lane, hold.gate, moment.now_ms)
        if kind == BY_RATE and hold.until_ms is not None:
            self._rates.wake_by(rate, moment, max(0, hold.until_ms - moment.now_ms))
            if key is not None:
                self.open_key(key, moment.now_ms)  # the room under its key is for others meanwhile

    def open_key(self, key: str, now: int) -> None:
        at: tuple[int, int, str] = (0, 0, "")
        running: int | None = None
        while (row := self._db.execute(NEXT_PARKED, (key, *at)).fetchone()) is not None:
            view, limit, strategy = row
            if running is None:
                (running,) = self._db.execute(RUNNING, (key,)).fetchone()
            if limit <= running:
                at = (view, running + 1, "")
                continue
            at = (view, limit, strategy + "\0")
            (best,) = self._db.execute(BEST_PARKED, (key, *row)).fetchone()
            self._open(best, now)

    def open_rate(self, key: str, moment: Moment) -> None:
        view, limit, window = 0, 0, 0
        again: list[int] = []
        while (row := self._db.execute(NEXT_RATED, (key, view, limit, window)).fetchone()) is not None:
            waits = self._rates.waits(Rate(key, row[1], row[2]), moment, OPENED_AT_A_TIME)
            room = waits.count(0)
            lanes = self._db.execute(BEST_RATED, (key, *row, room)).fetchall() if room else []
            for (lane,) in lanes:
                self._open(lane, moment.now_ms)
            if len(lanes) == room:
                again.append(LOOK_AGAIN_MS if room else waits[0])
            view, limit, window = row[0], row[1], row[2] + 1
        self._rates.set_wake(key, moment, min(again, default=None))

    def _open(self, lane: int, now: int) -> None:
        self._db.execute(UNPARK, (lane,))
        self.log("lane", lane, None, now)
