"""Migrations: numbered SQL files, applied in one transaction each, with a backup of a non-empty store first."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from bgo.errors import NewerStoreError, StoreDamagedError
from bgo.model.options import QUEUE_WEIGHTS

APPLICATION_ID = 0x62676F31
"""'bgo1' in the file's header: how a store is told from any other SQLite file."""
VERSION = 1
_FOLDER = Path(__file__).with_name("migrations")


def is_needed(db: sqlite3.Connection, path: Path | None) -> bool:
    """Say whether the store must be brought up to date; raise when it is foreign or newer."""
    application, version = _identity(db)
    if version == VERSION and application == APPLICATION_ID:
        return False
    if application not in (0, APPLICATION_ID) or (application == 0 and not _is_blank(db)):
        raise StoreDamagedError(
            f"{path} is not a bgo store",
            why="it is an SQLite file of another program",
            hint="name another file with --store or BGO_STORE",
        )
    if version > VERSION:
        raise NewerStoreError(
            f"{path} was written by a newer bgo",
            why=f"its schema is version {version}, this bgo knows up to {VERSION}",
            hint="pip install --upgrade bg-orchestrator",
        )
    return True


def _identity(db: sqlite3.Connection) -> tuple[int, int]:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    return application, db.execute("PRAGMA user_version").fetchone()[0]


def _is_blank(db: sqlite3.Connection) -> bool:
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def run(db: sqlite3.Connection, path: Path | None) -> None:
    """Bring the store to VERSION. Two processes cannot race: each step re-reads the version inside its transaction."""
    if not is_needed(db, path):
        return
    db.execute("PRAGMA journal_mode=WAL")
    if path is not None and not _is_blank(db):
        _backup(db, path)
    for number in range(1, VERSION + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            if _identity(db)[1] < number:
                _apply(db, number)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _apply(db: sqlite3.Connection, number: int) -> None:
    for statement in statements(number):
        db.execute(statement)
    if number == 1:
        db.executemany("INSERT INTO queue (name, weight) VALUES (?, ?)", QUEUE_WEIGHTS.items())
        db.execute("INSERT INTO meta (key, value) VALUES ('store_id', lower(hex(randomblob(16))))")
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={number}")


def statements(number: int) -> list[str]:
    """Return the statements of one migration, in order."""
    (file,) = _FOLDER.glob(f"{number:04}_*.sql")
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    return [s.strip() for s in "\n".join(lines).split(";") if s.strip()]


def _backup(db: sqlite3.Connection, path: Path) -> None:
    version = _identity(db)[1]
    target = path.with_name(f"{path.name}.before-v{version + 1}")
    target.unlink(missing_ok=True)
    old = os.umask(0o077)
    try:
        db.execute("VACUUM INTO ?", (os.fspath(target),))
    finally:
        os.umask(old)
