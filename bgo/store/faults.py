"""Driver errors become bgo's errors here, and nowhere else.

What only a bug can cause (a violated constraint, a misuse of the driver) stays the driver's error and shows as a bug.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from bgo.errors import (
    BgoError,
    PermissionRefusedError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    UnknownCommitError,
    UsageError,
)
from bgo.store import place

P = ParamSpec("P")
R = TypeVar("R")

_ERROR, _PERM, _BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL = 1, 3, 5, 6, 8, 10, 11, 13
_CANTOPEN, _PROTOCOL, _TOOBIG, _NOTADB = 14, 15, 18, 26
_IOERR_WRITE = 778
_IOERR_SHORT_READ = 522
_DAMAGE_WORDS = (
    "malformed", "unsupported file format", "decode to UTF-8", "no such table", "no such column", "no such index",
    "has no column",
)  # fmt: skip
"""Texts of errors that SQLite or the driver report without a telling code; the hot statements are tested against the
schema, so a missing table or column is the file's fault."""


@contextmanager
def translated(path: Path | None, *, committing: bool = False) -> Iterator[None]:
    """Turn what sqlite3 raises inside the block into the error tree, naming the file."""
    try:
        yield
    except sqlite3.Error as error:
        known = to_bgo(error, path, committing=committing)
        if known is None:
            raise
        raise known from error
    except UnicodeDecodeError as error:
        raise damaged(path, str(error)) from error  # even the driver's own messages may quote what is damaged
    except UnicodeEncodeError as error:
        raise _not_storable("it holds bytes that are not UTF-8") from error
    except OverflowError as error:
        if "SQLite INTEGER" not in str(error):
            raise
        raise _not_storable("a number does not fit into 64 bits") from error


def to_bgo(error: sqlite3.Error, path: Path | None, *, committing: bool = False) -> BgoError | None:
    """Return the error to raise instead of `error`, or None for what only a bug can cause."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    name, primary = str(path or "the store"), code & 0xFF
    if primary in (_BUSY, _LOCKED, _PROTOCOL):
        return StoreBusyError(
            f"the store is busy: {name}", why="another program holds SQLite's lock", hint="try again in a moment"
        )
    if primary == _FULL or (code == _IOERR_WRITE and path is not None and place.is_full(path)):
        return full(name)
    if _is_damage(error, code, primary):
        return damaged(path, str(error))
    if primary in (_READONLY, _PERM) or (primary == _CANTOPEN and path is not None and not place.is_writable(path)):
        return PermissionRefusedError(
            f"the store cannot be written: {name}",
            why=str(error),
            hint="check the owner and mode of the file and its folder, and whether the disk is mounted read-only",
        )
    if primary == _CANTOPEN:
        return StoreError(f"cannot open the store: {name}", why=str(error), hint="check the path given by --store")
    if primary == _IOERR:
        return _io_error(error, name, committing=committing)
    return None


def damaged(path: Path | None, why: str) -> StoreDamagedError:
    """Return the error of a file that is not what bgo wrote."""
    return StoreDamagedError(
        f"not a healthy bgo store: {path or 'the store'}",
        why=why[:200],
        hint="restore a backup, or move the file away to start afresh; bgo never deletes it",
    )


def full(name: str) -> StoreFullError:
    """Return the error of a store that cannot grow."""
    return StoreFullError(
        f"the store cannot grow: {name}",
        why="the disk, a quota or a file-size limit is full; nothing was half-written",
        hint="free some space on that file system, then run the command again",
    )


def _is_damage(error: sqlite3.Error, code: int, primary: int) -> bool:
    if primary in (_CORRUPT, _NOTADB, _TOOBIG) or code == _IOERR_SHORT_READ:
        return True
    return primary in (0, _ERROR) and any(words in str(error) for words in _DAMAGE_WORDS)


def _io_error(error: sqlite3.Error, name: str, *, committing: bool) -> StoreError:
    if committing:
        return UnknownCommitError(
            f"the disk failed while committing to {name}",
            why=f"{error}; the change may or may not have been kept",
            hint="look with 'bgo tasks' before you repeat the command",
        )
    return StoreError(f"the disk failed on {name}", why=str(error), hint="check the disk; bgo store check tells more")


def _not_storable(why: str) -> UsageError:
    return UsageError("this text or number cannot be stored", why=why, hint="give plain UTF-8 text and sane numbers")


def reads(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that turns stored values into model values raise StoreDamagedError when they make no sense."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError) as error:
                raise StoreDamagedError(
                    f"{what} in the store cannot be read",
                    why=str(error)[:200],
                    hint="bgo store check tells more; restore a backup if the disk is sound",
                ) from error

        return guarded

    return wrap
