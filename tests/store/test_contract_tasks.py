"""The contract of every store: task rows and the compare-and-sets that move them."""

from __future__ import annotations

import pytest

from bgo.model.options import RetryPolicy, TaskTimeout
from bgo.model.outcome import Failed, Lost, Succeeded, TaskError
from bgo.model.plan import Transition
from bgo.model.query import Selector
from bgo.model.state import FINAL, Event, Reason, State
from bgo.model.task import Task
from bgo.store.port import Store
from bgo.store.rows import Place
from tests.build import START, a_spec, a_wish
from tests.store import drive
from tests.store.backends import Backend

HOUR = 3_600_000
HERE = Place(True, START, START, 1, 1)


def running(store: Store, **fields: object) -> Task:
    """Return a running task in run 1."""
    drive.enqueue(store, a_spec(**fields))
    return drive.claim(store).task


def test_a_task_comes_back_as_it_went_in(store: Store) -> None:
    wish = a_wish(limit=3, at_most_once=True)
    spec = a_spec(
        "resize", name="thumbs", queue="high", priority=7, tags=("b", "a"), input=b'{"x":[1,2]}', cwd="/tmp", wish=wish,
        setup=b'{"argv":["a"]}', due_at=START + HOUR, random_order=0.25,
    )  # fmt: skip
    drive.enqueue(store, spec)
    task = drive.get(store, spec.id)
    assert (task.name, task.handler, task.queue, task.priority) == ("thumbs", "resize", "high", 7)
    assert (task.tags, task.wish, task.cwd, task.draw) == (("b", "a"), wish, "/tmp", 0.25)
    assert (task.state, task.reason, task.ready, task.due_at) == (State.QUEUED, Reason.NEW, False, START + HOUR)
    assert (task.run, task.attempt, task.losses, task.snoozes, task.epoch) == (0, 0, 0, 0, 1)
    assert (task.started_at, task.finished_at, task.progress, task.cancel_reason) == (None, None, None, None)
    with store.read() as session:
        assert task.input_ref is not None
        assert task.setup_ref is not None
        assert session.payloads.get(task.input_ref) == b'{"x":[1,2]}'
        assert session.payloads.get(task.setup_ref) == b'{"argv":["a"]}'
        assert session.tasks.find_seq(task.seq) == task


def test_seqs_count_up_in_the_order_of_enqueueing(store: Store) -> None:
    ids = drive.enqueue(store, a_spec(), a_spec()) + drive.enqueue(store)
    assert [drive.get(store, i).seq for i in ids] == [1, 2, 3]
    with store.read() as session:
        assert session.tasks.next_seq() == 4
        assert session.tasks.newest(2) == [ids[2], ids[1]]


def test_a_seq_is_never_given_again(store: Store) -> None:
    for _ in range(2):
        drive.enqueue(store, a_spec(), a_spec())
        drive.run_all(store)
    with store.write() as session:
        session.tasks.delete([2, 3, 4])
        assert session.tasks.next_seq() == 5
    (task_id,) = drive.enqueue(store)
    assert drive.get(store, task_id).seq == 5
    drive.run_all(store)
    with store.write() as session:
        session.tasks.delete([5])
        session.tasks.delete([1])
        assert session.tasks.next_seq() == 6


def test_nothing_is_found_under_an_unknown_id(store: Store) -> None:
    with store.read() as session:
        assert session.tasks.find("0" * 12) is None
        assert session.tasks.find_seq(99) is None
        assert session.tasks.find_prefix("0", 5) == []
        assert session.tasks.newest(5) == []
        assert session.tasks.next_due() is None
        assert session.tasks.counts() == {}


def test_an_id_is_taken_once(store: Store, backend: Backend) -> None:
    (task_id,) = drive.enqueue(store)
    with pytest.raises(backend.violation):
        drive.enqueue(store, a_spec(), a_spec(id=task_id))
    assert drive.ids(store) == {task_id}


def test_a_claim_starts_a_run(store: Store) -> None:
    (task_id,) = drive.enqueue(store)
    task = drive.claim(store, now=START + 5).task
    assert task == drive.get(store, task_id)
    assert (task.state, task.reason, task.ready) == (State.RUNNING, Reason.CLAIMED, False)
    assert (task.run, task.attempt, task.started_at) == (1, 1, START + 5)


def test_only_a_ready_task_can_be_claimed(store: Store) -> None:
    late, done = drive.enqueue(store, a_spec(due_at=START + HOUR), a_spec())
    drive.run_all(store)
    task = running(store)
    with store.write() as session:
        for seq in (drive.get_seq(session, late), drive.get_seq(session, done), task.seq, 99):
            assert session.tasks.claim(seq, START) is None
    assert drive.get(store, task.id).run == 1


END = Transition(Event.SUCCEED, State.SUCCEEDED, Reason.DONE, 1, 0, 0)
AGAIN = Transition(Event.RETRY, State.RETRYING, Reason.ERROR, 1, 0, 0, START + HOUR)
LOST = Transition(Event.LOSE, State.QUEUED, Reason.LOST, 0, 2, 0)


@pytest.mark.parametrize(("to", "place"), [(END, None), (AGAIN, HERE), (LOST, HERE)])
def test_a_settle_moves_a_running_task_of_exactly_this_run_once(store: Store, to: Transition, place: Place) -> None:
    task = running(store)
    key = drive.RunKey(task.seq, task.run, "w")
    older = drive.changed(task, run=0)
    with drive.undone(store) as session:
        assert not session.tasks.settle(older, to, START, output=None, error=None, place=place)
        assert session.tasks.settle(task, to, START + 9, output=None, error=None, place=place)
        after = session.tasks.find_seq(task.seq)
        assert after is not None
        assert (after.state, after.reason, after.attempt, after.losses) == (to.state, to.reason, to.attempt, to.losses)
        assert after.finished_at == (START + 9 if to.state in FINAL else None)
        assert after.ready == (place is not None)
        assert not session.tasks.settle(task, to, START, output=None, error=None, place=place)
    drive.finish_key(store, key, Succeeded())


def test_a_settle_drops_the_cancel_that_was_asked_for(store: Store) -> None:
    task = running(store)
    drive.cancel(store, [task.id])
    assert drive.get(store, task.id).cancel_reason == Reason.USER
    drive.finish_key(store, drive.RunKey(task.seq, 1, "w"), Lost(started=True))
    after = drive.get(store, task.id)
    assert (after.state, after.cancel_reason) == (State.CANCELLED, None)


def test_a_move_is_guarded_by_state_and_run(store: Store) -> None:
    (task_id,) = drive.enqueue(store)
    task = drive.get(store, task_id)
    with store.write() as session:
        assert not session.tasks.move(drive.changed(task, run=1), State.CANCELLED, "user", START, None)
        assert not session.tasks.move(drive.changed(task, state=State.FAILED), State.CANCELLED, "user", START, None)
        assert session.tasks.move(task, State.CANCELLED, "user", START, None)
        assert not session.tasks.move(task, State.CANCELLED, "user", START, None)
        session.lanes.refresh([task.lane], START)
    after = drive.get(store, task_id)
    assert (after.state, after.ready, after.finished_at) == (State.CANCELLED, False, START)


def test_a_move_back_to_waiting_opens_a_new_epoch(store: Store) -> None:
    (task_id,) = drive.enqueue(store)
    drive.cancel(store, [task_id])
    task = drive.get(store, task_id)
    with store.write() as session:
        assert session.tasks.move(task, State.QUEUED, "user", START, Place(True, START, START + 1, 2, 3))
        session.lanes.refresh([task.lane], START)
    after = drive.get(store, task_id)
    assert (after.state, after.epoch, after.finished_at, after.due_at) == (State.QUEUED, 2, None, START + 1)
    with store.write() as session, pytest.raises(ValueError, match="place"):
        session.tasks.move(after, State.QUEUED, "user", START, None)


def test_a_new_input_replaces_the_old_one(store: Store) -> None:
    (task_id,) = drive.enqueue(store, a_spec(input=b'{"a":1}'))
    task = drive.get(store, task_id)
    with store.write() as session:
        session.tasks.set_input(task, session.payloads.put(b'{"a":2}'))
    after = drive.get(store, task_id)
    with store.read() as session:
        assert after.input_ref is not None
        assert session.payloads.get(after.input_ref) == b'{"a":2}'


def test_a_cancel_request_flags_this_run_and_keeps_its_first_reason(store: Store) -> None:
    task = running(store)
    with store.write() as session:
        assert not session.tasks.request_cancel(drive.changed(task, run=2), "tag")
        assert session.tasks.request_cancel(task, "user")
        assert session.tasks.request_cancel(task, "all")
        assert session.tasks.cancel_requests("w") == [(task.seq, 1, "user")]
        assert session.tasks.cancel_requests("other") == []
    drive.finish_key(store, drive.RunKey(task.seq, 1, "w"), Succeeded())
    with store.write() as session:
        assert not session.tasks.request_cancel(task, "user")
        assert session.tasks.cancel_requests("w") == []


def test_progress_belongs_to_a_running_run_and_forgives_losses(store: Store) -> None:
    task = running(store)
    drive.finish_key(store, drive.RunKey(task.seq, 1, "w"), Lost(started=True))
    assert drive.get(store, task.id).losses == 1
    again = drive.claim(store, now=START + HOUR).task
    with store.write() as session:
        assert not session.tasks.report(task.seq, 1, 0.5, "old")
        assert session.tasks.report(again.seq, 2, 0.5, "half")
        assert session.tasks.report(again.seq, 2, None, "still")
    after = drive.get(store, task.id)
    assert (after.progress, after.progress_message, after.losses) == (0.5, "still", 0)
    drive.finish_key(store, drive.RunKey(task.seq, 2, "w"), Lost(started=False))
    assert drive.claim(store, now=START + 2 * HOUR).task.progress is None


def test_a_checkpoint_replaces_the_one_before(store: Store) -> None:
    task = running(store)
    with store.write() as session:
        first, second, third = session.payloads.put_many([b"1", b"2", b"3"])
        assert session.tasks.checkpoint(task.seq, 1, first) is None
        assert session.tasks.checkpoint(task.seq, 1, second) == first
        assert session.tasks.checkpoint(task.seq, 7, third) == third, "a refused one is handed back to be dropped"
        session.payloads.drop((first, third))
    assert drive.get(store, task.id).checkpoint_ref == second


def test_alarms_ring_in_order_of_due_time(store: Store) -> None:
    specs = [a_spec(f"h{n}", due_at=START + n) for n in (30, 10, 20)]
    drive.enqueue(store, *specs)
    with store.write() as session:
        assert session.tasks.next_due() == START + 10
        assert session.tasks.not_due() == (0, 3)
        assert session.tasks.promote(START + 9, 99) == set()
        lanes = session.tasks.promote(START + 25, 1)
        session.lanes.refresh(lanes, START)
        assert session.tasks.next_due() == START + 20
        lanes = session.tasks.promote(START + 25, 99)
        session.lanes.refresh(lanes, START)
        assert session.tasks.next_due() == START + 30
    due = drive.get(store, specs[1].id)
    assert (due.ready, due.ready_at) == (True, START + 10)
    assert not drive.get(store, specs[0].id).ready


def test_counts_and_waits_are_told_by_state(store: Store) -> None:
    retry = a_wish(retry=RetryPolicy.exponential(max_attempts=3))
    drive.enqueue(store, a_spec("a", wish=retry), a_spec("b"), a_spec("c", due_at=START + HOUR))
    error = TaskError("ValueError", "no")
    for done in drive.tick(store, 2):
        drive.finish(store, done, Failed(error) if done.task.name == "a" else None)
    with store.read() as session:
        assert session.tasks.counts() == {State.RETRYING: 1, State.SUCCEEDED: 1, State.QUEUED: 1}
        assert session.tasks.not_due() == (1, 1)


def test_unfinished_tasks_are_told_in_groups(store: Store) -> None:
    drive.enqueue(store, a_spec("a", due_at=START - 5), a_spec("a", due_at=START - 9), a_spec("b"))
    drive.enqueue(store, a_spec("a", due_at=START + HOUR), a_spec("done"))
    with store.read() as session:
        assert sorted(session.tasks.groups()) == [(2, 2), (3, 1), (4, 1), (5, 1)]
    drive.run_all(store)
    with store.read() as session:
        assert session.tasks.groups() == [(4, 1)]


def test_waiting_tasks_that_are_alike_are_told_with_their_largest_input(store: Store) -> None:
    quick = a_wish(timeout=TaskTimeout.QUICK)
    drive.enqueue(store, a_spec("a", wish=quick), a_spec("b", input=b'{"n":1}'), a_spec("b", input=b'{"n":12345}'))
    drive.enqueue(store, a_spec("a"), a_spec("b", due_at=START + HOUR))
    with store.read() as session:
        assert session.tasks.alike(9) == [(2, 3, 11), (1, 1, None), (4, 1, None)]
        assert session.tasks.alike(1) == [(2, 3, 11)]
    drive.run_all(store)
    with store.read() as session:
        assert session.tasks.alike(9) == [(5, 1, None)]


def test_waiting_for_a_due_time_is_told_by_queue(store: Store) -> None:
    drive.enqueue(store, a_spec("later", queue="low", due_at=START + 9), a_spec("now", queue="high"))
    with store.read() as session:
        assert session.tasks.waits_in({"low", "default"})
        assert not session.tasks.waits_in({"high", "default"})


def test_what_has_ended_is_weighed(store: Store) -> None:
    drive.enqueue(store, *(a_spec("done", input=b'{"x":"%s"}' % (b"x" * 1000)) for _ in range(3)))
    drive.run_all(store)
    drive.enqueue(store, a_spec("waits", input=b'{"x":"%s"}' % (b"x" * 100_000)))
    with store.read() as session:
        count, size = session.tasks.ended_bytes()
    assert count == 3
    assert 3_000 <= size < 10_000


def test_those_ahead_are_counted_in_lane_order(store: Store) -> None:
    low, high = a_spec(priority=0), a_spec(priority=9)
    drive.enqueue(store, low, high, a_spec("other"))
    with store.read() as session:
        assert session.tasks.ahead(drive.found(session, low.id)) == 1
        assert session.tasks.ahead(drive.found(session, high.id)) == 0


def test_ended_tasks_are_listed_oldest_first(store: Store) -> None:
    drive.enqueue(store, *(a_spec(f"h{n}") for n in range(4)))
    for n, done in enumerate(drive.tick(store, 4)):
        outcome = Failed(TaskError("E", "e")) if n == 2 else Succeeded()
        drive.finish(store, done, outcome, now=START + 10 - n)
    with store.read() as session:
        ended = session.tasks.ended([State.SUCCEEDED], START + 10, 99)
        by_age = sorted((t.finished_at, t.seq) for t in session.tasks.select(Selector(), limit=9))
        assert ended == [seq for at, seq in by_age if at < START + 10 and seq != 3]
        assert session.tasks.ended([State.FAILED], START + 99, 99) == [3]
        assert session.tasks.ended([State.SUCCEEDED, State.FAILED], START + 99, 2) == [s for _, s in by_age][:2]
        assert session.tasks.ended_beyond(0, 99) == [s for _, s in by_age]
        assert session.tasks.ended_beyond(1, 99) == [s for _, s in by_age][:3]
        assert session.tasks.ended_beyond(1, 2) == [s for _, s in by_age][:2]
        assert session.tasks.ended_beyond(4, 99) == []


def test_only_ended_tasks_are_deleted_with_all_that_is_theirs(store: Store) -> None:
    done = a_spec(tags=("x",), input=b'{"a":1}', setup=b'{"argv":[]}')
    drive.enqueue(store, done)
    task = drive.claim(store)
    with store.write() as session:
        session.tasks.checkpoint(task.task.seq, 1, session.payloads.put(b"1"))
    drive.finish(store, task, Failed(TaskError("E", "e")))
    (waiting,) = drive.enqueue(store)
    with store.write() as session:
        assert session.tasks.delete([drive.get_seq(session, waiting), task.task.seq, 99]) == [done.id]
    with store.read() as session:
        assert session.tasks.find(done.id) is None
        assert session.records.of_task(done.id) == []
        assert session.tasks.select(Selector(tags=("x",)), limit=9) == []
    assert drive.ids(store) == {waiting}  # the fixture looks for orphans
