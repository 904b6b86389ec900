"""Opening a store: fresh, raced, newer, foreign, damaged. Each refusal is one of our errors; nothing is deleted."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.errors import BgoError, NewerStoreError, StoreDamagedError, StoreError
from bgo.model.outcome import Succeeded
from bgo.model.query import Selector
from bgo.store import migrate
from bgo.store.check import check, repair
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.store import actors, drive


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if not p.name.endswith("-shm")}


def filled(path: Path, tasks: int = 40) -> set[str]:
    """Make a store with work in many states, close it, and return the ids."""
    store = SqliteStore(path)
    specs = [
        a_spec(f"h{n % 3}", tags=("x",), input=b'{"n":%d}' % n, wish=a_wish(limit=2), due_at=START + n % 2)
        for n in range(tasks)
    ]
    drive.enqueue(store, *specs)
    for _ in range(3):
        for done in drive.tick(store, 2):
            drive.finish(store, done, Succeeded({"out": "y" * 50}))
    drive.tick(store, 1)
    found = drive.ids(store)
    store.close()
    return found


def test_a_fresh_store_is_ours_and_current(path: Path) -> None:
    store = SqliteStore(path)
    db = store.connection
    assert db.execute("PRAGMA application_id").fetchone()[0] == migrate.APPLICATION_ID
    assert db.execute("PRAGMA user_version").fetchone()[0] == migrate.VERSION
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert len(db.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()[0]) == 32
    assert check(store) == []
    store.close()


def test_two_stores_are_told_apart(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / name) for name in ("a.db", "b.db")]
    found = {s.connection.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()[0] for s in stores}
    assert len(found) == 2
    for store in stores:
        store.close()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    SqliteStore(path).close()
    SqliteStore(path).close()


FIRST = """
sys.stdin.readline()
def first():
    store = SqliteStore(path)
    ids = drive.enqueue(store, a_spec(id=sys.argv[2]))
    return ids
attempt(first)
"""


def test_eight_processes_may_all_be_the_first(tmp_path: Path) -> None:
    for round_ in range(4):
        path = tmp_path / f"store{round_}" / "bgo.db"
        ids = [f"{n}{'a' * 11}" for n in range(8)]
        programs = [actors.start(FIRST, path, i) for i in ids]
        for program in programs:  # all have imported all they need: let them go at once
            assert program.stdin is not None
            program.stdin.write("\n")
            program.stdin.flush()
        told = actors.run_all(programs)
        assert [t[0].get("error") for t in told] == [None] * 8, told
        store = SqliteStore(path)
        assert drive.ids(store) == set(ids)
        assert check(store) == []
        store.close()


def test_a_newer_store_is_refused_and_left_alone(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={migrate.VERSION + 1}")
    db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    path.with_name(path.name + ".lock").unlink()
    before = contents(path.parent)
    with pytest.raises(NewerStoreError) as caught:
        SqliteStore(path)
    assert caught.value.exit_code == 78
    assert "upgrade" in caught.value.hint
    assert contents(path.parent) == before


def test_the_sqlite_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    for number, statements in enumerate(
        (["CREATE TABLE t (a)"], ["PRAGMA application_id=77"], ["PRAGMA user_version=1"], ["PRAGMA user_version=-1"])
    ):
        foreign = path.with_name(f"foreign{number}.db")
        db = sqlite3.connect(foreign)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
        foreign.chmod(0o600)
        before = contents(path.parent)
        with pytest.raises(StoreDamagedError, match="not a bgo store"):
            SqliteStore(foreign)
        assert contents(path.parent) == before


@pytest.mark.parametrize("data", [b"garbage", b"\0" * 5000, b"SQLite format 3\0", b"\xff" * 100_000, b"#!/bin/sh\n"])
def test_a_garbage_file_is_refused_and_left_alone(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert caught.value.exit_code == 74
    assert contents(path.parent) == {path.name: data}


def test_an_emptied_store_does_not_lose_its_log(path: Path) -> None:
    """SQLite deletes the log of an empty file: what was acknowledged and not yet folded in would be gone for good."""
    store = SqliteStore(path)
    drive.enqueue(store)
    saved = path.parent.parent / "saved"
    shutil.copytree(path.parent, saved)
    store.close()
    emptied = saved / path.name
    emptied.write_bytes(b"")
    before = contents(saved)
    assert len(before[path.name + "-wal"]) > 0
    with pytest.raises(StoreDamagedError, match="empty"):
        SqliteStore(emptied)
    assert contents(saved) == before


def exercise(path: Path) -> str:
    """Use every part of a store that may be damaged; return how it ended. Only our own errors may come out."""
    try:
        store = SqliteStore(path)
        try:
            with store.read() as session:
                session.tasks.select(Selector(), limit=100)
                session.records.select(Selector(), runs_only=False, limit=100)
                session.tasks.counts()
                session.leases.list_all()
                session.queues.rows()
                for lane in range(1, 4):
                    session.lanes.key(lane)
                    session.lanes.waited(lane, START, START + 9)
                for payload in range(1, 60):
                    try:
                        session.payloads.get(payload)
                    except StoreDamagedError:
                        pass
            check(store)
            drive.enqueue(store, a_spec(input=b'{"n":1}', tags=("x",)))
            for done in drive.tick(store, 2, now=START + 60_000):
                drive.finish(store, done, now=START + 60_000)
        finally:
            store.close()
    except BgoError as error:
        assert error.exit_code in (74, 75, 77, 78), error
        assert error.message
        assert error.hint
        return type(error).__name__
    return "worked"


@pytest.mark.parametrize("size", [0, 1, 50, 99, 100, 101, 4095, 4096, 4097, 0.5, 0.9, -1])
def test_a_truncated_store_is_refused_or_works(path: Path, size: float) -> None:
    filled(path)
    whole = path.stat().st_size
    keep = int(whole * size) if isinstance(size, float) else size % whole
    with path.open("r+b") as file:
        file.truncate(keep)
    ended = exercise(path)
    assert path.exists()
    assert ended in ("StoreDamagedError", "worked"), ended
    if 0 < keep < whole - 4096:  # of the last page only the missing bytes are gone, and SQLite reads them as zeros
        assert ended == "StoreDamagedError"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that costs no disk, for tests that make hundreds of stores."""
    base = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=base if os.access(base, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder)


def test_flipped_bytes_are_refused_or_do_no_harm(path: Path, memory: Path) -> None:
    """A wrong byte may be anywhere. Whatever it hits, what comes out is an answer or one of our errors."""
    filled(path)
    good = path.read_bytes()
    rng = random.Random(20_250)
    offsets = [*range(100), *sorted(rng.sample(range(100, len(good)), 240))]
    ended: dict[str, int] = {}
    for number, offset in enumerate(offsets):
        folder = memory / f"flip{number}"
        folder.mkdir(mode=0o700)
        bad = bytearray(good)
        bad[offset] ^= rng.randrange(1, 256)
        flipped = folder / "bgo.db"
        flipped.write_bytes(bad)
        flipped.chmod(0o600)
        how = exercise(flipped)
        ended[how] = ended.get(how, 0) + 1
        assert flipped.exists()
        shutil.rmtree(folder)
    assert ended.get("StoreDamagedError", 0) > 20
    assert ended.get("worked", 0) > 20


def test_a_store_without_an_index_is_told_and_mended(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(path)
    db.execute("DROP INDEX task_state")
    db.close()
    store = SqliteStore(path)
    assert [(f.code, f.can_repair) for f in check(store)] == [("schema", True)]
    repair(store)
    assert check(store) == []
    store.close()


def test_a_log_switched_off_by_hand_is_switched_on_again(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    db.close()
    store = SqliteStore(path)
    assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_an_older_store_is_backed_up_before_it_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = filled(path)
    monkeypatch.setattr(migrate, "VERSION", migrate.VERSION + 1)
    real = migrate.statements
    monkeypatch.setattr(
        migrate,
        "statements",
        lambda n: ["ALTER TABLE task ADD COLUMN later TEXT"] if n == migrate.VERSION else real(n),
    )
    store = SqliteStore(path)
    assert drive.ids(store) == ids
    assert store.connection.execute("SELECT later FROM task LIMIT 1").fetchone() == (None,)
    store.close()
    backup = path.with_name(f"{path.name}.before-v{migrate.VERSION}")
    assert backup.stat().st_mode & 0o777 == 0o600
    monkeypatch.undo()
    old = SqliteStore(backup)
    assert drive.ids(old) == ids
    old.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = filled(path)
    monkeypatch.setattr(migrate, "VERSION", migrate.VERSION + 1)
    real = migrate.statements
    monkeypatch.setattr(
        migrate,
        "statements",
        lambda n: ["CREATE TABLE half (a)", "this is not SQL"] if n == migrate.VERSION else real(n),
    )
    with pytest.raises(sqlite3.OperationalError):
        SqliteStore(path)
    monkeypatch.undo()
    store = SqliteStore(path)
    assert drive.ids(store) == ids
    assert check(store) == []
    store.close()
