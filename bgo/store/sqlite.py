"""The SQLite store: one file, WAL, synchronous=FULL, and a turnstile before the write lock.

Write transactions are short and never around I/O. SQLite's own busy handler starves a waiter for seconds beside a
saturated writer, so writers first queue at `turnstile.Turnstile`; `busy_timeout` is only the net beneath it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bgo.errors import ForkedStoreError
from bgo.store import migrate, place
from bgo.store.faults import translated
from bgo.store.session import Session
from bgo.store.turnstile import NoTurnstile, Turnstile

Synchronous = Literal["full", "normal"]
BUSY_MS = 5_000


class SqliteStore:
    """An open store. One connection, usable from any thread, one transaction at a time; never across a fork."""

    def __init__(self, path: Path | None, *, synchronous: Synchronous = "full", busy_ms: int = BUSY_MS) -> None:
        self.path = path
        self._pid = os.getpid()
        self._lock = threading.RLock()
        if path is not None:
            place.prepare(path)
        with translated(path):
            self._db = sqlite3.connect(
                ":memory:" if path is None else os.fspath(path),
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
                timeout=busy_ms / 1000,
            )
        self._turnstile = NoTurnstile() if path is None else Turnstile(place.lock_path(path), busy_ms)
        self._session = Session(self._db)
        try:
            with translated(path):
                self._open(synchronous)
        except BaseException:
            self._db.close()
            raise

    def _open(self, synchronous: Synchronous) -> None:
        db = self._db
        with self._turnstile.held() if migrate.is_needed(db, self.path) else NoTurnstile().held():
            migrate.run(db, self.path)
        if self.path is not None and db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            db.execute("PRAGMA journal_mode=WAL")  # somebody switched it off by hand
        for pragma in (
            f"synchronous={'FULL' if synchronous == 'full' else 'NORMAL'}",
            "foreign_keys=OFF",
            "fullfsync=ON",
            "temp_store=MEMORY",
            "mmap_size=0",
            "journal_size_limit=67108864",
        ):
            db.execute("PRAGMA " + pragma)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Run one write transaction; it commits at the end of the block and rolls back on any exception.

        Raises StoreBusyError when another writer does not let go, StoreFullError, StoreDamagedError or
        UnknownCommitError when the disk fails.
        """
        self._check_fork()
        with self._lock, self._turnstile.held(), translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._session
            except BaseException:
                self._rollback()
                raise
            with translated(self.path, committing=True):
                try:
                    self._db.execute("COMMIT")
                except BaseException:
                    self._rollback()
                    raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Run one read transaction: everything in the block sees the same snapshot."""
        self._check_fork()
        with self._lock, translated(self.path):
            self._db.execute("BEGIN")
            try:
                yield self._session
            finally:
                self._rollback()

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _check_fork(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedStoreError(
                "this store was opened before a fork",
                why="SQLite connections must not cross a fork: the locks of both processes would be lost",
                hint="open a TaskFlow in the child process",
            )

    def data_version(self) -> int:
        """Return a number that changes when another connection commits (2.7 µs: cheap enough to poll)."""
        self._check_fork()
        with self._lock, translated(self.path):
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def copy_to_memory(self) -> SqliteStore:
        """Return an independent in-memory copy of the store as it is now."""
        copy = SqliteStore(None)
        with self._lock, translated(self.path):
            self._db.backup(copy._db)
        return copy

    @property
    def connection(self) -> sqlite3.Connection:
        """The raw connection, for the administration verbs (check, backup, vacuum) of this floor."""
        return self._db

    def close(self) -> None:
        """Close the connection; the store may not be used afterwards."""
        if os.getpid() == self._pid:
            self._db.close()
            self._turnstile.close()
