"""Settle in the store: what an ended run leaves behind, and that no outcome can stop it."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.engine.cycle import tick
from bgo.engine.settle import KINDS_LIMIT, LateFinish, RunKey, Settled, settle
from bgo.model.options import RetryPolicy
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Outcome,
    Rejected,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
    TimedOut,
)
from bgo.model.query import Retention, Selector
from bgo.model.state import Event, State
from bgo.model.task import ERROR_LIMIT, HistoryEntry
from bgo.model.views import TaskView
from tests.build import START, a_child, a_wish
from tests.engine.checks import check_all
from tests.engine.world import World

ERROR = TaskError("ValueError", "no such page", "line 1\nline 2", ("ValueError", "Exception"))


@pytest.fixture
def world() -> World:
    return World()


def ended(world: World, outcome: Outcome, **fields: Any) -> tuple[str, TaskView, HistoryEntry]:
    """Run one task to this outcome; return its id, how it shows, and its last entry."""
    task = world.enqueue(**fields)
    world.clock.advance_ms(100)
    world.tick()
    world.clock.advance_ms(10)
    world.start(task)
    world.clock.advance_ms(2_000)
    world.finish(task, outcome)
    world.verify()
    return task, world.view(task), world.history(task)[-1]


def test_a_success_leaves_its_output_and_its_times(world: World) -> None:
    _, view, entry = ended(world, Succeeded({"pages": [1, 2], "size": 3.5}))
    assert view.output == {"pages": [1, 2], "size": 3.5}
    assert (view.error, view.is_final, view.task.finished_at) == (None, True, START + 2_110)
    assert (entry.event, entry.run, entry.attempt, entry.state, entry.reason) == ("succeed", 1, 1, "succeeded", "done")
    assert (entry.started_at, entry.finished_at, entry.duration_ms) == (START + 110, START + 2_110, 2_000)
    assert (entry.worker, entry.waited) == ("w1", {"slots": 100})


def test_no_output_is_none_and_an_empty_one_is_empty(world: World) -> None:
    assert ended(world, Succeeded())[1].output is None
    assert ended(world, Succeeded({}))[1].output == {}


@pytest.mark.parametrize(
    ("outcome", "type_"),
    [
        (Failed(ERROR), "ValueError"),
        (Rejected(ERROR), "ValueError"),
        (TimedOut(60_000), "HardTimeout"),
        (Crashed(signal=9), "Crash"),
        (RetryAsked(None, ERROR), "ValueError"),
    ],
)
def test_an_error_stands_on_the_task_and_in_its_history(world: World, outcome: Outcome, type_: str) -> None:
    _, view, entry = ended(world, outcome)
    assert view.error is not None
    assert view.error.type == type_
    assert entry.error == view.error
    assert view.output is None


def test_a_success_after_failures_clears_the_error_and_keeps_the_history(world: World) -> None:
    task, _, _ = ended(world, Failed(ERROR), wish=a_wish(retry=RetryPolicy.linear(3, 1)))
    world.clock.advance_ms(1_000)
    world.tick()
    world.finish(task, Succeeded({"n": 1}))
    world.verify()
    assert world.view(task).error is None
    found = [(e.run, e.attempt, e.event, e.error and e.error.type) for e in world.history(task)]
    assert found == [(1, 1, "retry", "ValueError"), (2, 2, "succeed", None)]


def test_long_errors_keep_their_end(world: World) -> None:
    long = TaskError("E" * 9_999, "m" * 99_999, "begin" + "t" * 99_999 + "end", ("K" * 9_999,) * 9_999)
    _, view, _ = ended(world, Failed(long))
    assert view.error is not None
    assert view.error.trace.endswith("end")
    assert not view.error.trace.startswith("begin")
    assert sum(len(t) for t in (view.error.type, view.error.message, view.error.trace)) < ERROR_LIMIT + 300
    assert len(view.error.kinds) == KINDS_LIMIT
    assert max(len(kind) for kind in view.error.kinds) < 300


@pytest.mark.parametrize(
    "output", [{"n": float("nan")}, {"a": {1, 2}}, {"s": "\ud800"}, {1: 2}, {"o": object()}, {"n": 10**5_000}]
)
def test_an_output_that_is_no_json_fails_once(world: World, output: Any) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(3, 1)))
    world.tick()
    with world.store.write() as session:
        settle(session, RunKey(world.ledger.rows[task].seq, 1, "w1"), Succeeded(output), world.moment, world.rng)
    view = world.view(task)
    assert (view.task.state, view.output) == (State.FAILED, None)
    assert view.error is not None
    assert view.error.type == "UndecodableResult"
    check_all(world.store.connection)


def test_hostile_texts_are_kept_harmless(world: World) -> None:
    hostile = TaskError("\ud800", "a\udfff\x00b", "\x1b[31m\ud83d", ("\udc00",))
    _, view, _ = ended(world, Failed(hostile))
    assert view.error == TaskError("?", "a?\x00b", "\x1b[31m?", ("?",))


def test_a_run_that_began_since_the_last_commit_is_told_with_its_start(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.clock.advance_ms(500)
    row = world.task(task)
    with world.store.write() as session:
        settle(
            session,
            RunKey(row.seq, 1, "w1"),
            Succeeded(),
            world.moment,
            world.rng,
            started=world.moment._replace(now_ms=START + 200),
        )
        (entry,) = session.records.of_task(task)
    assert (entry.started_at, entry.duration_ms) == (START + 200, 300)


def test_a_wall_clock_set_back_makes_no_negative_durations(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.clock.step_wall_ms(-60_000)
    world.finish(task)
    world.verify()
    assert world.history(task)[0].duration_ms == 0


def test_what_comes_too_late_is_told_and_changes_nothing(world: World) -> None:
    task, before, _ = ended(world, Succeeded({"n": 1}))
    found = world.finish(task, Failed(ERROR), world.tokens[0][1])
    assert isinstance(found, LateFinish)
    assert world.view(task) == before
    entry = world.history(task)[-1]
    assert (entry.event, entry.state, entry.detail) == ("late_finish", "succeeded", {"run": 1, "outcome": "Failed"})


def test_the_end_of_a_pruned_task_is_nobodys(world: World) -> None:
    task, _, _ = ended(world, Succeeded())
    world.prune(Retention(rows=0))
    assert world.finish(task, Succeeded(), world.tokens[0][1]) == LateFinish(None)
    world.verify()


def test_settled_tells_what_was_and_what_is(world: World) -> None:
    task = world.enqueue()
    world.tick()
    found = world.finish(task, CancelledRun())
    assert isinstance(found, Settled)
    assert (found.task.state, found.to.event, found.to.state) == (State.RUNNING, Event.CANCEL, State.CANCELLED)


def test_a_thousand_snoozes_in_a_row_are_enough(world: World) -> None:
    task, worker, snoozes = world.enqueue(), world.worker(), 0
    while world.task(task).state is State.QUEUED:
        with world.store.write() as session:
            (claim,) = tick(
                session, worker.asker, worker.view, worker.memory, [a_child()], lease_until=9, moment=world.moment
            ).claims
            assert claim.task.attempt == 1
            key = RunKey(claim.task.seq, claim.task.run, "w1")
            settle(session, key, Snoozed(0), world.moment, world.rng)
        snoozes += 1
    assert (snoozes, world.task(task).state) == (1_001, State.FAILED)
    check_all(world.store.connection)


def test_one_refused_settle_does_not_undo_its_neighbours(world: World) -> None:
    good, bad = world.enqueue(), world.enqueue()
    world.tick()
    with world.store.write() as session:
        for task_id in (good, bad):
            row = session.tasks.find(task_id)
            assert row is not None
            try:
                with session.savepoint():
                    settle(session, RunKey(row.seq, 1, "w1"), Succeeded({"n": 1}), world.moment, world.rng)
                    if task_id == bad:
                        raise KeyError
            except KeyError:
                pass
    assert [world.task(i).state for i in (good, bad)] == [State.SUCCEEDED, State.RUNNING]
    with world.store.read() as session:
        assert len(session.tasks.select(Selector(states=(State.RUNNING,)), limit=9)) == 1
