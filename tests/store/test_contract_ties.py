"""The contract of every store: dedup keys, dependencies, unique ids and expiry."""

from __future__ import annotations

import pytest

from bgo.model.limits import KeyHolder, Unique
from bgo.model.outcome import Failed, TaskError
from bgo.model.state import State
from bgo.model.task import Wish
from bgo.store.port import Store
from tests.build import START, a_spec
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))


def test_a_key_is_held_by_one_task_and_tells_its_state(store: Store) -> None:
    first, second = drive.enqueue(store, a_spec(), a_spec())
    with store.write() as session:
        assert session.dedup.find("k") is None
        session.dedup.take("k", first, None)
        assert session.dedup.find("k") == KeyHolder(first, None, 0, State.QUEUED)
        assert [session.dedup.suppress("k"), session.dedup.suppress("k")] == [1, 2]
        session.dedup.take("k", second, START + 5)
        assert session.dedup.find("k") == KeyHolder(second, START + 5, 0, State.QUEUED)
        session.dedup.take("other", "0" * 12, START)
        assert session.dedup.find("other") == KeyHolder("0" * 12, START, 0, None)
        session.dedup.release(second)
        assert session.dedup.find("k") is None
        assert session.dedup.find("other") is not None


def test_keys_that_nothing_holds_are_forgotten_page_by_page(store: Store) -> None:
    waits, ends = drive.enqueue(store, a_spec(due_at=START + 9), a_spec())
    drive.run_all(store)
    with store.write() as session:
        held = {"a": (waits, None), "b": (ends, START + 6), "e": (waits, START + 6)}
        free = {"c": (ends, None), "d": (ends, START + 5), "f": (waits, START + 5), "g": ("0" * 12, None)}
        for key, (task_id, until) in {**held, **free}.items():
            session.dedup.take(key, task_id, until)
        after: str | None = ""
        pages = []
        while after is not None:
            after = session.dedup.forget(after, START + 5, 3)
            pages.append(after)
        assert pages == ["c", "f", None]
        assert {key for key in "abcdefg" if session.dedup.find(key) is not None} == set(held)


def test_a_task_can_get_another_key_and_its_entries_are_counted(store: Store) -> None:
    first, second = drive.enqueue(store, a_spec(), a_spec())
    with drive.undone(store) as session:
        task = drive.found(session, first)
        session.tasks.set_dedup_key(task, "k")
        assert drive.found(session, first).dedup_key == "k"
        for event in ("kept", "kept", "deduplicated"):
            session.records.add(task, event, (task.state, task.reason, task.attempt), START)
        assert [session.records.number(first, event) for event in ("kept", "deduplicated", "lose")] == [2, 1, 0]
        assert session.records.number(second, "kept") == 0


def test_an_upstream_has_its_blocked_waiters(store: Store) -> None:
    (first,) = drive.enqueue(store)
    second, third = drive.enqueue(store, a_spec(after=(first,)), a_spec(after=(first,)))
    with store.read() as session:
        up, seqs = drive.get_seq(session, first), [drive.get_seq(session, i) for i in (second, third)]
        assert session.links.has_waiters(up)
        assert [(task.id, kind) for task, kind in session.links.waiters(up, 9)] == [
            (second, "success"), (third, "success"),
        ]  # fmt: skip
        assert len(session.links.waiters(up, 1)) == 1
        assert [task.id for task in session.links.upstreams(seqs[0], 9)] == [first]
        assert not session.links.has_waiters(seqs[0])
    drive.cancel(store, [second])
    with store.read() as session:
        assert [task.id for task, _ in session.links.waiters(up, 9)] == [third]
        assert session.links.needs(seqs[0])


def test_a_need_that_was_met_is_forgotten(store: Store) -> None:
    first, second = drive.enqueue(store, a_spec(), a_spec())
    (third,) = drive.enqueue(store, a_spec(after=(first, second)))
    with drive.undone(store) as session:
        seqs = [drive.get_seq(session, i) for i in (first, second, third)]
        assert not session.links.meet(seqs[2], seqs[0])
        assert session.links.meet(seqs[2], seqs[1])
        assert not session.links.needs(seqs[2])


@pytest.mark.parametrize(("kind", "is_met"), [("success", False), ("end", True)])
def test_what_was_met_while_nobody_waited_can_be_found(store: Store, kind: str, is_met: bool) -> None:
    fails, succeeds, waiter = drive.enqueue(store, a_spec(), a_spec(), a_spec(due_at=START + 9))
    drive.finish(store, drive.claim(store), ERROR)
    drive.finish(store, drive.claim(store))
    with drive.undone(store) as session:
        seq = drive.get_seq(session, waiter)
        session.links.add(seq, {drive.get_seq(session, fails): kind, drive.get_seq(session, succeeds): "success"})
        assert session.links.meet_ended(seq) is is_met
        assert [task.id for task in session.links.upstreams(seq, 9)] == [fails][: not is_met]


def test_success_outweighs_an_end(store: Store) -> None:
    (first,) = drive.enqueue(store)
    (second,) = drive.enqueue(store, a_spec(after=(first,)))
    with drive.undone(store) as session:
        up, seq = drive.get_seq(session, first), drive.get_seq(session, second)
        session.links.meet(seq, up)
        for kind, kept in (("end", "end"), ("success", "success"), ("end", "success")):
            session.links.add(seq, {up: kind})
            assert [found for _, found in session.links.waiters(up, 9)] == [kept]


def test_ends_that_are_to_be_told_are_noted_once(store: Store) -> None:
    with drive.undone(store) as session:
        assert not session.links.is_pending()
        for seq in (7, 3, 7):
            session.links.put_off(seq)
        assert session.links.is_pending()
        assert (session.links.pending(1), session.links.pending(9)) == ([3], [3, 7])
        session.links.told(3)
        assert session.links.pending(9) == [7]


def test_only_a_blocked_task_is_unblocked_or_skipped(store: Store) -> None:
    (first,) = drive.enqueue(store)
    (second,) = drive.enqueue(store, a_spec(after=(first,), due_at=START + 5))
    task, blocked = drive.get(store, first), drive.get(store, second)
    with drive.undone(store) as session:
        assert not session.tasks.unblock(task, "upstream_done", START, "{}")
        assert not session.tasks.skip(task, State.FAILED, "upstream_failed", START, None)
        assert session.tasks.skip(blocked, State.FAILED, "upstream_failed", START + 1, None)
        ended = drive.found(session, second)
        assert (ended.state, ended.reason, ended.finished_at) == (State.FAILED, "upstream_failed", START + 1)
        assert not session.tasks.unblock(blocked, "upstream_done", START, "{}")
    for now, is_ready in ((START + 4, False), (START + 5, True)):
        with drive.undone(store) as session:
            assert session.tasks.unblock(blocked, "upstream_done", now, '{"upstream":4}')
            found = drive.found(session, second)
            assert (found.ready, found.ready_at, found.waited) == (
                is_ready,
                now if is_ready else None,
                '{"upstream":4}',
            )


def test_tasks_are_found_by_their_unique_id(store: Store) -> None:
    wish = Wish(unique=Unique("u"))
    (done,) = drive.enqueue(store, a_spec(wish=wish))
    drive.run_all(store)
    (waits,) = drive.enqueue(store, a_spec(wish=wish, due_at=START + 5), a_spec())[:1]
    with store.read() as session:
        assert [task.id for task in session.tasks.unfinished_as("u")] == [waits]
        newest = session.tasks.newest_as("u")
        assert newest is not None
        assert (newest.id, newest.unique_id) == (waits, "u")
        assert session.tasks.newest_as("v") is None
        assert session.tasks.unfinished_as("v") == []
    drive.cancel(store, [waits])
    with store.read() as session:
        assert session.tasks.unfinished_as("u") == []
    assert drive.get(store, done).unique_id == "u"


def test_what_waits_past_its_time_is_found_the_earliest_first(store: Store) -> None:
    late, soon, _, runs = drive.enqueue(
        store,
        a_spec(wish=Wish(start_before=START + 9)), a_spec(wish=Wish(finish_before=START + 5)),
        a_spec(due_at=START + 99), a_spec(wish=Wish(start_before=START + 4), priority=9),
    )  # fmt: skip
    assert drive.claim(store).task.id == runs
    with store.read() as session:
        assert session.tasks.next_expiry() == START + 5
        assert session.tasks.expired(START + 4, 9) == []
        assert [task.id for task in session.tasks.expired(START + 9, 9)] == [soon, late]
        assert [task.id for task in session.tasks.expired(START + 9, 1)] == [soon]
        assert session.tasks.expired_counts(START + 5) == {State.QUEUED: 1}


def test_a_task_that_goes_takes_its_ties_along(store: Store) -> None:
    (first,) = drive.enqueue(store)
    (second,) = drive.enqueue(store, a_spec(after=(first,)))
    drive.finish(store, drive.claim(store), ERROR)
    with store.write() as session:
        seqs = [drive.get_seq(session, i) for i in (first, second)]
        session.dedup.take("k", first, START + 9)
        session.links.put_off(seqs[0])
        session.tasks.delete(seqs[:1])
        assert session.dedup.find("k") is None
        assert not session.links.needs(seqs[1])
        assert not session.links.is_pending()
