"""Runs that are over, for the rules of the profile under which they ran."""

from __future__ import annotations

import sqlite3

ADD = "INSERT INTO run_over (profile, run, at) VALUES (?, ?, ?)"
PENDING = "SELECT run, at, seq FROM run_over WHERE profile = ? ORDER BY seq"
DROP = "DELETE FROM run_over WHERE profile = ? AND seq <= ?"


class SqlOvers:
    """See `port.Overs`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, profile: str, run: str, at: int) -> None:
        self._db.execute(ADD, (profile, run, at))

    def pending(self, profile: str) -> list[tuple[str, int, int]]:
        return [(run, at, seq) for run, at, seq in self._db.execute(PENDING, (profile,))]

    def drop(self, profile: str, upto: int) -> None:
        self._db.execute(DROP, (profile, upto))
