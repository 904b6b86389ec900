"""Stores of earlier versions, with work in them: brought up to date, with a backup made first and nothing lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bgo.store import migrate
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START
from tests.engine.timed import H, Timed
from tests.store import drive

VIEW = "INSERT INTO view (id, queue, handler, constraints) VALUES (1, 'default', 'work', '{}')"
LANE = """INSERT INTO lane (id, key, name, view, head, turn, since)
VALUES (1, '["work","default","work","{}",null,null,null]', 'work', 1, ?1, ?1, ?1)"""
TASK = """INSERT INTO task (seq, id, name, handler, state, reason, lane, queue, priority, ready, ready_at, due_at,
    order_key, rank, created_at)
VALUES (?1, ?2, 'work', 'work', 'queued', 'new', 1, 'default', 0, 1, ?3, ?3, ?3, ?3, ?3)"""
IDS = ["0aaaaaaaaaaa", "0bbbbbbbbbbb"]
OLDER = "0ccccccccccc"
DATA = (
    "INSERT INTO payload (id, bytes) VALUES (1, CAST('{\"n\":1}' AS BLOB)), (2, CAST('{\"out\":2}' AS BLOB))",
    "UPDATE task SET input = 1, tags = '[\"t\"]' WHERE seq = 1",
    "INSERT INTO task_tag (tag, task) VALUES ('t', 1)",
    f"""INSERT INTO task (seq, id, name, handler, state, reason, lane, queue, priority, ready, due_at, order_key, rank,
        run, attempt, output, created_at, started_at, finished_at)
    SELECT 3, '{OLDER}', name, handler, 'succeeded', 'done', lane, queue, 0, 0, due_at, order_key, rank,
        1, 1, 2, created_at, created_at, created_at FROM task WHERE seq = 2""",
    f"""INSERT INTO history (task, name, event, run, attempt, state, reason, at, outcome)
    VALUES ('{OLDER}', 'work', 'succeed', 1, 1, 'succeeded', 'done', {START}, 1)""",
    f"INSERT INTO pause (kind, value, at) VALUES ('name', 'other', {START})",
)
"""What every version knows: payloads, tags, what has ended with its history, a pause."""


def an_old_store(path: Path, version: int) -> dict[str, list[dict[str, Any]]]:
    """Make a store as that version of bgo would have left it: two tasks wait, one has run. Returns its rows."""
    path.parent.mkdir(mode=0o700)
    with sqlite3.connect(path, isolation_level=None) as db:
        for number in range(1, version + 1):
            migrate._apply(db, number)
        db.execute(VIEW)
        db.execute(LANE, (START,))
        if version > 1:
            db.execute("UPDATE lane SET first = ?", (START,))
        for seq, task_id in enumerate(IDS, start=1):
            db.execute(TASK, (seq, task_id, START))
        for statement in DATA:
            db.execute(statement)
        found = rows_of(db)
    path.chmod(0o600)
    return found


def rows_of(db: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, as columns and values."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for table in tables:
        cursor = db.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor]
    return found


CHANGED = {"wake_at", "pass_at"}
"""Columns that a later version has no more, or reckons anew."""


@pytest.mark.parametrize("version", range(1, migrate.VERSION))
def test_an_older_store_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path = tmp_path / "home" / "bgo.db"
    an_old_store(path, version)
    store = SqliteStore(path)
    assert (drive.ids(store), check(store)) == ({*IDS, OLDER}, [])
    drive.run_all(store)
    with store.read() as session:
        assert {str(task.state) for i in IDS if (task := session.tasks.find(i))} == {"succeeded"}
    store.close()
    backup = path.with_name(f"bgo.db.before-v{version + 1}")
    with sqlite3.connect(backup) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        assert db.execute("SELECT count(*) FROM task WHERE state = 'queued'").fetchone() == (2,)
    assert backup.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("version", range(1, migrate.VERSION))
def test_every_row_and_every_value_survives(tmp_path: Path, version: int) -> None:
    path = tmp_path / "home" / "bgo.db"
    before = an_old_store(path, version)
    store = SqliteStore(path)
    after = rows_of(store.connection)
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for old, new in zip(rows, after[table], strict=True):
            kept = {name: value for name, value in old.items() if name not in CHANGED}
            assert {name: new[name] for name in kept} == kept, table
    assert all(row["schedule"] is None and row["occurrence"] is None for row in after["task"])
    assert all(row["relax_at"] is None for row in after["task"])
    assert [row["window"] for row in after["view"]] == [""]


@pytest.mark.parametrize("version", range(1, migrate.VERSION))
def test_schedules_fire_in_a_store_that_was_older(tmp_path: Path, version: int) -> None:
    path = tmp_path / "home" / "bgo.db"
    an_old_store(path, version)
    timed = Timed(SqliteStore(path))
    made = timed.every(H)
    timed.go(0)
    timed.go(H)
    assert timed.fired(made) == [0, H]
    timed.run_out()
    assert not timed.unfinished()
    assert timed.faults() == []


@pytest.mark.parametrize("version", range(1, migrate.VERSION))
def test_a_migration_that_dies_leaves_the_older_store(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "home" / "bgo.db"
    before = an_old_store(path, version)
    real = migrate.statements

    def torn(number: int) -> list[str]:
        found = real(number)
        return [*found[: len(found) // 2], "SELECT no_such_function()"] if number == migrate.VERSION else found

    with monkeypatch.context() as dying:
        dying.setattr(migrate, "statements", torn)
        with pytest.raises(Exception, match="no_such_function"):
            SqliteStore(path)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (migrate.VERSION - 1,)
        assert len(rows_of(db)["task"]) == len(before["task"])
    assert check(SqliteStore(path)) == []
