"""The contract of every store: all or nothing, snapshots, savepoints, threads, and what a change looks like outside."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import pytest

from bgo.errors import StoreError
from bgo.store import port
from bgo.store.port import Store
from tests.build import a_spec
from tests.store import drive
from tests.store.backends import Backend


def test_the_contract_speaks_of_every_verb() -> None:
    """A verb that joins the port joins these tests."""
    words = "".join(path.read_text() for path in Path(__file__).parent.glob("test_contract_*.py"))
    groups = (
        port.Tasks,
        port.Lanes,
        port.Leases,
        port.Records,
        port.Payloads,
        port.Queues,
        port.Dedup,
        port.Rates,
        port.NamedLimits,
        port.AlarmBell,
        port.Links,
        port.Flows,
        port.Stages,
        port.Session,
        port.Store,
    )
    verbs = {name for group in groups for name, thing in vars(group).items() if inspect.isfunction(thing)}
    assert {v for v in verbs if not v.startswith("_") and f".{v}(" not in words} == set()


def test_an_exception_undoes_the_transaction(store: Store) -> None:
    with pytest.raises(drive.Undone), store.write() as session:  # noqa: PT012 - the block is the transaction
        session.queues.ensure("own", 1.0, 0)
        raise drive.Undone
    with store.read() as session:
        assert "own" not in session.queues.names()


def test_a_savepoint_undoes_only_its_block(store: Store) -> None:
    with store.write() as session:
        session.queues.ensure("before", 1.0, 0)
        with pytest.raises(drive.Undone), session.savepoint():  # noqa: PT012 - the block is the savepoint
            session.queues.ensure("inside", 1.0, 0)
            with session.savepoint():
                session.queues.ensure("deeper", 1.0, 0)
            raise drive.Undone
        with session.savepoint():
            session.queues.ensure("kept", 1.0, 0)
        session.queues.ensure("after", 1.0, 0)
    with store.read() as session:
        assert {"before", "kept", "after"} <= set(session.queues.names())
        assert not {"inside", "deeper"} & set(session.queues.names())


def test_a_broken_constraint_undoes_only_its_savepoint(store: Store, backend: Backend) -> None:
    (task_id,) = drive.enqueue(store)
    with store.write() as session:
        session.queues.ensure("before", 1.0, 0)
        with pytest.raises(backend.violation), session.savepoint():
            drive.enqueueing.enqueue(session, [a_spec(id=task_id)], drive.START)
    with store.read() as session:
        assert "before" in session.queues.names()
    assert drive.ids(store) == {task_id}


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
def test_transactions_do_not_nest(store: Store, outer: str, inner: str) -> None:
    """The inner one would end the outer one's snapshot, or commit half of it: it is refused, and the outer lives on."""
    with getattr(store, outer)() as session:
        if outer == "write":
            session.queues.ensure("own", 1.0, 0)
        with pytest.raises(RuntimeError, match="nest"), getattr(store, inner)():
            raise AssertionError("it was let in")
        assert session.queues.names()
    with store.write() as session:
        assert ("own" in session.queues.names()) == (outer == "write")


def test_a_write_in_a_read_transaction_is_not_kept(store: Store) -> None:
    with store.read() as session:
        session.queues.ensure("own", 1.0, 0)
    with store.read() as session:
        assert "own" not in session.queues.names()


def test_threads_take_turns(store: Store) -> None:
    def add(name: str) -> None:
        for _ in range(20):
            drive.enqueue(store, a_spec(name))

    threads = [threading.Thread(target=add, args=(f"t{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drive.ids(store)) == 120
    with store.read() as session:
        assert session.tasks.next_seq() == 121


def test_a_read_sees_one_snapshot(store: Store, backend: Backend) -> None:
    if not backend.is_shared:
        pytest.skip("an in-memory store has one connection")
    other = backend.open()
    with store.read() as session:
        assert session.tasks.newest(9) == []
        drive.enqueue(other)
        assert session.tasks.newest(9) == []
    assert len(drive.ids(store)) == 1
    other.close()


def test_the_data_version_tells_of_foreign_commits_only(store: Store, backend: Backend) -> None:
    first = store.data_version()
    drive.enqueue(store)
    assert store.data_version() == first
    if backend.is_shared:
        other = backend.open()
        assert store.data_version() == first
        drive.enqueue(other)
        assert store.data_version() != first
        other.close()


def test_a_closed_store_says_so(backend: Backend) -> None:
    store = backend.open()
    store.close()
    store.close()
    for use in (store.read, store.write):
        with pytest.raises(StoreError, match="closed"), use():
            raise AssertionError("it was let in")
    with pytest.raises(StoreError, match="closed"):
        store.data_version()


def test_work_outlives_its_connection(store: Store, backend: Backend) -> None:
    if not backend.is_shared:
        pytest.skip("an in-memory store ends with its connection")
    (task_id,) = drive.enqueue(store)
    other = backend.open()
    assert drive.ids(other) == {task_id}
    assert drive.claim(other).task.id == task_id
    assert drive.tick(store) == ()
    other.close()
