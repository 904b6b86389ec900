"""The stores that the contract runs on. A PostgreSQL store joins with one more class here."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar, Protocol

from bgo.store.check import check
from bgo.store.port import Store
from bgo.store.sqlite import SqliteStore


class Backend(Protocol):
    """How to come by a store, and what it can do."""

    name: str
    is_shared: bool
    """Whether a second connection sees the same store."""
    violation: type[Exception]
    """What a broken constraint raises: such a thing is a bug, so it is not in the error tree."""

    def open(self) -> Store: ...

    def faults(self, store: Store) -> list[str]: ...


class SqliteFile:
    """A file, with its turnstile."""

    name = "file"
    is_shared = True
    violation: ClassVar[type[Exception]] = sqlite3.IntegrityError

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store" / "bgo.db"

    def open(self) -> SqliteStore:
        return SqliteStore(self._path)

    def faults(self, store: Store) -> list[str]:
        assert isinstance(store, SqliteStore)
        return [f"{f.code}: {f.message} {f.examples}" for f in check(store)]


class SqliteMemory(SqliteFile):
    """In memory, as the simulator runs it."""

    name = "memory"
    is_shared = False

    def open(self) -> SqliteStore:
        return SqliteStore(None)


BACKENDS: tuple[type[SqliteFile], ...] = (SqliteFile, SqliteMemory)
