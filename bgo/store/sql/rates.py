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
WAITS = """WITH key AS (SELECT
    coalesce((SELECT max(n) FROM rate_start WHERE key = ?1), 0) AS n,
    ?2 - (SELECT count(*) FROM lease WHERE rate_key = ?1 AND stamped = 0) AS free
) SELECT key.n, free, start.n, at, at_boot, boot FROM key LEFT JOIN rate_start AS start
    ON start.key = ?1 AND start.n BETWEEN key.n - free + 1 AND key.n - free + min(free, ?3)"""
STARTS = "SELECT n, at, at_boot, boot FROM rate_start WHERE key = ? AND n BETWEEN ? AND ?"
ADD = """INSERT INTO rate_start (key, n, at, boot, at_boot)
SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, max(?4, coalesce((SELECT at_boot FROM rate_start AS last
    WHERE last.key = ?1 AND last.n = (SELECT max(n) FROM rate_start WHERE key = ?1) AND boot = ?3), 0))
FROM rate_start WHERE key = ?1 RETURNING n"""
KEPT = "SELECT keep_ms, (SELECT min(n) FROM rate_start WHERE key = ?1) FROM rate WHERE key = ?1"
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
    AND coalesce((SELECT at FROM rate_start AS last WHERE last.key = rate.key ORDER BY n DESC LIMIT 1), 0) < ? LIMIT ?)
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

        rows = self._db.execute(WAITS, (rate.key, rate.max, width)).fetchall()
        n, free = rows[0][:2]
        known = {number: Moment(at, at_boot, boot) for _, _, number, at, at_boot, boot in rows}
        first, within = n - free + 1, max(0, min(width, free))
        waits = [
            wait_ms(known[number], rate.window_ms, moment) if number in known else 0
            for number in range(first, first + within)
        ]
        return (*waits, *[rate.window_ms + 1] * (width - within))

    def stamp(self, seq: int, run: int, key: str, start: Moment) -> None:
        self.count(key, start)
        self._db.execute(MARK, (seq, run))

    def count(self, key: str, start: Moment) -> None:
        added = (key, start.now_ms, start.boot_id, start.boot_ms)
        ((n,),) = self._db.execute(ADD, added).fetchall()
        if n % DROP_EVERY == 0:
            self._drop_old(key, start)

    def _drop_old(self, key: str, now: Moment) -> None:
        """Forget starts that have left every window."""
        from bgo.policy.rate import elapsed_ms

        keep_ms, oldest = self._db.execute(KEPT, (key,)).fetchone()
        kept = oldest
        found = self._db.execute(STARTS, (key, oldest, oldest + 2 * DROP_EVERY - 1)).fetchall()
        for number, at, at_boot, boot in found:
            if elapsed_ms(Moment(at, at_boot, boot), now) <= keep_ms:
                break
            kept = number + 1
        if kept > oldest:
            self._db.execute(DROP, (key, kept))

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
