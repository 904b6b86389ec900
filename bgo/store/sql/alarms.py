"""Alarms: everything the store knows to come, in one look."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bgo.store.rows import Alarms

if TYPE_CHECKING:
    from bgo.clock import Moment

NEXT = """SELECT
    (SELECT due_at FROM task INDEXED BY task_alarm WHERE ready = 0 AND state IN ('queued', 'retrying')
        ORDER BY due_at LIMIT 1),
    (SELECT expires_at FROM task INDEXED BY task_expiry
        WHERE expires_at IS NOT NULL AND state IN ('blocked', 'queued', 'retrying') ORDER BY expires_at LIMIT 1),
    EXISTS (SELECT 1 FROM rate WHERE wake_at IS NOT NULL AND wake_boot < ?1)
        OR EXISTS (SELECT 1 FROM rate WHERE wake_at IS NOT NULL AND wake_boot > ?1),
    (SELECT wake_at FROM rate WHERE wake_at IS NOT NULL AND wake_boot = ?1 ORDER BY wake_at LIMIT 1),
    EXISTS (SELECT 1 FROM tag_move) OR EXISTS (SELECT 1 FROM release),
    (SELECT fire_at FROM schedule INDEXED BY schedule_fire WHERE fire_at IS NOT NULL ORDER BY fire_at LIMIT 1),
    (SELECT last_at FROM schedule INDEXED BY schedule_last WHERE fire_at IS NOT NULL AND last_at IS NOT NULL
        ORDER BY last_at DESC LIMIT 1),
    EXISTS (SELECT 1 FROM schedule WHERE boot IS NOT NULL AND state = 'active' AND boot < ?1)
        OR EXISTS (SELECT 1 FROM schedule WHERE boot IS NOT NULL AND state = 'active' AND boot > ?1),
    (SELECT relax_at FROM task INDEXED BY task_relax WHERE relax_at IS NOT NULL AND finished_at IS NULL
        ORDER BY relax_at LIMIT 1)"""


class SqlAlarms:
    """See `port.AlarmBell`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def next(self, moment: Moment) -> Alarms:
        due, expiry, of_other_boot, wake_at, moves, *others = self._db.execute(NEXT, (moment.boot_id,)).fetchone()
        rate_in = 0 if of_other_boot else None if wake_at is None else max(0, wake_at - moment.boot_ms)
        return Alarms(due, expiry, rate_in, bool(moves), *others)
