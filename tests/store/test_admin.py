"""Backups hold, vacuum gives room back, and what doctor warns about is so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bgo.engine.prune import prune
from bgo.errors import RefusedError, StoreDamagedError, StoreError, UsageError
from bgo.model.query import Retention
from bgo.store import admin, place
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.store import actors, drive

CHURN = """
store = SqliteStore(path, busy_ms=60_000)
tell(ready=True)
n = 0
while True:
    tell(id=drive.enqueue(store, a_spec(id="9%011d" % n, input=b'{"n":1}' * 50))[0])
    for done in drive.tick(store, 1):
        drive.finish(store, done)
    n += 1
"""


def test_a_backup_under_churn_holds_all_that_was_acknowledged(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path, busy_ms=60_000)
    churn = actors.start(CHURN, path)
    try:
        assert actors.line(churn.stdout) == {"ready": True}
        acked = set()
        for number in range(12):
            acked |= {actors.line(churn.stdout)["id"] for _ in range(8)}
            target = tmp_path / f"backup{number}.db"
            size = admin.backup(store, target)
            assert (size, target.stat().st_mode & 0o777) == (target.stat().st_size, 0o600)
            restored = SqliteStore(target)
            assert acked <= drive.ids(restored)
            assert check(restored) == []
            drive.enqueue(restored)
            restored.close()
    finally:
        churn.kill()
        churn.communicate()
    store.close()


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_backup_is_private_whatever_the_umask(busy: SqliteStore, tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        admin.backup(busy, tmp_path / "copy.db")
    finally:
        os.umask(old)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_never_overwrites_unless_told(busy: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"precious")
    with pytest.raises(RefusedError) as caught:
        admin.backup(busy, target)
    assert (caught.value.exit_code, target.read_bytes()) == (4, b"precious")
    admin.backup(busy, target, replace=True)
    restored = SqliteStore(target)
    assert drive.ids(restored) == drive.ids(busy)
    restored.close()
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "nothing")
    with pytest.raises(RefusedError):
        admin.backup(busy, link)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["copy.db", "copy.db.lock"]


def test_a_backup_that_appears_meanwhile_is_not_overwritten(
    busy: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy.db"
    real = admin.backups._verify

    def verify(copy: Path, asked: Path) -> None:
        real(copy, asked)
        target.write_bytes(b"precious")

    monkeypatch.setattr(admin.backups, "_verify", verify)
    with pytest.raises(RefusedError):
        admin.backup(busy, target)
    assert target.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["bgo.db", "bgo.db-wal", "bgo.db-shm", "bgo.db.lock", "bgo.db-journal"])
def test_a_backup_onto_the_store_itself_is_refused(busy: SqliteStore, name: str) -> None:
    assert busy.path is not None
    with pytest.raises(UsageError, match="itself"):
        admin.backup(busy, busy.path.with_name(name), replace=True)
    assert check(busy) == []


def test_a_backup_into_nowhere_is_refused(busy: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write the backup"):
        admin.backup(busy, tmp_path / "no" / "such" / "folder.db")


def test_a_backup_of_a_damaged_store_is_not_kept(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    drive.enqueue(store, *(a_spec(input=b'{"n":1}' * 200) for _ in range(50)))
    store.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 8)
        file.write(b"\xff" * 20_000)
    store = SqliteStore(path)
    with pytest.raises(StoreDamagedError):
        admin.backup(store, tmp_path / "copy.db")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []
    store.close()


def test_an_in_memory_store_can_be_backed_up(tmp_path: Path) -> None:
    store = SqliteStore(None)
    ids = set(drive.enqueue(store))
    admin.backup(store, tmp_path / "copy.db")
    restored = SqliteStore(tmp_path / "copy.db")
    assert drive.ids(restored) == ids
    restored.close()


def test_a_copy_in_memory_is_whole_and_apart(busy: SqliteStore) -> None:
    copy = busy.copy_to_memory()
    assert drive.ids(copy) == drive.ids(busy)
    assert check(copy) == []
    drive.enqueue(copy)
    assert len(drive.ids(copy)) == len(drive.ids(busy)) + 1


def test_vacuum_gives_room_back(sqlite: SqliteStore) -> None:
    drive.enqueue(sqlite, *(a_spec(input=b'{"n":1}' * 2_000) for _ in range(60)))
    drive.run_all(sqlite)
    assert sum(map(len, prune(sqlite, Retention(finished_ms=0), START + 1))) == 60
    assert admin.info(sqlite).free_bytes > 500_000
    before, after = admin.vacuum(sqlite)
    assert after < before / 3
    facts = admin.info(sqlite)
    assert (facts.free_bytes, facts.wal_bytes, facts.file_bytes) == (0, 0, after)
    assert check(sqlite) == []


def test_a_store_tells_what_it_is(busy: SqliteStore) -> None:
    facts = admin.info(busy)
    assert facts.path == str(busy.path)
    assert (facts.schema_version, facts.synchronous, len(facts.store_id)) == (6, "full", 32)
    assert facts.wal_bytes > 0
    assert facts.disk_free_bytes > 0
    memory = admin.info(SqliteStore(None))
    assert (memory.path, memory.wal_bytes, memory.disk_free_bytes) == (":memory:", 0, 0)
    assert memory.file_bytes > 0


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False),
        ((3, 44, 7), False), ((3, 45, 0), True), ((3, 50, 6), True), ((3, 50, 7), False), ((3, 50, 9), False),
        ((3, 51, 0), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 52, 0), False), ((4, 0, 0), False),
    ],
)  # fmt: skip
def test_an_sqlite_that_can_corrupt_its_log_is_named(version: tuple[int, ...], is_affected: bool) -> None:
    advice = admin.sqlite_advice(version)
    assert (advice is not None) == is_affected
    if advice is not None:
        assert not advice.is_fault
        assert ".".join(map(str, version)) in advice.message


def codes(store: SqliteStore) -> set[str]:
    return {w.code for w in admin.warnings(store)} - {"sqlite_wal_reset"}


READER = """
store = SqliteStore(path)
with store.read() as session:
    session.tasks.counts()
    tell(reading=True)
    sys.stdin.readline()
"""


def test_a_log_that_a_reader_keeps_growing_is_told_with_the_reader(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite.path is not None
    assert codes(sqlite) == set()
    monkeypatch.setattr(admin, "WAL_LIMIT", 100_000)
    reader = actors.start(READER, sqlite.path)
    try:
        assert actors.line(reader.stdout) == {"reading": True}
        drive.enqueue(sqlite, *(a_spec(input=b'{"n":1}' * 2_000) for _ in range(20)))
        assert reader.pid in admin.readers_of(sqlite)
        (warning,) = (w for w in admin.warnings(sqlite) if w.code == "long_log")
        assert str(reader.pid) in warning.message
        assert not warning.is_fault
    finally:
        reader.kill()
        reader.communicate()
    admin.vacuum(sqlite)
    assert codes(sqlite) == set()


def test_other_things_worth_knowing_are_told(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path, synchronous="normal")
    assert codes(store) == {"not_durable"}
    monkeypatch.setattr(admin, "_LOW_DISK", 1 << 62)
    assert codes(store) == {"not_durable", "low_disk"}
    mounts = tmp_path / "mountinfo"
    mounts.write_text("21 1 0:50 / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    assert codes(store) == {"not_durable", "low_disk", "network"}
    store.close()
