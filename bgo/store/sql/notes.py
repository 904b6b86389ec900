"""Notes: short texts of the store itself, by key."""

from __future__ import annotations

import sqlite3

READ = "SELECT value FROM meta WHERE key = 'note.' || ?"
WRITE = """INSERT INTO meta (key, value) VALUES ('note.' || ?1, ?2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value"""


class SqlNotes:
    """The verbs of `port.Notes`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def read(self, key: str) -> str | None:
        row = self._db.execute(READ, (key,)).fetchone()
        return None if row is None else str(row[0])

    def write(self, key: str, value: str) -> None:
        self._db.execute(WRITE, (key, value))
