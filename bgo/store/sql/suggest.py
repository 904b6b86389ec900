"""What could come next while somebody types: ids, names, tags, queues, schedules of a store that is only read.

Every statement stops after `LIMIT` rows and walks an index, whatever the store holds: a TAB must never be waited for.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bgo.store.sql.select import SEEN

LIMIT = 50
RECENT = 1_000
"""Of an id, the newest tasks are looked at first, and so many of them."""
BUSY_S = 0.05

NEWEST = f"""SELECT id, name, state FROM (
    SELECT id, name, state FROM task WHERE {SEEN} ORDER BY seq DESC LIMIT {RECENT})
WHERE id >= ? AND id < ? LIMIT {LIMIT}"""
IDS = f"SELECT id, name, state FROM task WHERE id >= ? AND id < ? AND {SEEN} ORDER BY id LIMIT {LIMIT}"
# A loose index scan: one step for each different value, however many tasks share it.
NAMES = f"""WITH RECURSIVE found (word) AS (
    SELECT min(name) FROM task WHERE name >= ?1
    UNION ALL SELECT (SELECT min(name) FROM task WHERE name > word) FROM found WHERE word IS NOT NULL
) SELECT word FROM found WHERE word < ?2 LIMIT {LIMIT}"""
TAGS = f"""WITH RECURSIVE found (word) AS (
    SELECT min(tag) FROM task_tag WHERE tag >= ?1
    UNION ALL SELECT (SELECT min(tag) FROM task_tag WHERE tag > word) FROM found WHERE word IS NOT NULL
) SELECT word FROM found WHERE word < ?2 LIMIT {LIMIT}"""
SCHEDULES = f"""SELECT id, name, state FROM schedule WHERE id >= ?1 AND id < ?2
UNION ALL SELECT key, name, state FROM schedule WHERE key >= ?1 AND key < ?2
UNION ALL SELECT DISTINCT name, 'all of this name', NULL FROM (
    SELECT name FROM schedule ORDER BY seq DESC LIMIT {RECENT}) WHERE name >= ?1 AND name < ?2
LIMIT {LIMIT}"""
QUEUES = f"SELECT name FROM queue WHERE name >= ? AND name < ? ORDER BY name LIMIT {LIMIT}"

ONE_COLUMN = {"names": NAMES, "tags": TAGS, "queues": QUEUES}


def suggest(store: Path, kind: str, prefix: str) -> list[tuple[str, str]]:
    """Return up to 50 (word, note) that begin with `prefix`; nothing where the store is missing, busy or unreadable."""
    if not os.path.isfile(store):
        return []
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as db:
            return list(_rows(db, kind, (prefix, prefix + "~")))
    except sqlite3.Error:
        return []


def _rows(db: sqlite3.Connection, kind: str, span: tuple[str, str]) -> Iterator[tuple[str, str]]:
    if kind in ONE_COLUMN:
        yield from ((word, "") for (word,) in db.execute(ONE_COLUMN[kind], span))
    elif kind == "schedules":
        found = dict[str, str]()
        for word, *told in db.execute(SCHEDULES, span):
            found.setdefault(word, ", ".join(filter(None, told)))
        yield from found.items()
    elif kind == "ids":
        found = {i: f"{name}, {state}" for i, name, state in db.execute(NEWEST, span)}
        if len(found) < LIMIT:
            found |= {i: f"{name}, {state}" for i, name, state in db.execute(IDS, span)}
        yield from list(found.items())[:LIMIT]
