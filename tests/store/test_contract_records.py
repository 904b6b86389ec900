"""The contract of every store: leases, workers, history, payloads and queues."""

from __future__ import annotations

import pytest

from bgo.errors import StoreDamagedError
from bgo.model.outcome import Failed, Succeeded, TaskError
from bgo.model.plan import QueueShare
from bgo.model.query import QueueRow, Selector
from bgo.model.state import Event, State
from bgo.model.task import Child, WorkerRow
from bgo.store.port import Store
from bgo.store.rows import NewLease
from tests.build import START, a_spec, a_wish
from tests.store import drive
from tests.store.backends import Backend


def lease_row(seq: int, **fields: object) -> NewLease:
    """Return a lease of run 1 by worker w."""
    values: dict[str, object] = {
        "task": seq, "run": 1, "worker": "w", "host": "here", "boot_id": "boot", "until": 30_000, "child_pid": 7,
        "child_start": 70, "claimed_at": START, "queue": "default", "concurrency_key": None, "waited": '{"slots":5}',
    }  # fmt: skip
    return NewLease(**{**values, **fields})  # type: ignore[arg-type]


def test_a_lease_comes_back_as_it_was_written(store: Store) -> None:
    drive.enqueue(store, a_spec(wish=a_wish(limit=2)))
    task = drive.claim(store).task
    with drive.undone(store) as session:
        assert session.leases.delete(task.seq, 1)
        session.leases.insert(lease_row(task.seq, concurrency_key="k"))
        lease = session.leases.find(task.seq)
        assert lease is not None
        assert (lease.task_id, lease.seq, lease.run, lease.worker) == (task.id, task.seq, 1, "w")
        assert (lease.host, lease.boot_id, lease.until_ms, lease.child) == ("here", "boot", 30_000, Child(7, 70))
        assert (lease.claimed_at, lease.started_at, lease.queue) == (START, None, "default")
        assert (lease.concurrency_key, lease.waited) == ("k", '{"slots":5}')
        assert session.leases.list_all() == [lease]


def test_a_task_has_one_lease(store: Store, backend: Backend) -> None:
    drive.enqueue(store)
    task = drive.claim(store).task
    with pytest.raises(backend.violation), store.write() as session:
        session.leases.insert(lease_row(task.seq, run=2))


def test_a_lease_is_changed_only_under_its_own_run_and_owner(store: Store) -> None:
    drive.enqueue(store, a_spec("a"), a_spec("b"))
    one, two = drive.tick(store, 2)
    with drive.undone(store) as session:
        leases = session.leases
        assert not leases.delete(one.task.seq, 2)
        assert not leases.mark_started(one.task.seq, 2, START)
        assert leases.mark_started(one.task.seq, 1, START + 3)
        started = leases.find(one.task.seq)
        assert started is not None
        assert started.started_at == START + 3
        assert leases.renew("w", 99_000) == 2
        assert leases.renew("nobody", 99_000) == 0
        assert leases.renewed("w") == {(one.task.seq, 1), (two.task.seq, 1)}
        assert leases.renewed("nobody") == set()
        assert not leases.adopt(started, "other", 1), "it was judged before the renewal"
        fresh = leases.find(one.task.seq)
        assert fresh is not None
        assert fresh.until_ms == 99_000
        assert leases.adopt(fresh, "other", 123_000)
        assert not leases.adopt(fresh, "third", 123_000)
        assert leases.renewed("other") == {(one.task.seq, 1)}
        assert leases.delete(one.task.seq, 1)
        assert not leases.delete(one.task.seq, 1)
        assert leases.find(one.task.seq) is None


def test_live_runs_are_counted_by_key_queue_host_and_worker(store: Store) -> None:
    limited = a_wish(limit=9)
    drive.enqueue(store, a_spec("a", wish=limited), a_spec("a", wish=limited), a_spec("b", queue="low"))
    drive.tick(store, 2, worker="one")
    drive.tick(store, 1, worker="two")
    with store.read() as session:
        assert session.leases.usage() == {"a": 2}
        assert session.leases.running_by_queue("here", None) == {"default": 2, "low": 1}
        assert session.leases.running_by_queue("elsewhere", None) == {}
        assert session.leases.running_by_queue("here", "two") in ({"low": 1}, {"default": 1})
        assert [lease.seq for lease in session.leases.list_all()] == [1, 2, 3]


def test_workers_register_and_leave(store: Store, backend: Backend) -> None:
    one = WorkerRow("w1", "here", "boot", 5, 50, START, 4, ("default", "low"))
    two = WorkerRow("w0", "here", "boot", 6, 60, START + 1, 2, ())
    with store.write() as session:
        session.leases.register(two)
        session.leases.register(one)
        assert session.leases.workers() == [one, two]
        assert session.leases.count_workers() == 2
    with pytest.raises(backend.violation), store.write() as session:
        session.leases.register(one)
    with store.write() as session:
        session.leases.unregister("w1")
        session.leases.unregister("nobody")
        assert session.leases.workers() == [two]


def test_history_tells_how_each_run_went(store: Store) -> None:
    drive.enqueue(store, a_spec(name="n"))
    done = drive.claim(store)
    with store.write() as session:
        session.leases.mark_started(done.task.seq, 1, START + 10)
    drive.finish(
        store, done, Failed(TaskError("ValueError", "no", "trace", ("ValueError", "Exception"))), now=START + 30
    )
    with store.read() as session:
        (entry,) = session.records.of_task(done.task.id)
        assert (entry.task_id, entry.name, entry.event, entry.run, entry.attempt) == (
            done.task.id,
            "n",
            "exhaust",
            1,
            1,
        )
        assert (entry.state, entry.reason, entry.at, entry.worker) == ("failed", "error", START + 30, "w")
        assert (entry.started_at, entry.finished_at, entry.duration_ms) == (START + 10, START + 30, 20)
        assert entry.error == TaskError("ValueError", "no", "trace", ("ValueError", "Exception"))
        assert (entry.waited, entry.detail) == ({}, {})


def test_a_run_has_one_outcome(store: Store, backend: Backend) -> None:
    drive.enqueue(store)
    done = drive.claim(store)
    drive.finish(store, done)
    with pytest.raises(backend.violation), store.write() as session:
        session.records.add(done.task, "succeed", (State.SUCCEEDED, "done", 1), START, outcome=True)
    with store.write() as session:
        session.records.add(done.task, "late_finish", (State.SUCCEEDED, "done", 1), START, detail='{"run":1}')
        assert [e.event for e in session.records.of_task(done.task.id)] == ["succeed", "late_finish"]
        assert session.records.of_task(done.task.id)[1].detail == {"run": 1}


def history(store: Store, *, runs_only: bool = True, before: int | None = None, **fields: object) -> list[int]:
    with store.read() as session:
        selector = Selector(**fields)  # type: ignore[arg-type]
        return [e.seq for e in session.records.select(selector, runs_only=runs_only, limit=99, before=before)]


def test_history_is_selected_like_tasks(store: Store) -> None:
    a, b = a_spec("a", tags=("x",), queue="low"), a_spec("b")
    drive.enqueue(store, a)
    drive.finish(store, drive.claim(store), Failed(TaskError("E", "e")), now=START + 1)
    drive.enqueue(store, b, a_spec("b"))
    drive.finish(store, drive.claim(store), now=START + 2)
    drive.cancel(store, sorted(drive.ids(store)), now=START + 3)
    assert history(store) == [2, 1]
    assert history(store, runs_only=False) == [3, 2, 1]
    assert history(store, runs_only=False, before=3) == [2, 1]
    assert history(store, ids=(a.id,)) == [1]
    assert history(store, tags=("x",)) == [1]
    assert history(store, queues=("default",)) == [2]
    assert history(store, names=("b",)) == [2]
    assert history(store, states=(State.SUCCEEDED,)) == [2]
    assert history(store, states=(State.CANCELLED,), runs_only=False) == [3]
    assert history(store, since=START + 2) == [2]
    assert history(store, until=START + 2) == [1]
    assert history(store, names=("a",), states=(State.SUCCEEDED,)) == []
    with store.read() as session:
        assert [e.seq for e in session.records.select(Selector(), runs_only=True, limit=1)] == [2]


def test_history_can_be_followed(store: Store) -> None:
    with store.read() as session:
        assert session.records.last() == 0
    drive.enqueue(store, a_spec(), a_spec())
    drive.run_all(store)
    with store.read() as session:
        assert session.records.last() == 2
        assert [e.seq for e in session.records.after(0, 9)] == [1, 2]
        assert [e.seq for e in session.records.after(1, 9)] == [2]
        assert [e.seq for e in session.records.after(0, 1)] == [1]
        assert session.records.after(2, 9) == []


def test_the_usual_duration_is_the_median_of_recent_successes(store: Store) -> None:
    for ms in (900, 10, 20, 30):
        drive.enqueue(store, a_spec("a"))
        drive.finish(store, drive.claim(store), now=START + ms)
    drive.enqueue(store, a_spec("a"))
    drive.finish(store, drive.claim(store), Failed(TaskError("E", "e")), now=START + 5_000)
    with store.read() as session:
        assert session.records.median_ms("a", 3) == 20
        assert session.records.median_ms("nothing", 3) is None


def test_payloads_are_bytes_and_stay_as_they_are(store: Store) -> None:
    data = [b"", b"{}", b'{"nul":"\\u0000"}', bytes(range(256)), b"x" * (1 << 20)]
    with drive.undone(store) as session:
        first = session.payloads.put(b"first")
        numbers = session.payloads.put_many(data)
        assert len(numbers) == len(data)
        assert [session.payloads.get(n) for n in numbers] == data
        assert session.payloads.get(first) == b"first"
        assert list(session.payloads.put_many([])) == []
        session.payloads.drop((first, 99))
        with pytest.raises(StoreDamagedError):
            session.payloads.get(first)
        assert session.payloads.error(None) is None


def test_an_unreadable_error_is_damage_not_a_crash(store: Store) -> None:
    with drive.undone(store) as session:
        for data in (b"not json", b"[]", b'{"type":1}', b"\xff"):
            number = session.payloads.put(data)
            with pytest.raises(StoreDamagedError):
                session.payloads.error(number)


def test_queues_have_weights_and_a_place_in_the_stride(store: Store) -> None:
    with store.read() as session:
        assert session.queues.names() == ["critical", "high", "default", "low"]
        firsts = {share.name: share.pass_at for share in session.queues.shares()}
        assert firsts == {"critical": 10.0, "high": 100.0, "default": 1_000.0, "low": 10_000.0}, "the first is earned"
    with store.write() as session:
        session.queues.ensure("own", 5.0, 1)
        session.queues.ensure("low", 0.5, 0)
        session.queues.move([QueueShare("own", 5.0, 1, 200.0, 100.0)])
    with store.read() as session:
        shares = {share.name: share for share in session.queues.shares()}
        assert shares["own"] == QueueShare("own", 5.0, 1, 200.0, 100.0)
        assert shares["low"].weight == 0.5
        assert session.queues.names() == ["critical", "high", "own", "default", "low"]
    with store.write() as session:
        session.queues.ensure("new", 10.0, 0)
        assert {s.name: s.pass_at for s in session.queues.shares()}["new"] == 200.0, "behind the present by one pick"


@pytest.mark.parametrize(("weight", "reserve"), [(0.0, 0), (-1.0, 0), (1.0, -1)])
def test_a_queue_without_weight_is_refused(store: Store, backend: Backend, weight: float, reserve: int) -> None:
    with pytest.raises(backend.violation), store.write() as session:
        session.queues.ensure("own", weight, reserve)


def test_queues_tell_what_stands_in_them(store: Store) -> None:
    drive.enqueue(store, a_spec(), a_spec(), a_spec(queue="low"), a_spec(due_at=START + 9))
    drive.tick(store, 1)
    with store.write() as session:
        session.pauses.set("queue", "low", paused=True, now=START)
    with store.read() as session:
        rows = {row.name: row for row in session.queues.rows()}
    assert rows["default"] == QueueRow("default", 1.0, 0, False, 2, 1)
    assert rows["low"] == QueueRow("low", 0.1, 0, True, 1, 0)
    assert rows["high"] == QueueRow("high", 10.0, 0, False, 0, 0)


def test_every_event_of_the_model_can_be_told(store: Store) -> None:
    drive.enqueue(store)
    done = drive.claim(store)
    drive.finish(store, done, Succeeded({"a": 1}))
    with store.write() as session:
        for event in Event:
            session.records.add(done.task, event, (State.SUCCEEDED, "done", 1), START)
        assert len(session.records.of_task(done.task.id)) == len(Event) + 1


def test_a_reader_of_the_history_notes_how_far_it_has_come(store: Store) -> None:
    with store.write() as session:
        assert session.records.note("reader") is None
        session.records.set_note("reader", "12 7")
        session.records.set_note("reader", "13 8")
    with store.read() as session:
        assert session.records.note("reader") == "13 8"
        assert session.records.note("another") is None
