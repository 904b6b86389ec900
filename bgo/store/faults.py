"""Driver errors become bgo's errors here, and nowhere else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgo.errors import (
    BgoError,
    PermissionRefusedError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    UnknownCommitError,
)

_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 10, 11, 13, 14, 26
_IOERR_WRITE = 778


@contextmanager
def translated(path: Path | None, *, committing: bool = False) -> Iterator[None]:
    """Turn what sqlite3 raises inside the block into the error tree, naming the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise to_bgo(error, path, committing=committing) from error


def to_bgo(error: sqlite3.Error, path: Path | None, *, committing: bool = False) -> BgoError | sqlite3.Error:
    """Return the error to raise instead of `error`; what only a bug can cause stays as it is."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    name, primary = str(path or "the store"), code & 0xFF
    if primary in (_BUSY, _LOCKED):
        return StoreBusyError(
            f"the store is busy: {name}", why="another program holds SQLite's write lock", hint="try again in a moment"
        )
    if primary in (_FULL,) or code == _IOERR_WRITE:
        return StoreFullError(
            f"the store cannot grow: {name}",
            why="the disk, a quota or a file-size limit is full; nothing was half-written",
            hint="free some space on that file system, then run the command again",
        )
    if primary in (_CORRUPT, _NOTADB) or "malformed" in str(error):
        return StoreDamagedError(
            f"not a healthy bgo store: {name}",
            why=str(error),
            hint="restore a backup, or move the file away to start afresh; bgo never deletes it",
        )
    if primary == _READONLY:
        return PermissionRefusedError(
            f"the store is read-only: {name}", why=str(error), hint="check the owner and mode of the file and folder"
        )
    if primary == _CANTOPEN:
        return StoreError(f"cannot open the store: {name}", why=str(error), hint="check the path given by --store")
    if primary == _IOERR:
        return _io_error(error, name, committing=committing)
    return error


def _io_error(error: sqlite3.Error, name: str, *, committing: bool) -> StoreError:
    if committing:
        return UnknownCommitError(
            f"the disk failed while committing to {name}",
            why=f"{error}; the change may or may not have been kept",
            hint="look with 'bgo tasks' before you repeat the command",
        )
    return StoreError(f"the disk failed on {name}", why=str(error), hint="check the disk; bgo store check tells more")
