"""Check and repair: what is wrong with a store, told as findings, and the mending of what can be mended."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgo.clock import Clock, SystemClock
from bgo.errors import StoreDamagedError
from bgo.store.faults import to_bgo
from bgo.store.invariants import REPAIRS, RULES
from bgo.store.sqlite import SqliteStore

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a store, or that its owner should know."""

    code: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()
    """Up to five of the rows it is about, as 'row: detail'."""
    hint: str = ""
    can_repair: bool = False
    is_fault: bool = True
    """False for a warning: the store is sound."""

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {
            "schema": 1,
            "code": self.code,
            "message": self.message,
            "count": self.count,
            "examples": list(self.examples),
            "hint": self.hint,
            "can_repair": self.can_repair,
            "fault": self.is_fault,
        }


def check(store: SqliteStore) -> list[Finding]:
    """Return everything that is wrong with the file, its schema and what is in it; nothing is changed.

    Raises StoreBusyError and the like when the store cannot be read at all.
    """
    with store.upkeep() as db:
        damage = _integrity(db, store.path)
        if damage:
            return damage
        db.execute("BEGIN")  # one snapshot: others may be at work
        return [*_schema(db), *_references(db), *_rules(db, store.path)]


def _integrity(db: sqlite3.Connection, path: Path | None) -> list[Finding]:
    try:
        lines = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({EXAMPLES + 1})")]
    except sqlite3.DatabaseError as error:
        if not isinstance(to_bgo(error, path), StoreDamagedError):
            raise
        lines = [str(error)]
    if lines == ["ok"]:
        return []
    in_index = all("index" in line for line in lines)
    hint = "bgo store check --repair rebuilds the indexes" if in_index else "restore a backup made by bgo store backup"
    return [_finding("damaged", "the file is damaged", [(line, "") for line in lines], hint, can_repair=in_index)]


def _schema(db: sqlite3.Connection) -> list[Finding]:
    """Compare tables and indexes with a fresh store's, by the words that made them."""
    fresh = SqliteStore(None)
    try:
        ours, theirs = _words(fresh.connection), _words(db)
    finally:
        fresh.close()
    wrong = [(name, "missing") for name in ours if name not in theirs]
    wrong += [(name, "changed") for name in ours if name in theirs and ours[name] != theirs[name]]
    can_repair = all(ours[name].startswith("CREATE INDEX") and what == "missing" for name, what in wrong)
    hint = "bgo store check --repair" if can_repair else "restore a backup"
    found = [_finding("schema", "tables or indexes are not as bgo made them", wrong, hint, can_repair=can_repair)]
    return found if wrong else []


def _words(db: sqlite3.Connection) -> dict[str, str]:
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    return {name: " ".join(text.split()) for name, text in rows}


def _references(db: sqlite3.Connection) -> list[Finding]:
    rows = [(f"{table} {row}", f"no {parent}") for table, row, parent, _ in db.execute("PRAGMA foreign_key_check")]
    hint = "restore a backup; bgo store check --repair cannot bring back what is gone"
    return [_finding("reference", "rows refer to others that are not there", rows, hint)] if rows else []


def _rules(db: sqlite3.Connection, path: Path | None) -> list[Finding]:
    found = []
    for rule in RULES:
        try:
            rows = db.execute(rule.statement).fetchall()
        except sqlite3.DatabaseError as error:
            if not isinstance(to_bgo(error, path), StoreDamagedError):
                raise
            rows = [("unreadable", str(error))]
        if rows:
            hint = "bgo store check --repair" if rule.can_repair else "please report this, with a copy of the store"
            found.append(_finding(rule.code, rule.means, rows, hint, can_repair=rule.can_repair))
    return found


def _finding(code: str, message: str, rows: list[tuple[Any, Any]], hint: str, *, can_repair: bool = False) -> Finding:
    examples = tuple(f"{row}: {detail}" if detail != "" else str(row) for row, detail in rows[:EXAMPLES])
    return Finding(code, message, len(rows), examples, hint, can_repair)


def repair(store: SqliteStore, clock: Clock | None = None) -> list[Finding]:
    """Mend what can be mended and return what was found before; look again with `check`.

    Heads, turns and pauses of all lanes are recomputed, running tasks without a lease queued again as lost, and what
    nothing refers to is removed.
    """
    found = check(store)
    codes = {finding.code for finding in found if finding.can_repair}
    if not codes:
        return found
    now = (clock or SystemClock()).now_ms()
    if "damaged" in codes:
        _reindex(store)
    with store.upkeep(alone=True) as db:
        db.execute("BEGIN IMMEDIATE")
        if "schema" in codes:
            _add_indexes(db)
        for statement in REPAIRS:
            db.execute(statement, (now,) if "?1" in statement else ())
        db.execute("COMMIT")
    return found


def _reindex(store: SqliteStore) -> None:
    with store.upkeep(alone=True) as db:
        try:
            db.execute("REINDEX")
        except sqlite3.IntegrityError as error:
            raise StoreDamagedError(
                f"the indexes cannot be rebuilt: {store.path}", why=str(error), hint="restore a backup"
            ) from error


def _add_indexes(db: sqlite3.Connection) -> None:
    fresh = SqliteStore(None)
    try:
        ours, theirs = _words(fresh.connection), _words(db)
    finally:
        fresh.close()
    for name, statement in ours.items():
        if name not in theirs and statement.startswith("CREATE INDEX"):
            db.execute(statement)
