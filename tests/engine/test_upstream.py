"""After: tasks wait for the success of others, and share their lot; whatever they wait for, they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bgo.engine import upstream, wave
from bgo.engine.explain import Ground, explain
from bgo.engine.prune import prune
from bgo.errors import NotFoundError
from bgo.model.query import Retention, Selector
from bgo.model.state import State
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_moment, a_spec, a_view
from tests.engine.tied import ERROR, STOPPED, after, by, cancel, put, put_one, revive, run, stands, told
from tests.store import drive

NOTHING = Retention(finished_ms=0, failed_ms=0)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    yield opened
    assert check(opened) == []


def count(store: SqliteStore, state: State) -> int:
    with store.read() as session:
        return session.tasks.counts().get(state, 0)


def work_off(store: SqliteStore, now: int = START) -> bool:
    with store.write() as session:
        return upstream.work_off(session, now)


def test_a_task_waits_until_all_others_have_succeeded(store: SqliteStore) -> None:
    first, second = put(store, a_spec(), a_spec(id="9" * 12))
    made = put_one(store, after(first.id, "9999", first.id))
    assert (made.state, made.outcome) == (State.BLOCKED, "new")
    run(store)
    assert stands(store, made.id) == ["blocked new"]
    run(store, now=START + 70)
    assert stands(store, made.id) == ["queued upstream_done"]
    assert run(store, now=START + 100) == made.id
    entries = told(store, made.id)
    assert [(e.event, e.reason) for e in entries] == [("unblock", "upstream_done"), ("succeed", "done")]
    assert entries[0].detail == {"upstream": second.id}
    assert entries[1].waited == {"upstream": 70, "slots": 30}


def test_what_has_succeeded_is_not_waited_for(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    run(store)
    assert put_one(store, after(first.id)).state is State.QUEUED


def test_a_task_of_the_same_call_can_be_waited_for(store: SqliteStore) -> None:
    first = a_spec()
    found = put(store, first, after(first.id), after("@last"))
    assert [made.state for made in found] == [State.QUEUED, State.BLOCKED, State.BLOCKED]
    assert [run(store) for _ in found] == [made.id for made in found]


def test_an_unknown_upstream_is_refused_with_the_whole_call(store: SqliteStore) -> None:
    with pytest.raises(NotFoundError):
        put(store, a_spec(), after("0123456789ab"))
    assert drive.ids(store) == set()


def test_a_delay_counts_from_the_enqueue(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    late, later = put(store, after(first.id, due_at=START + 50), after(first.id, due_at=START + 200))
    run(store, now=START + 100)
    tasks = [drive.get(store, i) for i in (late.id, later.id)]
    assert [(t.ready, t.ready_at) for t in tasks] == [(True, START + 100), (False, None)]
    assert [json.loads(t.waited) for t in tasks] == [{"upstream": 100}] * 2


@pytest.mark.parametrize(("outcome", "how"), [(ERROR, "failed"), (STOPPED, "cancelled")])
def test_it_makes_no_difference_which_comes_first(store: SqliteStore, outcome: object, how: str) -> None:
    first = put_one(store, a_spec())
    before = put_one(store, after(first.id))
    run(store, outcome)  # type: ignore[arg-type]
    behind = put_one(store, after(first.id))
    assert stands(store, before.id, behind.id) == [f"{how} upstream_{how}"] * 2
    entries = [told(store, made.id)[-1] for made in (before, behind)]
    assert [e.detail for e in entries] == [{"upstream": first.id}] * 2
    assert [None if e.error is None else e.error.type for e in entries] == [
        "UpstreamFailed" if how == "failed" else None
    ] * 2
    assert (drive.get(store, behind.id).finished_at, behind.state) == (START, State(how))


def test_of_several_that_were_not_done_the_first_decides(store: SqliteStore) -> None:
    first, second = put(store, a_spec(), a_spec())
    cancel(store, second.id, now=START + 1)
    run(store, ERROR, now=START + 2)
    assert stands(store, put_one(store, after(first.id, second.id)).id) == ["cancelled upstream_cancelled"]


def test_an_end_goes_down_the_whole_line(store: SqliteStore) -> None:
    specs = [a_spec()]
    for _ in range(5):
        specs.append(after(specs[-1].id))
    put(store, *specs)
    run(store, ERROR)
    assert count(store, State.FAILED) == 6


def test_a_cancel_goes_down_the_line_and_says_whom_it_met(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    third = put_one(store, after(second.id))
    cancel(store, first.id, second.id)
    assert stands(store, first.id, second.id, third.id) == ["cancelled user"] * 2 + ["cancelled upstream_cancelled"]


def test_a_waiting_task_can_be_called_off(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    cancel(store, second.id)
    run(store)
    assert stands(store, second.id) == ["cancelled user"]


def test_many_waiters_are_told_in_steps(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave, "STEP", 10)
    first = put_one(store, a_spec())
    put(store, *(after(first.id) for _ in range(35)))
    run(store)
    assert count(store, State.BLOCKED) == 25
    assert check(store) == []
    assert [work_off(store) for _ in range(3)] == [True, True, False]
    assert count(store, State.QUEUED) == 35
    assert not work_off(store)


def test_a_failure_spreads_in_steps(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave, "STEP", 10)
    first = put_one(store, a_spec())
    for made in put(store, *(after(first.id) for _ in range(12))):
        put(store, after(made.id), after(made.id))
    run(store, ERROR)
    assert count(store, State.BLOCKED) == 26
    assert check(store) == []
    steps = 0
    while work_off(store):
        steps += 1
    assert (steps, count(store, State.FAILED)) == (2, 37)


def test_a_tick_tells_the_rest(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave, "STEP", 10)
    first = put_one(store, a_spec())
    put(store, *(after(first.id) for _ in range(35)))
    run(store)
    for _ in range(3):
        drive.tick(store, 0)
    assert count(store, State.QUEUED) == 35


def test_an_upstream_revived_before_all_were_told_is_waited_for_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wave, "STEP", 10)
    first = put_one(store, a_spec())
    put(store, *(after(first.id) for _ in range(15)))
    run(store, ERROR)
    revive(store, first.id)
    assert not work_off(store)
    assert count(store, State.BLOCKED) == 5
    run(store)
    assert count(store, State.QUEUED) == 5


def test_a_revived_task_waits_for_the_revival_of_its_upstream(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    run(store, ERROR)
    task = revive(store, second.id, now=START + 5)
    assert (task.state, task.reason, task.ready_at, task.epoch) == (State.BLOCKED, "user", START + 5, 2)
    assert told(store, second.id)[-1].event == "revive_blocked"
    revive(store, first.id, now=START + 6)
    run(store, now=START + 7)
    assert run(store, now=START + 8) == second.id


def test_a_revived_task_fails_with_its_upstream_again(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    run(store, ERROR)
    revive(store, second.id)
    revive(store, first.id)
    run(store, ERROR)
    assert stands(store, second.id) == ["failed upstream_failed"]


def test_a_revived_task_whose_upstream_succeeded_meanwhile_is_queued(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    cancel(store, second.id)
    run(store)
    assert revive(store, second.id).state is State.QUEUED


def test_a_task_born_failed_can_be_revived_like_any_other(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    run(store, ERROR)
    second = put_one(store, after(first.id))
    assert revive(store, second.id).state is State.BLOCKED
    revive(store, first.id)
    assert [run(store), run(store)] == [first.id, second.id]


def test_pruned_tasks_leave_no_ties_and_nobody_waiting(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    third = put_one(store, after(second.id))
    run(store, ERROR)
    revive(store, second.id, now=START)
    list(prune(store, Retention(finished_ms=0, failed_ms=0), START + 1))
    assert drive.ids(store) <= {second.id}
    assert third.id not in drive.ids(store)
    list(prune(store, NOTHING, START + 10))
    assert drive.ids(store) == set()
    assert store.connection.execute("SELECT count(*) FROM dependency").fetchone() == (0,)


def test_prune_tells_many_waiters_in_steps(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave, "STEP", 10)
    first = put_one(store, a_spec())
    put(store, *(after(first.id) for _ in range(25)))
    run(store)
    list(prune(store, NOTHING, START + 1))
    assert first.id not in drive.ids(store)
    assert count(store, State.QUEUED) == 25


def test_a_task_whose_upstream_was_pruned_can_be_revived(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    second = put_one(store, after(first.id))
    run(store, ERROR)
    with store.write() as session:
        session.tasks.delete([drive.get_seq(session, first.id)])
    assert revive(store, second.id).state is State.QUEUED


def test_explain_names_what_is_waited_for(store: SqliteStore) -> None:
    first = put_one(store, a_spec("fetch"))
    second = put_one(store, after(first.id))
    with store.read() as session:
        ground = Ground(drive.an_asker(), a_view(), 1, a_moment(START + 40))
        found = explain(session, drive.found(session, second.id), ground)
    assert found.verdict == f"waits for {first.id}"
    (hold,) = found.holds
    assert (hold.gate, hold.current, hold.lift) == ("upstream", f"{first.id} is queued", f"bgo explain {first.id}")
    assert found.waited == {"upstream": 40}


def test_an_expired_waiter_expires_whatever_its_upstream_does(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    spec = by(start_before=START + 10, after=(first.id,))
    second = put_one(store, spec)
    run(store, ERROR, now=START + 20)
    assert stands(store, second.id) == ["cancelled expired"]
    assert drive.get(store, second.id).finished_at == START + 10


def test_a_waiter_is_never_claimed_before_its_turn(store: SqliteStore) -> None:
    first = put_one(store, a_spec(priority=-100))
    put(store, *(after(first.id, priority=100) for _ in range(3)))
    with store.read() as session:
        assert len(session.tasks.select(Selector(states=(State.BLOCKED,)), limit=9)) == 3
    assert [claim.task.id for claim in drive.tick(store, 4)] == [first.id]
