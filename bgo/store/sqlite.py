"""The SQLite store: one file, WAL, synchronous=FULL, and a turnstile before the write lock.

Write transactions are short and never around I/O. SQLite's own busy handler starves a waiter for seconds beside a
saturated writer, so writers first queue at `turnstile.Turnstile`; `busy_timeout` is only the net beneath it.
After a failed disk operation the connection is dropped and opened afresh: what its cache believes may not be true.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from bgo.clock import SystemClock
from bgo.errors import ForkedStoreError, StoreError
from bgo.ids import quick_rng
from bgo.store import migrate, place
from bgo.store.faults import damaged, translated
from bgo.store.rewind import rewind, unburden
from bgo.store.session import Session
from bgo.store.turnstile import NoTurnstile, Turnstile

Synchronous = Literal["full", "normal"]
BUSY_MS = 5_000
WAL_LIMIT = 64 << 20
"""The log is cut back to this many bytes when a checkpoint empties it."""
_STRANGE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, sqlite3.IntegrityError)
"""What a bug raises, or a damaged file: the file is asked before the bug is believed."""


class SqliteStore:
    """An open store. One connection, usable from any thread, one transaction at a time; never across a fork."""

    def __init__(self, path: Path | None, *, synchronous: Synchronous = "full", busy_ms: int = BUSY_MS) -> None:
        self.path = None if path is None else Path(os.path.abspath(path))
        self._synchronous = synchronous
        self._busy_ms = busy_ms
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._turnstile: Turnstile | NoTurnstile | None = NoTurnstile() if path is None else None
        self._is_suspect = False
        self._commits = 0
        try:
            self._connect()
        except BaseException:
            if self._turnstile is not None:
                self._turnstile.close()
            raise

    def _connect(self) -> None:
        path = self.path
        expected = None if path is None else place.prepare(path)
        with translated(path):
            db = sqlite3.connect(
                ":memory:" if path is None else os.fspath(path),
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
                timeout=self._busy_ms / 1000,
            )
            try:
                self._open(db)
                if path is not None and place.identity(path) != expected:
                    raise self._moved()
            except BaseException:
                db.close()
                raise
        self._identity = expected
        self._db = db
        self._session = Session(db)

    def _open(self, db: sqlite3.Connection) -> None:
        is_needed = migrate.is_needed(db, self.path)
        if self._turnstile is None and self.path is not None:  # not earlier: nothing is left beside a foreign file
            self._turnstile = Turnstile(place.lock_path(self.path), self._busy_ms)
        if is_needed:
            with self._turnstile.held() if self._turnstile else nullcontext():
                migrate.run(db, self.path)
        full = self._synchronous == "full"
        for pragma in (
            f"synchronous={'FULL' if full else 'NORMAL'}",
            "foreign_keys=OFF",
            "fullfsync=ON",
            "temp_store=MEMORY",
            "mmap_size=0",
            f"journal_size_limit={WAL_LIMIT}",
        ):
            db.execute("PRAGMA " + pragma)
        if self.path is not None:
            # Somebody may have switched the log off by hand, and SQLite refuses settings silently.
            mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            level = db.execute("PRAGMA synchronous").fetchone()[0]
            if mode != "wal" or level != (2 if full else 1):
                raise StoreError(
                    f"the store cannot be made durable: {self.path}",
                    why=f"SQLite answers journal_mode={mode}, synchronous={level}",
                    hint="put the store on a local file system that knows shared memory (--store, BGO_HOME)",
                )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Run one write transaction; it commits at the end of the block and rolls back on any exception.

        Raises StoreBusyError when another writer does not let go, StoreFullError, StoreDamagedError or
        UnknownCommitError when the disk fails, StoreError when the file is not the one that was opened any more.
        """
        with self._lock, self._watched(), self._ready().held():
            self._begin()
            try:
                self._check_place()
                yield self._session
                if self._session.undone_by is not None:
                    raise self._session.undone_by
            except BaseException:
                self._rollback()
                raise
            with self._watched(committing=True):
                try:
                    self._db.execute("COMMIT")
                except BaseException:
                    self._rollback()
                    raise
            self._commits += 1

    def _begin(self) -> None:
        if self._turnstile is None or self._turnstile.is_orderly:
            self._db.execute("BEGIN IMMEDIATE")
            return
        clock, rng = SystemClock(), quick_rng()
        deadline = clock.awake_ms() + self._busy_ms
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or clock.awake_ms() >= deadline:
                        raise
                clock.sleep_ms(rng.randint(1, 10))
        finally:
            self._db.execute(f"PRAGMA busy_timeout={self._busy_ms}")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Run one read transaction: everything in the block sees the same snapshot."""
        with self._lock, self._watched():
            self._ready()
            self._db.execute("BEGIN")
            try:
                yield self._session
            finally:
                self._rollback()

    def _ready(self) -> Turnstile | NoTurnstile:
        """Return the turnstile of a store that may begin a transaction now."""
        turnstile = self._usable()
        if self._db.in_transaction:
            raise RuntimeError("a transaction of this thread is open already: they do not nest")
        self._session.undone_by = None
        return turnstile

    def _usable(self) -> Turnstile | NoTurnstile:
        """Return the turnstile of an open store; drop a connection that a disk error made suspect."""
        self._check_fork()
        if self._turnstile is None:
            raise StoreError("the store is closed", why="close() was called", hint="open it again")
        if self._is_suspect and self.path is not None:
            try:
                self._db.close()
            except sqlite3.Error:
                pass  # a disk that fails may fail once more; the new connection tells
            self._connect()
            self._is_suspect = False
        return self._turnstile

    @contextmanager
    def _watched(self, *, committing: bool = False) -> Iterator[None]:
        try:
            with translated(self.path, committing=committing):
                yield
        except StoreError:
            self._is_suspect = True
            raise
        except _STRANGE as error:
            damage = self._damage()
            if damage is None:
                raise
            self._is_suspect = True
            raise damaged(self.path, damage) from error

    def _damage(self) -> str | None:
        """Return what is wrong with the file, if that may be why something strange came out of it."""
        if self.path is None or self._db.in_transaction:
            return None
        try:
            answer = str(self._db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        except (sqlite3.Error, UnicodeDecodeError) as error:
            return str(error)
        return None if answer == "ok" else answer

    def _rollback(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:
                self._is_suspect = True  # the error that led here tells more

    def _check_fork(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedStoreError(
                "this store was opened before a fork",
                why="SQLite connections must not cross a fork: the locks of both processes would be lost",
                hint="open a TaskFlow in the child process",
            )

    def _check_place(self) -> None:
        """What is written into a file that was renamed or replaced would be lost with it."""
        if self.path is not None and place.identity(self.path) != self._identity:
            raise self._moved()

    def _moved(self) -> StoreError:
        return StoreError(
            f"the store was moved, deleted or replaced while it was open: {self.path}",
            why="what would be written now would be lost",
            hint="put it back, or start the command again to use the file that is there now",
        )

    def data_version(self) -> int:
        """Return a number that changes when another connection commits (2.7 µs: cheap enough to poll)."""
        with self._lock, translated(self.path):
            self._usable()
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def changed(self) -> tuple[int, int]:
        """Return what changes with every commit, ours too: another thread may work through this very connection."""
        return self.data_version(), self._commits

    def copy_to_memory(self, *, as_of: int | None = None) -> SqliteStore:
        """Return an independent in-memory copy of the store as it is now.

        One that is to be played from an instant `as_of` on is seen as of then: tasks due later wait for their time
        again, and the log of holds ends. It has no indexes for reports.
        """
        copy = SqliteStore(None)
        with self._lock, translated(self.path):
            self._usable()
            self._db.backup(copy._db)
        if as_of is not None:
            with copy.write() as session:
                rewind(copy._db, session, as_of)
                unburden(copy._db)
        return copy

    @contextmanager
    def upkeep(self, *, alone: bool = False) -> Iterator[sqlite3.Connection]:
        """Lend the raw connection, outside a transaction, to this floor's administration; `alone` keeps writers out."""
        with self._lock, self._watched():
            turnstile = self._ready()
            with turnstile.held() if alone else nullcontext():
                try:
                    yield self._db
                finally:
                    self._rollback()

    @property
    def connection(self) -> sqlite3.Connection:
        """The raw connection, for tests and measurements."""
        return self._db

    def close(self) -> None:
        """Close the connection; the store may not be used afterwards. Closing twice is harmless."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._turnstile is not None:
                turnstile, self._turnstile = self._turnstile, None
                self._db.close()
                turnstile.close()
