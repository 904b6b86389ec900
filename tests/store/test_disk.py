"""Disks that fail or fill up: what was acknowledged is there, what was not may be, the store is sound."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.store import actors, drive

SYNC, WRITE, TRUNCATE = 1, 2, 3
EIO, ENOSPC = 5, 28


SWEEP = """
import ctypes, errno, shutil
disk = ctypes.CDLL(None)
kind, error, last = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def sweep(n):
    '''Fail call n once while tasks are enqueued and run; go on with the same store; return acknowledged and not.'''
    where = path.with_name(f"n{n}") / "bgo.db"
    store = SqliteStore(where)
    first = store.connection
    store.connection.execute("PRAGMA wal_autocheckpoint=4")
    acked, unknown, errors = [], [], []
    disk.disk_fail(kind, n, error)
    for number in range(8):
        wanted = a_spec(id=f"{number}" + "a" * 11, input=b'{"n":1}' * 300)
        try:
            acked += drive.enqueue(store, wanted)
        except BgoError as failed:
            errors.append(type(failed).__name__)
            if type(failed).__name__ == "UnknownCommitError":
                unknown.append(wanted.id)
        if number % 3 == 2:
            try:
                for done in drive.tick(store, 1):
                    drive.finish(store, done)
            except BgoError as failed:
                errors.append(type(failed).__name__)
    fired = disk.disk_fired()
    disk.disk_fail(0, 0, 0)
    seen = sorted(drive.ids(store))
    store.close()
    renewed = store.connection is not first
    return dict(n=n, acked=acked, unknown=unknown, errors=errors, seen=seen, fired=fired, renewed=renewed)

for n in range(1, last + 1):
    tell(**sweep(n))
"""


@pytest.mark.parametrize(
    ("kind", "error", "expected"),
    [
        (SYNC, EIO, {"UnknownCommitError"}),
        (WRITE, EIO, {"UnknownCommitError", "StoreError"}),
        (WRITE, ENOSPC, {"StoreFullError"}),
        (TRUNCATE, EIO, {"StoreError", "UnknownCommitError"}),
    ],
    ids=["sync-EIO", "write-EIO", "write-ENOSPC", "truncate-EIO"],
)
def test_a_failing_call_loses_nothing_acknowledged(
    disk: str, path: Path, kind: int, error: int, expected: set[str]
) -> None:
    """The n-th call fails, for each n: the store goes on by itself, and opens clean afterwards."""
    path.parent.mkdir(mode=0o700)
    told = actors.run(SWEEP, path, kind, error, 24, env={"LD_PRELOAD": disk})
    assert {e for t in told for e in t["errors"]} <= expected
    if kind != TRUNCATE:
        assert sum(bool(t["errors"]) for t in told) > 5
        assert all(t["fired"] for t in told[:20])
    for t in told:
        store = SqliteStore(path.with_name(f"n{t['n']}") / "bgo.db")
        found = drive.ids(store)
        assert set(t["acked"]) <= found, t
        assert found <= {*t["acked"], *t["unknown"]}, t
        assert found == set(t["seen"]), "what the surviving process saw is what is there"
        assert check(store) == []
        assert t["renewed"] == bool(t["errors"]), "after a disk error the connection is not trusted any more"
        store.close()


FAILING_OPEN = """
import ctypes
disk = ctypes.CDLL(None)
for kind in (1, 2, 3):
    for n in range(1, 11):
        where = path.with_name(f"open{kind}-{n}") / "bgo.db"
        disk.disk_fail(kind, n, 5)
        attempt(lambda: SqliteStore(where).close())
        disk.disk_fail(0, 0, 0)
        attempt(lambda: drive.enqueue(SqliteStore(where)))
"""


def test_a_failing_first_opening_can_be_repeated(disk: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    told = actors.run(FAILING_OPEN, path, env={"LD_PRELOAD": disk})
    first, second = told[::2], told[1::2]
    assert any(t.get("error") for t in first)
    assert {t["code"] for t in first if "code" in t} == {74}
    assert all(t.get("ok") for t in second), second


DOOMED = """
import ctypes, sqlite3
disk = ctypes.CDLL(None)
store = SqliteStore(path)
store.connection.execute("PRAGMA cache_size=1")  # so that a statement in the middle must write to the disk
store.connection.execute("PRAGMA cache_spill=1")

def group():
    with store.write() as session:
        drive.enqueueing.enqueue(session, [a_spec(id="0aaaaaaaaaaa")], START)
        for n in range(40):
            try:
                with session.savepoint():
                    disk.disk_fail(2, 1 if n == 20 else 0, 28)
                    specs = [a_spec(input=b"x" * 9000) for _ in range(4)]
                    drive.enqueueing.enqueue(session, specs, START)
            except sqlite3.Error:
                tell(caught=n)
            disk.disk_fail(0, 0, 0)
attempt(group)
tell(ids=sorted(drive.ids(store)))
"""


def test_a_swallowed_disk_error_does_not_commit_half_a_group(disk: str, path: Path) -> None:
    """SQLite undoes the whole transaction; what a caller does after catching the error must not commit by itself."""
    told = actors.run(DOOMED, path, env={"LD_PRELOAD": disk})
    assert [t["caught"] for t in told if "caught" in t] == [20]
    assert told[-2].get("error") == "StoreFullError", told
    assert told[-1]["ids"] == []


FILL = """
def fill():
    store = SqliteStore(path)
    for n in range(100_000):
        try:
            drive.enqueue(store, a_spec(id="9%011d" % n, input=b"x" * 20_000))
        except BgoError as error:
            tell(acked=n)
            with store.read() as session:
                assert len(session.tasks.newest(100_000)) == n
            raise
attempt(fill)
"""


def full_disk_is_told_and_survived(path: Path, **more: object) -> None:
    """Fill a store until it refuses, then check that it is whole and goes on when there is room again."""
    told = actors.run(FILL, path, **more)
    assert told[1]["error"] == "StoreFullError", told
    assert (told[1]["code"], "nothing was half-written" in told[1]["why"]) == (74, True)
    assert told[1]["hint"]


def test_a_file_size_limit_is_a_full_store(path: Path) -> None:
    import resource

    limit = 600_000
    full_disk_is_told_and_survived(path, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    store = SqliteStore(path)
    assert check(store) == []
    before = len(drive.ids(store))
    assert before > 0
    drive.enqueue(store)
    assert len(drive.ids(store)) == before + 1
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of one MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.decode()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_and_room_is_enough_to_go_on(small_disk: Path) -> None:
    path = small_disk / "bgo.db"
    full_disk_is_told_and_survived(path)
    (small_disk / "filler").write_bytes(b"x" * (shutil.disk_usage(small_disk).free))
    for program in (
        "attempt(lambda: drive.enqueue(SqliteStore(path), a_spec(input=b'x' * 50_000)))",
        "from bgo.store import admin; attempt(lambda: admin.backup(SqliteStore(path), path.with_name('copy.db')))",
        "from bgo.store import admin; attempt(lambda: admin.vacuum(SqliteStore(path)))",
    ):
        (told,) = actors.run(program, path)
        assert told.get("error") == "StoreFullError", told
    assert sorted(p.name for p in small_disk.iterdir() if "part" in p.name or "probe" in p.name) == []
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    store = SqliteStore(path)
    assert check(store) == []
    drive.enqueue(store)
    assert drive.run_all(store) > 0
    store.close()


def test_a_store_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (1 << 20))
    (told,) = actors.run("attempt(lambda: SqliteStore(path))", small_disk / "new" / "bgo.db")
    assert (told["error"], told["code"]) == ("StoreFullError", 74)
