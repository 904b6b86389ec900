"""Writers queue: a stopped one is named, a dead one lets go, a crowd of processes and threads loses nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bgo.errors import BgoError, ForkedStoreError, StoreBusyError
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from bgo.store.turnstile import Turnstile
from tests.build import a_spec
from tests.store import actors, drive

HOLD = """
store = SqliteStore(path)
with store.write() as session:
    session.queues.ensure("held", 1.0, 0)
    tell(pid=os.getpid())
    sys.stdin.readline()
tell(done=True)
"""


@contextmanager
def holder(path: Path) -> Iterator[actors.subprocess.Popen[str]]:
    """Run a process that stands inside a write transaction until it is told to go on."""
    process = actors.start(HOLD, path)
    try:
        assert actors.line(process.stdout)["pid"] == process.pid
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_stopped_writer_is_named_and_passed_once_it_goes_on(path: Path) -> None:
    SqliteStore(path).close()
    store = SqliteStore(path, busy_ms=300)
    with holder(path) as process:
        process.send_signal(signal.SIGSTOP)
        for _ in range(2):
            with pytest.raises(StoreBusyError) as caught:
                drive.enqueue(store)
            assert f"process {process.pid}" in caught.value.message
            assert caught.value.exit_code == 75
        assert drive.ids(store) == set(), "reading goes on meanwhile"
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert actors.line(process.stdout) == {"done": True}
        (task_id,) = drive.enqueue(store)
    assert drive.ids(store) == {task_id}
    with store.read() as session:
        assert "held" in session.queues.names()
    store.close()


def test_a_killed_writer_lets_go_and_leaves_nothing(path: Path) -> None:
    store = SqliteStore(path, busy_ms=10_000)
    with holder(path) as process:
        waiting = threading.Thread(target=drive.enqueue, args=(store,))
        waiting.start()
        process.kill()
        waiting.join()
    assert len(drive.ids(store)) == 1
    with store.read() as session:
        assert "held" not in session.queues.names()
    store.close()


def test_a_waiter_that_gave_up_does_not_keep_the_lock_it_gets_later(path: Path) -> None:
    store = SqliteStore(path, busy_ms=50)
    others = SqliteStore(path, busy_ms=10_000)
    with others.write():
        for _ in range(3):
            with pytest.raises(StoreBusyError):
                drive.enqueue(store)
    drive.enqueue(others)
    drive.enqueue(store)
    drive.enqueue(others)
    helpers = [t for t in threading.enumerate() if t.name == "bgo-turnstile"]
    for thread in helpers:
        thread.join(10)
        assert not thread.is_alive()
    store.close()
    others.close()


def test_an_interrupt_while_waiting_does_not_keep_the_lock(path: Path) -> None:
    """Ctrl-C comes while a helper thread waits in the kernel: what it gets later must not stay ours."""
    store, other = SqliteStore(path, busy_ms=10_000), SqliteStore(path, busy_ms=10_000)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        with other.write():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                drive.enqueue(store)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    drive.enqueue(other)
    drive.enqueue(store)
    assert len(drive.ids(store)) == 2
    store.close()
    other.close()


def test_an_error_inside_lets_go(path: Path) -> None:
    one, two = SqliteStore(path, busy_ms=100), SqliteStore(path, busy_ms=100)
    with pytest.raises(drive.Undone), one.write():
        raise drive.Undone
    drive.enqueue(two)
    one.close()
    two.close()


def test_a_lock_file_that_cannot_be_signed_is_still_a_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the holder cannot write its pid; a prune must work nevertheless, and must let go."""
    store, other = SqliteStore(path, busy_ms=100), SqliteStore(path, busy_ms=100)

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)
    drive.enqueue(store)
    drive.enqueue(other)
    with store.write(), pytest.raises(StoreBusyError):
        drive.enqueue(other)
    store.close()
    other.close()


def test_without_flock_writers_retry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    store, other = SqliteStore(path, busy_ms=5_000), SqliteStore(path, busy_ms=100)
    drive.enqueue(store)
    with store.write(), pytest.raises(StoreBusyError):
        drive.enqueue(other)

    def add(into: SqliteStore) -> None:
        for _ in range(10):
            drive.enqueue(into)

    stores = [store, *(SqliteStore(path, busy_ms=20_000) for _ in range(3))]
    threads = [threading.Thread(target=add, args=(s,)) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drive.ids(store)) == 41
    for each in (*stores, other):
        each.close()


def test_the_turnstile_of_a_store_is_not_inherited(path: Path) -> None:
    turnstile = Turnstile(path.parent.parent / "x.lock", 100)
    assert not os.get_inheritable(turnstile._fd)
    turnstile.close()


STORM = """
store = SqliteStore(path, busy_ms=60_000)
def storm():
    ids, ran = [], 0
    for n in range(int(sys.argv[2])):
        ids += drive.enqueue(store, a_spec(id=sys.argv[3] + "%011d" % n, input=b'{"n":1}'))
        if n % 3 == 0:
            for done in drive.tick(store, 1, worker=sys.argv[3]):
                drive.finish(store, done, worker=sys.argv[3])
                ran += 1
        if n % 10 == 0:
            with store.read() as session:
                session.tasks.counts()
    return [ids, ran]
attempt(storm)
"""


def test_eight_processes_at_once_meet_no_error_and_lose_nothing(path: Path) -> None:
    programs = [actors.start(STORM, path, 60, n) for n in range(8)]
    told = [lines[0] for lines in actors.run_all(programs)]
    assert all(t.get("ok") for t in told), told
    ids = {i for t in told for i in t["result"][0]}
    assert len(ids) == 480
    store = SqliteStore(path)
    assert drive.ids(store) == ids
    assert check(store) == []
    with store.read() as session:
        assert session.tasks.next_seq() == 481
        outcomes = session.records.last()
    assert outcomes == sum(t["result"][1] for t in told) > 0, "each claim has one outcome"
    store.close()


def test_threads_and_stores_of_one_process_may_storm_too(path: Path) -> None:
    stores = [SqliteStore(path, busy_ms=60_000) for _ in range(3)]
    errors: list[BaseException] = []

    def storm(store: SqliteStore, worker: str) -> None:
        try:
            for _ in range(25):
                drive.enqueue(store)
                for done in drive.tick(store, 1, worker=worker):
                    drive.finish(store, done, worker=worker)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=storm, args=(s, f"w{i}{j}")) for j, s in enumerate(stores) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(drive.ids(stores[0])) == 225
    assert check(stores[0]) == []
    for store in stores:
        store.close()


def test_every_write_begins_immediately_and_reads_do_not(sqlite: SqliteStore) -> None:
    """A read that grows into a write meets SQLITE_BUSY at once, whatever the timeout says."""
    begun: list[str] = []
    written: list[tuple[str, str]] = []

    def trace(statement: str) -> None:
        word = statement.split(maxsplit=1)[0].upper()
        if word == "BEGIN":
            begun.append(statement)
        elif word in ("INSERT", "UPDATE", "DELETE"):
            written.append((begun[-1] if begun else "", statement))

    sqlite.connection.set_trace_callback(trace)
    drive.enqueue(sqlite, a_spec(tags=("x",)), a_spec("b"))
    drive.run_all(sqlite)
    drive.cancel(sqlite, drive.enqueue(sqlite))
    with sqlite.read() as session:
        session.tasks.counts()
    sqlite.connection.set_trace_callback(None)
    assert written
    assert {start for start, _ in written} == {"BEGIN IMMEDIATE"}
    assert begun[-1] == "BEGIN"


def test_a_foreign_writer_is_waited_for_and_then_named_as_such(sqlite: SqliteStore) -> None:
    """Somebody with the sqlite3 shell does not know our turnstile; SQLite's own lock stands behind it."""
    assert sqlite.path is not None
    impatient = SqliteStore(sqlite.path, busy_ms=50)
    foreign = sqlite3.connect(sqlite.path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="busy"):
        drive.enqueue(impatient)
    foreign.execute("COMMIT")
    drive.enqueue(impatient)
    foreign.close()
    impatient.close()


# Python 3.12 warns of forks beside threads, such as the test runner has; that is what is tried here.
forking = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def in_child(do: object) -> int:
    """Fork, run `do` in the child, and return its verdict: 0 refused cleanly, 1 let in, 2 something else."""
    pid = os.fork()
    if pid == 0:
        verdict = 2
        try:
            do()  # type: ignore[operator]
            verdict = 1
        except ForkedStoreError as error:
            verdict = 0 if error.exit_code == 70 and error.hint else 2
        except BaseException:
            verdict = 2
        finally:
            os._exit(verdict)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@forking
def test_a_store_does_not_cross_a_fork(sqlite: SqliteStore) -> None:
    def read() -> None:
        with sqlite.read():
            pass

    def write() -> None:
        with sqlite.write():
            pass

    def twice() -> None:
        sqlite.close()  # must not touch the parent's connection
        read()

    for use in (read, write, twice, sqlite.data_version, sqlite.copy_to_memory):
        assert in_child(use) == 0, use
        drive.enqueue(sqlite)
    assert len(drive.ids(sqlite)) == 5
    assert check(sqlite) == []


@forking
def test_forks_while_writing_do_no_harm(sqlite: SqliteStore) -> None:
    ids = set()
    for _ in range(40):
        pid = os.fork()
        if pid == 0:
            try:
                drive.enqueue(sqlite)
            except BgoError:
                os._exit(0)
            os._exit(1)
        ids.update(drive.enqueue(sqlite))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert drive.ids(sqlite) == ids
    assert check(sqlite) == []
