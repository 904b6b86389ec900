"""Edit and bump: what a waiting task may get, where it stands then, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bgo.engine.edit import Changes, bump, edit
from bgo.errors import RefusedError
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy, DedupPolicy
from bgo.model.options import RetryPolicy
from bgo.model.outcome import Failed, TaskError
from bgo.model.task import Wish
from bgo.policy.dedup import key_of
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))
HOUR = 3_600_000


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore(None)


def change(store: SqliteStore, task_id: str, *, now: int = START, **fields: Any) -> tuple[str, ...]:
    with store.write() as session:
        return edit(session, drive.found(session, task_id), Changes(**fields), now)


def jump(store: SqliteStore, *ids: str, now: int = START) -> None:
    with store.write() as session:
        for task_id in ids:
            bump(session, drive.found(session, task_id), now)


def input_of(store: SqliteStore, task_id: str) -> Any:
    with store.read() as session:
        ref = drive.found(session, task_id).input_ref
        return None if ref is None else json.loads(session.payloads.get(ref))


def order_of(store: SqliteStore, *, now: int = START, worker: str = "w") -> list[str]:
    """Return what is claimed one after another, each ended before the next."""
    found = []
    while claims := drive.tick(store, 1, now=now, worker=worker):
        found += [claim.task.id for claim in claims]
        for claim in claims:
            drive.finish(store, claim, now=now, worker=worker)
    return found


# Edit.


def test_priority_moves_it_in_its_lane(store: SqliteStore) -> None:
    first, second = a_spec(), a_spec()
    drive.enqueue(store, first, second)
    assert change(store, second.id, priority=1) == ("priority",)
    assert drive.get(store, second.id).priority == 1
    assert order_of(store) == [second.id, first.id]


def test_another_queue_is_another_lane(store: SqliteStore) -> None:
    first, second = a_spec(), a_spec(queue="low")
    drive.enqueue(store, first, second)
    before = drive.get(store, first.id)
    assert change(store, first.id, queue="high", now=START + 1_000) == ("queue",)
    after = drive.get(store, first.id)
    assert (after.queue, after.ready_at, after.waited) == ("high", START + 1_000, '{"slots": 1000}')
    assert after.lane != before.lane
    with store.read() as session:
        assert session.lanes.key(after.lane).view.queue == "high"
        assert session.lanes.ready_under(1) == 0
    assert set(order_of(store)) == {first.id, second.id}


def test_a_due_time_ahead_takes_readiness_away_and_back(store: SqliteStore) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    change(store, spec.id, due_at=START + HOUR, now=START + 5_000)
    task = drive.get(store, spec.id)
    assert (task.ready, task.ready_at, task.due_at, task.waited) == (False, None, START + HOUR, '{"slots": 5000}')
    assert order_of(store) == []
    change(store, spec.id, due_at=START, now=START + 10_000)
    task = drive.get(store, spec.id)
    assert (task.ready, task.ready_at, task.waited) == (True, START + 10_000, '{"slots": 5000}')
    assert order_of(store, now=START + 10_000) == [spec.id]


def test_a_delayed_task_keeps_its_delay_when_its_priority_changes(store: SqliteStore) -> None:
    spec = a_spec(due_at=START + HOUR)
    drive.enqueue(store, spec)
    change(store, spec.id, priority=9)
    assert not drive.get(store, spec.id).ready
    assert order_of(store, now=START + HOUR) == [spec.id]


def test_a_ready_task_stays_so_when_the_clock_was_set_back(store: SqliteStore) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    change(store, spec.id, priority=1, now=START - HOUR)
    assert drive.get(store, spec.id).ready


def test_a_retry_may_be_brought_forward(store: SqliteStore) -> None:
    spec = a_spec(wish=a_wish(retry=RetryPolicy.linear(2, 3600)))
    drive.enqueue(store, spec)
    drive.finish(store, drive.claim(store), ERROR)
    change(store, spec.id, due_at=START)
    task = drive.claim(store).task
    assert (task.id, task.attempt) == (spec.id, 2)


def test_input_replaces_and_the_old_one_is_dropped(store: SqliteStore) -> None:
    spec = a_spec(input=b'{"a":1}')
    drive.enqueue(store, spec)
    old = drive.get(store, spec.id).input_ref
    assert change(store, spec.id, input=b'{"a":2}', priority=0) == ("input",)
    assert input_of(store, spec.id) == {"a": 2}
    assert store.connection.execute("SELECT count(*) FROM payload WHERE id = ?", (old,)).fetchone() == (0,)


def test_the_history_tells_what_changed_and_nothing_when_nothing_did(store: SqliteStore) -> None:
    spec = a_spec(priority=3)
    drive.enqueue(store, spec)
    assert change(store, spec.id, priority=3, queue="default", input=b"{}") == ()
    assert change(store, spec.id, priority=4, queue="low", due_at=START + 5, input=b'{"x":1}') != ()
    with store.read() as session:
        (entry,) = session.records.of_task(spec.id)
    assert (entry.event, entry.detail) == ("edited", {"changed": ["due_at", "input", "priority", "queue"]})


def test_only_what_waits_may_be_changed(store: SqliteStore) -> None:
    running, ended = a_spec(), a_spec(priority=5)
    drive.enqueue(store, running, ended)
    drive.finish(store, drive.claim(store))
    drive.claim(store)
    for task_id, why in ((running.id, "running"), (ended.id, "succeeded")):
        with pytest.raises(RefusedError, match="cannot be edited") as caught:
            change(store, task_id, priority=1)
        assert why in caught.value.why
        with pytest.raises(RefusedError, match="cannot be bumped"):
            jump(store, task_id)


def test_what_has_expired_does_not_wait(store: SqliteStore) -> None:
    spec = a_spec(wish=Wish(start_before=START + 1_000), due_at=START + 500)
    drive.enqueue(store, spec)
    change(store, spec.id, priority=1, now=START + 999)
    with pytest.raises(RefusedError, match="cannot be edited") as caught:
        change(store, spec.id, priority=2, now=START + 1_000)
    assert caught.value.why == "it is cancelled"
    with pytest.raises(RefusedError, match="cannot be bumped"):
        jump(store, spec.id, now=START + 1_000)


def test_a_new_input_takes_the_dedup_key_of_its_own(store: SqliteStore) -> None:
    policy = DedupPolicy.by_input()
    wish = Wish(dedup=policy)
    one, two = (
        a_spec(wish=wish, input=json.dumps({"n": n}).encode(), dedup_key=key_of("work", {"n": n}, policy))
        for n in (1, 2)
    )
    drive.enqueue(store, one)
    drive.enqueue(store, two)
    with pytest.raises(RefusedError, match="cannot get this input") as caught:
        change(store, one.id, input=b'{"n": 2}')
    assert two.id in caught.value.why
    assert input_of(store, one.id) == {"n": 1}
    change(store, one.id, input=b'{"n": 3}')
    with store.read() as session:
        third, first = (session.dedup.find(key_of("work", {"n": n}, policy)) for n in (3, 1))
        assert third is not None
        assert third.task == one.id
        assert first is None
    assert drive.get(store, one.id).dedup_key == key_of("work", {"n": 3}, policy)


def test_a_head_that_leaves_lets_the_next_of_its_key_in(store: SqliteStore) -> None:
    wish = a_wish(limit=drive.limit(1, "k"))
    first = a_spec(name="a", wish=wish)
    drive.enqueue(store, first)
    running = drive.claim(store)
    second = a_spec(name="b", wish=wish)
    drive.enqueue(store, second, a_spec(name="c", wish=wish))
    assert drive.tick(store, 2) == ()
    change(store, second.id, due_at=START + HOUR)
    drive.finish(store, running)
    assert drive.claim(store).task.name == "c"


# Bump.


@pytest.mark.parametrize("strategy", [None, *ConcurrencyStrategy])
def test_a_bumped_task_goes_first_under_every_strategy(
    store: SqliteStore, strategy: ConcurrencyStrategy | None
) -> None:
    limit = None if strategy is None else ConcurrencyControl(1, strategy)
    specs = [a_spec(wish=a_wish(limit=limit), priority=p, random_order=r) for p, r in ((0, 0.9), (5, 0.1), (1, 0.5))]
    drive.enqueue(store, *specs)
    middle = order_of_copy(store)[1]
    jump(store, middle, now=START + 1_000)
    assert order_of(store, now=START + 1_000)[0] == middle


def order_of_copy(store: SqliteStore) -> list[str]:
    """Return the present order inside the one lane there is."""
    rows = store.connection.execute("SELECT id FROM task WHERE ready = 1 ORDER BY order_key, seq").fetchall()
    return [task_id for (task_id,) in rows]


@pytest.mark.parametrize("strategy", [ConcurrencyStrategy.LIFO, ConcurrencyStrategy.RANDOM])
def test_a_bumped_head_counts_against_other_lanes(store: SqliteStore, strategy: ConcurrencyStrategy) -> None:
    """The rank of such a lane is else since when it waits: not what its head was due."""
    mine = a_spec(name="late", wish=a_wish(limit=ConcurrencyControl(1, strategy)), priority=-50)
    drive.enqueue(store, a_spec(name="early"), now=START)
    drive.enqueue(store, mine, now=START + 1_000)
    jump(store, mine.id, now=START + 2_000)
    assert order_of(store, now=START + 3_000)[0] == mine.id


def test_a_bump_ends_a_delay(store: SqliteStore) -> None:
    spec = a_spec(due_at=START + HOUR)
    drive.enqueue(store, spec, a_spec())
    jump(store, spec.id)
    assert order_of(store)[0] == spec.id
    with store.read() as session:
        assert session.records.of_task(spec.id)[0].event == "bumped"


def test_the_last_bump_goes_first(store: SqliteStore) -> None:
    one, two = a_spec(name="a"), a_spec(name="b")
    drive.enqueue(store, one, two)
    jump(store, one.id, now=START + 1)
    jump(store, two.id, now=START + 2)
    assert order_of(store, now=START + 3) == [two.id, one.id]


def test_a_bumped_queue_goes_before_a_heavier_one(store: SqliteStore) -> None:
    low = a_spec(queue="low")
    drive.enqueue(store, *(a_spec(queue="critical") for _ in range(3)), low)
    jump(store, low.id)
    assert order_of(store)[0] == low.id


def test_an_edit_keeps_the_bump_unless_it_puts_the_task_off(store: SqliteStore) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    jump(store, spec.id)
    change(store, spec.id, priority=-5)
    assert drive.get(store, spec.id).bump == START
    change(store, spec.id, due_at=START + HOUR)
    assert drive.get(store, spec.id).bump == 0
