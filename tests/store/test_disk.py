"""Disks that fail, fill up or lose power: what was acknowledged is there, what was not may be, the store is sound."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.store import actors, drive

SOURCE = Path(__file__).with_name("faulty_disk.c")
SYNC, WRITE, TRUNCATE, UNLINK = 1, 2, 3, 4
EIO, ENOSPC = 5, 28


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the failing disk and return the library to preload."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler to preload a failing disk")
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return str(library)


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


def assert_durable(store: SqliteStore) -> None:
    """Fail unless SQLite flushes the log before it acknowledges a commit."""
    assert store.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store.connection.execute("PRAGMA fullfsync").fetchone()[0] == 1


def test_commits_are_flushed(path: Path) -> None:
    store = SqliteStore(path)
    assert_durable(store)
    store._is_suspect = True  # the connection after a disk error is as careful as the first
    drive.enqueue(store)
    assert_durable(store)
    store.close()


def test_the_check_for_flushing_sees_a_store_that_does_not(path: Path) -> None:
    store = SqliteStore(path, synchronous="normal")
    with pytest.raises(AssertionError):
        assert_durable(store)
    store.close()


POWERED = """
log = os.environ["BGO_DISK_LOG"]
store = SqliteStore(path, synchronous=sys.argv[2])
store.connection.execute("PRAGMA wal_autocheckpoint=80")
for number in range(60):
    (task_id,) = drive.enqueue(store, a_spec(id="9%011d" % number, input=b'{"n":1}' * (number % 7 * 100)))
    tell(id=task_id, at=os.path.getsize(log))
    if number % 4 == 3:
        for done in drive.tick(store, 1):
            drive.finish(store, done)
os._exit(0)  # as a power cut would end it: nothing is folded in or tidied up
"""


@dataclass(frozen=True)
class Call:
    """A write, truncation, sync or removal that reached the disk's log; `end` is where its record ends there."""

    kind: int
    name: str
    offset: int
    data: bytes
    end: int


def calls_in(log: bytes) -> Iterator[Call]:
    """Read the disk's log."""
    at, head = 0, struct.Struct("=iiqq")
    while at < len(log):
        kind, name_size, offset, size = head.unpack_from(log, at)
        at += head.size
        name = log[at : at + name_size].decode()
        at += name_size
        data = log[at : at + size] if kind == WRITE else b""
        at += len(data)
        yield Call(kind, Path(name).name, offset, data, at)


def after_a_cut(calls: list[Call], rng: random.Random) -> dict[str, bytearray]:
    """Return files as a disk may hold them: all that was synced, and any part of what was not, torn at sectors."""
    synced = {c.name: i for i, c in enumerate(calls) if c.kind == SYNC}
    keep = rng.choice((0.0, 0.5, 0.9))
    files: dict[str, bytearray] = {}
    for i, call in enumerate(calls):
        file = files.setdefault(call.name, bytearray())
        safe = i < synced.get(call.name, -1)
        if call.kind == UNLINK:
            del files[call.name]
        elif call.kind == TRUNCATE and (safe or rng.random() < keep):
            del file[call.offset :]
            file.extend(bytes(call.offset - len(file)))
        elif call.kind == WRITE:
            for start in range(0, len(call.data), 512):
                if safe or rng.random() < keep:
                    sector, at = call.data[start : start + 512], call.offset + start
                    file.extend(bytes(max(0, at - len(file))))
                    file[at : at + len(sector)] = sector
    return files


def losses(disk: str, folder: Path, synchronous: str, cuts: int) -> tuple[int, int]:
    """Cut the power at random moments; return in how many cuts something acknowledged was lost, and how many failed."""
    log = folder / "disk.log"
    environment = {"LD_PRELOAD": disk, "BGO_DISK_LOG": str(log)}
    acks = actors.run(POWERED, folder / "store" / "bgo.db", synchronous, env=environment)
    calls = list(calls_in(log.read_bytes()))
    ready = next(i for i, c in enumerate(calls) if c.end >= acks[0]["at"])
    rng, lost, damaged = random.Random(7), 0, 0
    for cut in range(cuts):
        until = rng.randrange(ready, len(calls))
        place = folder / f"cut{cut}"
        place.mkdir(mode=0o700)
        for name, data in after_a_cut(calls[: until + 1], rng).items():
            if not name.endswith("-shm"):
                (place / name).write_bytes(data)
                (place / name).chmod(0o600)
        store = SqliteStore(place / "bgo.db")
        lost += not {a["id"] for a in acks if a["at"] <= calls[until].end} <= drive.ids(store)
        damaged += bool(check(store))
        store.close()
        shutil.rmtree(place)
    return lost, damaged


def test_a_power_cut_loses_nothing_acknowledged(disk: str, tmp_path: Path) -> None:
    assert losses(disk, tmp_path, "full", 60) == (0, 0)


def test_the_power_cut_is_cruel_enough_to_show_a_store_that_does_not_flush(disk: str, tmp_path: Path) -> None:
    """With synchronous=NORMAL what was acknowledged may be lost (and the store stays sound): the planted bug."""
    lost, damaged = losses(disk, tmp_path, "normal", 40)
    assert lost > 10
    assert damaged == 0
