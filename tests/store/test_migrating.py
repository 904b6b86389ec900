"""Stores of earlier versions, with work in them: brought up to date, with a backup made first and nothing lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bgo.store import migrate
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.hours import in_hours
from tests.store import drive

VIEW = "INSERT INTO view (id, queue, handler, constraints) VALUES (1, 'default', 'work', '{}')"
LANE = """INSERT INTO lane (id, key, name, view, head, turn, since)
VALUES (1, '["work","default","work","{}",null,null,null]', 'work', 1, ?1, ?1, ?1)"""
TASK = """INSERT INTO task (seq, id, name, handler, state, reason, lane, queue, priority, ready, ready_at, due_at,
    order_key, rank, created_at)
VALUES (?1, ?2, 'work', 'work', 'queued', 'new', 1, 'default', 0, 1, ?3, ?3, ?3, ?3, ?3)"""
IDS = ["0aaaaaaaaaaa", "0bbbbbbbbbbb"]


def an_old_store(path: Path, version: int) -> None:
    """Make a store as that version of bgo would have left it: two tasks wait."""
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
    path.chmod(0o600)


@pytest.mark.parametrize("version", range(1, migrate.VERSION))
def test_an_older_store_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path = tmp_path / "home" / "bgo.db"
    an_old_store(path, version)
    store = SqliteStore(path)
    assert (drive.ids(store), check(store)) == (set(IDS), [])
    (new,) = drive.enqueue(store)
    with store.read() as session:
        assert drive.found(session, new).lane == drive.found(session, IDS[0]).lane, "an old lane is found again"
    drive.enqueue(store, a_spec(wish=in_hours("00:00-24:00")))
    drive.run_all(store)
    with store.read() as session:
        assert {str(task.state) for i in IDS if (task := session.tasks.find(i))} == {"succeeded"}
    store.close()
    backup = path.with_name(f"bgo.db.before-v{version + 1}")
    with sqlite3.connect(backup) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        assert db.execute("SELECT count(*) FROM task WHERE state = 'queued'").fetchone() == (2,)
    assert backup.stat().st_mode & 0o777 == 0o600
