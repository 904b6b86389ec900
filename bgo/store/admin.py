"""Administration of a store: backup, vacuum, what it costs, and what doctor should warn about; `check` is next door."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from bgo.errors import UsageError
from bgo.store import backup as backups
from bgo.store import place
from bgo.store.check import Finding, check, repair
from bgo.store.sqlite import WAL_LIMIT, SqliteStore

__all__ = [
    "Finding", "Info", "backup", "check", "info", "readers_of", "repair", "sqlite_advice", "vacuum", "warnings",
]  # fmt: skip

_LOW_DISK = 100 << 20


def backup(store: SqliteStore, target: Path, *, replace: bool = False) -> int:
    """Write a consistent, checked copy of the store (mode 0600) while others work; return its bytes.

    It is a whole store: open it with --store, or put it in the place of a damaged one while nothing runs. Raises
    RefusedError when the target exists and `replace` is not set.
    """
    target = Path(os.path.abspath(target))
    if store.path is not None and target.name.startswith(store.path.name) and target.parent == store.path.parent:
        beside = target.name.removeprefix(store.path.name)
        if beside in ("", "-wal", "-shm", "-journal", ".lock"):
            raise UsageError(f"{target} is the store itself", why="a backup needs its own file", hint="name another")
    with store.upkeep() as db:
        return backups.copy_into(db, target, replace=replace)


def vacuum(store: SqliteStore) -> tuple[int, int]:
    """Rewrite the store without its gaps and empty its log; return the bytes on disk before and after.

    Writers wait meanwhile; it needs as much free room as the store has bytes, twice. Raises StoreFullError without it.
    """
    before = _bytes(store)
    with store.upkeep(alone=True) as db:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return before, _bytes(store)


def _bytes(store: SqliteStore) -> int:
    size = info(store)
    return size.file_bytes + size.wal_bytes


class Info(NamedTuple):
    """What a store is and costs. Zero where the platform or an in-memory store cannot tell."""

    path: str
    store_id: str
    schema_version: int
    file_bytes: int
    wal_bytes: int
    free_bytes: int
    """Bytes inside the file that deleted rows left; `vacuum` gives them back."""
    disk_free_bytes: int
    file_system: str
    sqlite_version: str
    synchronous: str


def info(store: SqliteStore) -> Info:
    """Return what the store is and costs now."""
    with store.upkeep() as db:

        def value(statement: str) -> Any:
            return db.execute(statement).fetchone()[0]

        page, pages, free = (int(value(f"PRAGMA {p}")) for p in ("page_size", "page_count", "freelist_count"))
        path = store.path
        return Info(
            path=":memory:" if path is None else str(path),
            store_id=value("SELECT value FROM meta WHERE key = 'store_id'"),
            schema_version=value("PRAGMA user_version"),
            file_bytes=page * pages if path is None else path.stat().st_size,
            wal_bytes=0 if path is None else place.size(place.wal_path(path)),
            free_bytes=page * free,
            disk_free_bytes=0 if path is None else shutil.disk_usage(path.parent).free,
            file_system="" if path is None else place.file_system(path.parent),
            sqlite_version=sqlite3.sqlite_version,
            synchronous={1: "normal", 2: "full"}.get(value("PRAGMA synchronous"), "off"),
        )


def warnings(store: SqliteStore) -> list[Finding]:
    """Return what doctor should say about a sound store: the SQLite in use, its log, its disk, how it is opened."""
    facts = info(store)
    found = [advice for advice in (sqlite_advice(sqlite3.sqlite_version_info),) if advice is not None]
    if facts.wal_bytes > WAL_LIMIT:
        readers = ", ".join(str(pid) for pid in readers_of(store)) or "not known"
        found.append(
            _warning(
                "long_log",
                f"the log has {facts.wal_bytes >> 20} MiB: some reader keeps it from being emptied (process {readers})",
                "end that reader; then bgo store vacuum",
            )
        )
    if facts.file_system in place.NETWORK_FILE_SYSTEMS:
        found.append(_warning("network", f"the store is on a network file system ({facts.file_system})", "move it"))
    if store.path is not None and facts.disk_free_bytes < _LOW_DISK:
        left = facts.disk_free_bytes >> 20
        found.append(_warning("low_disk", f"only {left} MiB are free on the store's disk", "free some space"))
    if facts.synchronous != "full":
        found.append(
            _warning("not_durable", "synchronous=normal: a power cut may lose what was acknowledged", "see bgo config")
        )
    return found


def _warning(code: str, message: str, hint: str) -> Finding:
    return Finding(code, message, hint=hint, is_fault=False)


def sqlite_advice(version: tuple[int, ...]) -> Finding | None:
    """Return a warning when this SQLite can corrupt a log that two connections reset at once.

    The bug came with WAL in 3.7.0 and went with 3.51.3; 3.44.6 and 3.50.7 carry the mend.
    """
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    if mended or version < (3, 7):
        return None
    name = ".".join(str(n) for n in version)
    return _warning(
        "sqlite_wal_reset",
        f"SQLite {name} has a rare bug that can corrupt the log when two processes reset it at the same moment",
        "use a Python built with SQLite 3.51.3 or later (or 3.50.7, 3.44.6); keep backups until then",
    )


def readers_of(store: SqliteStore) -> list[int]:
    """Return the other processes that hold SQLite locks on the store now (Linux; else nothing)."""
    shared = None if store.path is None else place.identity(store.path.with_name(store.path.name + "-shm"))
    if shared is None:
        return []
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    pids = set()
    for line in lines:
        fields = line.split()
        if len(fields) >= 8 and fields[1] == "POSIX" and fields[5].rpartition(":")[2] == str(shared[1]):
            pids.add(int(fields[4]))
    return sorted(pids - {os.getpid(), 0, -1})
