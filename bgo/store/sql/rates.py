"""Rates: the starts under each key, numbered in the order of their stamps, and when parked lanes must be looked at.

A start is numbered when its child has reported it; until then its lease counts as a start at this very moment. So the
n-th newest start is one look-up away, however many a window holds, and a run that never started leaves no trace.
"""

from __future__ import annotations

import sqlite3

from bgo.clock import Moment
from bgo.model.lane import Rate

ENSURE = """INSERT INTO rate (key, keep_ms) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET keep_ms = excluded.keep_ms WHERE excluded.keep_ms > keep_ms"""
COUNT = """SELECT n, (SELECT count(*) FROM lease WHERE rate_key = ?1 AND stamped = 0) FROM rate WHERE key = ?1"""
STARTS = "SELECT n, at, at_boot, boot FROM rate_start WHERE key = ? AND n BETWEEN ? AND ?"
LAST = """SELECT rate.n, oldest, keep_ms, at_boot, boot FROM rate
LEFT JOIN rate_start ON rate_start.key = rate.key AND rate_start.n = rate.n WHERE rate.key = ?"""
ADD = "INSERT INTO rate_start (key, n, at, boot, at_boot) VALUES (?, ?, ?, ?, ?)"
SET_COUNT = "UPDATE rate SET n = ?, oldest = ? WHERE key = ?"
DROP = "DELETE FROM rate_start WHERE key = ? AND n < ?"
MARK = "UPDATE lease SET stamped = 1 WHERE task = ? AND run = ?"
DUE = """SELECT key FROM rate WHERE wake_at IS NOT NULL AND wake_boot < ?1
UNION ALL SELECT key FROM rate WHERE wake_at IS NOT NULL AND wake_boot > ?1
UNION ALL SELECT key FROM rate WHERE wake_at IS NOT NULL AND wake_boot = ?1 AND wake_at <= ?2 LIMIT ?3"""
WAKE_AT = "UPDATE rate SET wake_boot = ?, wake_at = ? WHERE key = ?"
WAKE_BY = """UPDATE rate SET wake_boot = ?1, wake_at = ?2
WHERE key = ?3 AND (wake_at IS NULL OR wake_boot <> ?1 OR wake_at > ?2)"""
WAKE_WAITING = "UPDATE rate SET wake_boot = '', wake_at = 0 WHERE key = ? AND wake_at IS NOT NULL"
WAKE_ASLEEP = "UPDATE rate SET wake_boot = '', wake_at = 0 WHERE key = ? AND wake_at IS NULL"
FORGET = """DELETE FROM rate WHERE key IN (SELECT key FROM rate
    WHERE NOT EXISTS (SELECT 1 FROM lane WHERE lane.rate_key = rate.key)
    AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.rate_key = rate.key)
    AND coalesce((SELECT at FROM rate_start AS last WHERE last.key = rate.key AND last.n = rate.n), 0) < ? LIMIT ?)
RETURNING key"""
FORGET_STARTS = "DELETE FROM rate_start WHERE key = ?"
DROP_EVERY = 16
"""Every so many starts those are forgotten that have left the window, twice as many at most: what is kept shrinks to
what the window needs, and a start costs no more than its own row."""


class SqlRates:
    """See `port.Rates`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def ensure(self, rate: Rate) -> None:
        self._db.execute(ENSURE, (rate.key, rate.window_ms))

    def waits(self, rate: Rate, moment: Moment, width: int) -> tuple[int, ...]:
        from bgo.policy.rate import wait_ms  # enqueue judges no rate

        row = self._db.execute(COUNT, (rate.key,)).fetchone()
        n, starting = (0, 0) if row is None else row
        free = min(rate.max - starting, rate.max)
        within = min(width, max(0, free))
        first = n - free + 1
        known = {
            number: Moment(at, at_boot, boot)
            for number, at, at_boot, boot in self._db.execute(STARTS, (rate.key, first, first + within - 1))
        }
        waits = [
            wait_ms(known[number], rate.window_ms, moment) if number in known else 0
            for number in range(first, first + within)
        ]
        return (*waits, *[rate.window_ms + 1] * (width - within))

    def stamp(self, seq: int, run: int, key: str, start: Moment) -> None:
        self.count(key, start)
        self._db.execute(MARK, (seq, run))

    def count(self, key: str, start: Moment) -> None:
        row = self._db.execute(LAST, (key,)).fetchone()
        if row is None:
            raise AssertionError("a lane with a rate has made its row")
        n, oldest, keep_ms, last, boot = row
        at_boot = max(start.boot_ms, last) if boot == start.boot_id else start.boot_ms
        stamped = Moment(start.now_ms, at_boot, start.boot_id)
        self._db.execute(ADD, (key, n + 1, stamped.now_ms, stamped.boot_id, stamped.boot_ms))
        if n % DROP_EVERY == 0:
            oldest = self._drop_old(key, oldest, keep_ms, stamped)
        self._db.execute(SET_COUNT, (n + 1, oldest, key))

    def _drop_old(self, key: str, oldest: int, keep_ms: int, now: Moment) -> int:
        """Forget starts that have left every window; return the oldest that is kept."""
        from bgo.policy.rate import elapsed_ms

        kept = oldest
        for number, at, at_boot, boot in self._db.execute(STARTS, (key, oldest, oldest + 2 * DROP_EVERY - 1)).fetchall():
            if elapsed_ms(Moment(at, at_boot, boot), now) <= keep_ms:
                break
            kept = number + 1
        if kept > oldest:
            self._db.execute(DROP, (key, kept))
        return kept

    def due(self, moment: Moment, limit: int) -> list[str]:
        return [key for (key,) in self._db.execute(DUE, (moment.boot_id, moment.boot_ms, limit)).fetchall()]

    def wake(self, key: str, *, if_asleep: bool = False) -> None:
        self._db.execute(WAKE_ASLEEP if if_asleep else WAKE_WAITING, (key,))

    def wake_by(self, key: str, moment: Moment, wait: int) -> None:
        self._db.execute(WAKE_BY, (moment.boot_id, moment.boot_ms + wait, key))

    def set_wake(self, key: str, moment: Moment, wait: int | None) -> None:
        at = (None, None) if wait is None else (moment.boot_id, moment.boot_ms + wait)
        self._db.execute(WAKE_AT, (*at, key))

    def forget(self, before: int, limit: int) -> int:
        gone = self._db.execute(FORGET, (before, limit)).fetchall()
        self._db.executemany(FORGET_STARTS, gone)
        return len(gone)
