"""Migrations: numbered SQL files, applied in one transaction each, with a backup of a non-empty store first."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bgo.errors import NewerStoreError, StoreDamagedError
from bgo.model.options import QUEUE_WEIGHTS
from bgo.store.backup import copy_into

APPLICATION_ID = 0x62676F31
"""'bgo1' in the file's header: how a store is told from any other SQLite file."""
VERSION = 6
_FOLDER = Path(__file__).with_name("migrations")


def is_needed(db: sqlite3.Connection, path: Path | None) -> bool:
    """Say whether the store must be brought up to date; raise when it is foreign, damaged or newer."""
    application, version, is_blank = _look(db)
    if application == APPLICATION_ID:
        return _is_older(version, path)
    if application or version or not is_blank:
        raise StoreDamagedError(
            f"{path} is not a bgo store",
            why="it is an SQLite file of another program",
            hint="name another file with --store or BGO_STORE",
        )
    return True


def _is_older(version: int, path: Path | None) -> bool:
    if version > VERSION:
        raise NewerStoreError(
            f"{path} was written by a newer bgo",
            why=f"its schema is version {version}, this bgo knows up to {VERSION}",
            hint="pip install --upgrade bg-orchestrator",
        )
    if version < 1:
        raise StoreDamagedError(
            f"not a healthy bgo store: {path}",
            why=f"its header names schema version {version}",
            hint="restore a backup, or move the file away to start afresh; bgo never deletes it",
        )
    return version < VERSION


def _look(db: sqlite3.Connection) -> tuple[int, int, bool]:
    """Return application id, version and whether the file is blank, in one snapshot: another process may be at it."""
    db.execute("BEGIN")
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        return application, version, not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def run(db: sqlite3.Connection, path: Path | None) -> None:
    """Bring the store to VERSION. Two processes cannot race: each step re-reads the version inside its transaction."""
    if not is_needed(db, path):
        return
    db.execute("PRAGMA journal_mode=WAL")
    _, version, is_blank = _look(db)
    if path is not None and not is_blank:
        copy_into(db, path.with_name(f"{path.name}.before-v{version + 1}"), replace=True)
    for number in range(1, VERSION + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] < number:
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
