"""The tail of the history: told once, from where the last one stopped; rows that stand for many are told as such."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model.entry import entry_from
from bgo.model.outcome import Failed, TaskError
from bgo.model.query import Selector
from bgo.run import tail
from tests.engine.world import World


def every(hook: str) -> bool:
    return True


def take(world: World, limit: int = 100, wants: Any = every) -> tail.Tail:
    with world.store.write() as session:
        return tail.take(session, world.now, limit, wants)


def begin(world: World) -> None:
    with world.store.write() as session:
        tail.begin(session, world.now)


@pytest.fixture
def world() -> World:
    found = World()
    found.worker()
    return found


def finish(world: World, outcome: Any = None) -> str:
    task_id = world.enqueue()
    world.tick()
    world.start(task_id)
    world.finish(task_id, *(() if outcome is None else (outcome,)))
    return task_id


def test_each_ending_is_told_once_in_order(world: World) -> None:
    assert take(world) == tail.Tail()  # nobody has begun to listen
    finish(world)
    begin(world)
    first = finish(world)
    second = finish(world, Failed(TaskError("Oops", "no", "", ("Oops",)), retry=False))
    third = world.enqueue(delay_ms=1000)
    world.cancel(Selector(ids=(third,)))
    with world.store.read() as session:
        assert tail.waits(session)
    page = take(world, 2)
    assert [(told.hook, told.about) for told in page.told] == [("task_succeeded", first), ("task_failed", second)]
    assert page.more
    entry = entry_from(page.told[1].given["entry"])
    assert (entry.id, entry.status, entry.task_name, str(entry.error)) == (second, "failed", "work", "Oops: no")
    rest = take(world)
    assert [(told.hook, told.about) for told in rest.told] == [("task_cancelled", third)]
    assert take(world).told == ()
    with world.store.read() as session:
        assert not tail.waits(session)


def test_an_undone_commit_has_told_nothing(world: World) -> None:
    begin(world)
    task_id = finish(world)

    def fail() -> None:
        with world.store.write() as session:
            assert tail.take(session, world.now, 10, every).told
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [told.about for told in take(world).told] == [task_id]


def test_what_nobody_wants_is_passed_over(world: World) -> None:
    begin(world)
    finish(world)
    assert take(world, wants=lambda hook: hook == "task_failed").told == ()
    assert take(world).told == ()


def test_a_late_finish_is_no_ending(world: World) -> None:
    begin(world)
    task_id = world.enqueue()
    world.tick()
    world.start(task_id)
    key = world.ledger.rows[task_id]
    assert key is not None
    with world.store.write() as session:
        task = session.tasks.find(task_id)
        assert task is not None
        session.records.add(task, "late_finish", (task.state, "done", 1), world.now)
        session.records.add(task, "soft_timeout", (task.state, "", 1), world.now)
    assert take(world).told == ()


@pytest.mark.parametrize(
    ("kind", "hook", "key"),
    [("chain", "chain_finished", "chain_id"), ("batch", "batch_finished", "batch_id")],
)
def test_the_end_of_a_row_that_stands_for_many(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: Any, hook: str, key: str
) -> None:
    begin(world)
    task_id = finish(world)
    with world.store.write() as session:
        row = session.tasks.find(task_id)
        assert row is not None
        monkeypatch.setattr(type(session.tasks), "find", lambda *_: replace(row, kind=kind))
        found = tail.take(session, world.now, 10, lambda wanted: wanted == hook)
    assert found.told == (tail.Told(hook, {key: task_id, "status": "succeeded"}, task_id),)


def test_after_a_week_without_a_listener_it_begins_anew(world: World) -> None:
    begin(world)
    finish(world)
    world.clock.advance_ms(tail.STALE_MS)
    begin(world)
    assert len(take(world).told) == 1
    finish(world)
    world.clock.advance_ms(tail.STALE_MS + 1)
    begin(world)
    assert take(world).told == ()
