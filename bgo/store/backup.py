"""Backup: a consistent copy while others write. A plain `cp` would miss what is still in the log."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from bgo.errors import BgoError, RefusedError, StoreDamagedError, StoreError
from bgo.store import place
from bgo.store.faults import translated


def copy_into(db: sqlite3.Connection, target: Path, *, replace: bool) -> int:
    """Write a checked, private (0600) copy of the database to `target`, whole or not at all; return its bytes.

    It is written under another name beside the target, flushed to the disk and then renamed. Raises RefusedError when
    the target exists and `replace` is not set.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if not replace and os.path.lexists(target):
            raise _exists(target)
        # SQLite takes an empty file as it is, so the mode is right from the first byte on.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        try:
            with translated(target):
                db.execute("VACUUM INTO ?", (os.fspath(temporary),))
            size = _flush(temporary)
            _verify(temporary, target)
            _publish(temporary, target, replace=replace)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from error
    return size


def _flush(path: Path) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
        return os.fstat(fd).st_size
    finally:
        os.close(fd)


def _verify(path: Path, target: Path) -> None:
    """A backup that cannot be read back is none: find out now."""
    with translated(target):
        copy = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            answer = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            copy.close()
    if answer != "ok":
        raise StoreDamagedError(
            f"the backup would be damaged: {target}", why=str(answer), hint="bgo store check tells more"
        )


def _publish(temporary: Path, target: Path, *, replace: bool) -> None:
    if replace:
        temporary.replace(target)
    else:
        try:
            os.link(temporary, target)  # unlike a rename it never overwrites
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without hard links
            if os.path.lexists(target):
                raise _exists(target) from None
            temporary.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _exists(target: Path) -> RefusedError:
    return RefusedError(f"{target} exists already", why="nothing is overwritten", hint="name another file, or --force")


def _unwritable(target: Path, error: OSError) -> BgoError:
    known = place.unusable(target, error)
    kind = type(known)
    if not isinstance(known, StoreError):
        return kind(f"cannot write {target}", why=known.why, hint="name a file in a folder of your own")
    return kind(f"cannot write the backup {target}", why=known.why, hint="name a file on a disk with room")
