"""The shape of an SQLite schema, told from what SQLite itself knows of it, so that two spellings compare equal."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from bgo.store import sql

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def shape_of(db: sqlite3.Connection) -> dict[str, Any]:
    """Return tables with columns, keys, references and checks, and indexes with their columns and conditions."""
    tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    return {name: _table(db, name, text) for name, text in tables.items() if not name.startswith("sqlite_")}


def _table(db: sqlite3.Connection, name: str, text: str) -> dict[str, Any]:
    columns = db.execute(f'PRAGMA table_xinfo("{name}")').fetchall()
    return {
        "columns": [(c[1], c[2], bool(c[3]), c[4], c[5]) for c in columns],
        "references": sorted((r[3], r[2], r[4]) for r in db.execute(f'PRAGMA foreign_key_list("{name}")')),
        "checks": sorted(_checks(text)),
        "indexes": sorted(_index(db, row) for row in db.execute(f'PRAGMA index_list("{name}")').fetchall()),
        "strict or without rowid": bool(re.search(r"\)\s*(STRICT|WITHOUT)", text)),
    }


def _index(db: sqlite3.Connection, row: tuple[Any, ...]) -> tuple[Any, ...]:
    _, name, unique, origin, partial = row
    parts = [(c[2], c[3], c[4]) for c in db.execute(f'PRAGMA index_xinfo("{name}")') if c[5]]
    text = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] or ""
    condition = text.upper().partition(" WHERE ")[2] if partial else ""
    return name if origin == "c" else "", unique, origin, _plain(condition), tuple(parts)


def _checks(text: str) -> Iterator[str]:
    for found in re.finditer(r"CHECK\s*\(", text):
        depth, at = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        yield _plain(text[found.end() : at - 1])


def _plain(expression: str) -> str:
    return re.sub(r"\s+", "", expression).upper().replace('"', "")


def hot_statements() -> dict[str, str]:
    """Return every statement that is a constant of a module under `bgo.store.sql`, by module and name."""
    found = {}
    for info in pkgutil.iter_modules(sql.__path__):
        module = importlib.import_module(f"{sql.__name__}.{info.name}")
        names = [n for n in vars(module) if n.isupper() and not n.startswith("_")]
        for name in names:
            value = getattr(module, name)
            for part, text in value.items() if isinstance(value, dict) else [("", value)]:
                if isinstance(text, str) and text.lstrip().startswith(VERBS):
                    found[f"{info.name}.{name}{part and '.' + part}"] = text
    return found


def explain(db: sqlite3.Connection, statement: str, *, plan: bool = False) -> list[str]:
    """Prepare a statement and return its program or its plan, with nothing bound."""
    marks = re.findall(r"\?(\d*)", statement)
    count = max([int(m) for m in marks if m] + [len([m for m in marks if not m])], default=0)
    rows = db.execute(f"EXPLAIN {'QUERY PLAN ' if plan else ''}{statement}", [None] * count)
    return [row[3] for row in rows]
