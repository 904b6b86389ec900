"""Cancel, revive, prune, rescue: what each verb answers and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.engine.cycle import tick
from bgo.engine.prune import STEP, would_prune
from bgo.engine.rescue import adopt, has_orphans
from bgo.engine.revive import revive
from bgo.errors import RefusedError
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import RetryPolicy
from bgo.model.outcome import CancelledRun, Failed, Snoozed, Succeeded, TaskError
from bgo.model.query import CancelEffect, Retention, Selector
from bgo.model.state import Reason, State
from bgo.policy.lease import Verdict
from tests.build import START, a_child, a_spec, a_wish
from tests.engine.checks import dump
from tests.engine.stories import claimed
from tests.engine.world import World

DAY = 86_400_000
ERROR = Failed(TaskError("E", "no"))


@pytest.fixture
def world() -> World:
    return World()


def failed(world: World, **fields: Any) -> str:
    task = world.enqueue(**fields)
    while world.task(task).state is not State.FAILED:
        world.tick()
        world.finish(task, ERROR)
        world.clock.advance_ms(60_000)
    return task


# Cancel.


def test_the_answer_says_prevented_stopping_or_too_late(world: World) -> None:
    done, running = world.enqueue(), world.enqueue()
    world.tick()
    world.finish(done)
    retrying = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 60)))
    world.tick()
    world.finish(retrying, ERROR)
    queued, delayed = world.enqueue(), world.enqueue(delay_ms=DAY)
    replies = world.cancel(Selector(match_all=True), Reason.ALL)
    world.verify()
    assert {reply.id: reply.effect for reply in replies} == {
        done: CancelEffect.TOO_LATE,
        running: CancelEffect.STOPPING,
        retrying: CancelEffect.PREVENTED,
        queued: CancelEffect.PREVENTED,
        delayed: CancelEffect.PREVENTED,
    }
    world.clock.advance_ms(2 * DAY)
    assert claimed(world) == []


def test_the_first_reason_stays_and_its_worker_hears_it(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.cancel(Selector(ids=(task,)), Reason.TAG)
    world.cancel(Selector(ids=(task,)), Reason.USER)
    world.verify()
    seq = world.task(task).seq
    with world.store.read() as session:
        assert session.tasks.cancel_requests("w1") == [(seq, 1, "tag")]
        assert session.tasks.cancel_requests("w2") == []
    world.finish(task, CancelledRun())
    assert world.task(task).reason == Reason.TAG


def test_if_the_run_ends_first_that_outcome_stands(world: World) -> None:
    good, bad = world.enqueue(), world.enqueue()
    world.tick()
    world.cancel(Selector(match_all=True))
    world.finish(good, Succeeded())
    world.finish(bad, ERROR)
    world.verify()
    assert [world.task(i).state for i in (good, bad)] == [State.SUCCEEDED, State.FAILED]


def test_a_cancelled_run_that_snoozes_is_over(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.cancel(Selector(ids=(task,)))
    world.finish(task, Snoozed(0))
    assert world.task(task).state is State.CANCELLED


# Revive.


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.RETRYING, State.SUCCEEDED])
def test_only_failed_and_cancelled_tasks_can_be_retried(world: World, state: State) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 60)))
    if state is not State.QUEUED:
        world.tick()
    if state is State.SUCCEEDED:
        world.finish(task)
    if state is State.RETRYING:
        world.finish(task, ERROR)
    before = dump(world.store.connection)
    with pytest.raises(RefusedError) as caught:
        world.revive(task)
    assert caught.value.exit_code == 4
    assert task in caught.value.message + caught.value.hint
    assert caught.value.why
    assert dump(world.store.connection) == before


def test_a_revived_task_lines_up_now_with_another_input(world: World) -> None:
    task = failed(world, input=b'{"a":1}', delay_ms=0)
    with world.store.write() as session:
        row = session.tasks.find(task)
        assert row is not None
        revive(session, row, world.now, session.payloads.put(b'{"a":2}'))
    found = world.task(task)
    assert (found.state, found.ready, found.due_at, found.ready_at) == (State.QUEUED, True, world.now, world.now)
    assert (found.epoch, found.attempt, found.run) == (2, 0, 1)
    worker = world.worker()
    with world.store.write() as session:
        done = tick(session, worker.asker, worker.view, worker.memory, [a_child()], lease_until=9, moment=world.moment)
    assert [claim.input for claim in done.claims] == [b'{"a":2}']
    assert len(dump(world.store.connection)["payload"]) == 2, "the new input and the old error; the old input is gone"


def test_a_revived_task_waits_behind_its_limit(world: World) -> None:
    wish = a_wish(limit=ConcurrencyControl(1, key="net"))
    task = failed(world, name="a", wish=wish)
    busy = world.enqueue(name="b", wish=wish)
    assert claimed(world) == [busy]
    world.revive(task)
    world.verify()
    assert claimed(world) == []
    world.finish(busy)
    assert claimed(world) == [task]


def test_a_task_that_never_ran_comes_back_too(world: World) -> None:
    task = world.enqueue(delay_ms=DAY)
    world.cancel(Selector(ids=(task,)))
    world.revive(task)
    assert claimed(world) == [task]


# Prune.


def test_ages_differ_for_what_failed(world: World) -> None:
    good, bad, off = world.enqueue(), failed(world), world.enqueue()
    world.tick()
    world.finish(good)
    world.cancel(Selector(ids=(off,)))
    if world.task(off).state is State.RUNNING:
        world.finish(off, CancelledRun())
    world.clock.advance_ms(31 * DAY)
    assert world.prune(Retention()) == {good, off}
    world.clock.advance_ms(60 * DAY)
    assert world.prune(Retention()) == {bad}
    world.verify()
    tables = dump(world.store.connection)
    assert all(tables[name] == [] for name in ("task", "payload", "history", "task_tag", "lease"))


def test_a_prune_takes_as_many_steps_as_it_needs(world: World) -> None:
    world.enqueue_all([a_spec(tags=("t",), input=b'{"a":1}') for _ in range(2 * STEP + 7)])
    keep = world.enqueue()
    world.cancel(Selector(tags=("t",)))
    world.clock.advance_ms(1)
    assert len(world.prune(Retention(finished_ms=0))) == 2 * STEP + 7
    world.verify()
    assert claimed(world) == [keep]


def test_a_dry_run_writes_nothing(world: World) -> None:
    failed(world)
    before = dump(world.store.connection)
    assert would_prune(world.store, Retention(rows=0), world.now) == 1
    assert would_prune(world.store, Retention(), world.now) == 0
    assert dump(world.store.connection) == before


def test_a_revived_task_is_not_pruned(world: World) -> None:
    task = failed(world)
    world.revive(task)
    world.clock.advance_ms(1_000 * DAY)
    assert world.prune(Retention(0, 0, 0)) == set()


# Rescue.


def test_a_worker_without_a_fault_is_left_alone(world: World) -> None:
    world.enqueue()
    world.tick()
    assert world.rescue("w2") == []
    with world.store.read() as session:
        assert not has_orphans(session, lambda lease: Verdict(False), "w2")
        assert has_orphans(session, lambda lease: Verdict(True), "w2")
        assert not has_orphans(session, lambda lease: Verdict(True), "w1"), "one's own runs are no orphans"


def test_a_lease_that_was_renewed_meanwhile_is_not_taken(world: World) -> None:
    world.enqueue()
    world.tick()
    with world.store.write() as session:
        (lease,) = session.leases.list_all()
        session.leases.renew("w1", lease.until_ms + 1)
        assert not session.leases.adopt(lease, "w2", 99)
        assert len(adopt(session, lambda found: Verdict(True), "w2", 99)) == 1


def test_everything_a_dead_worker_held_runs_again_and_is_explained(world: World) -> None:
    tasks = [world.enqueue() for _ in range(4)]
    world.tick()
    for task in tasks[:2]:
        world.start(task)
    world.crash("w1")
    world.worker("w2")
    assert sorted(world.rescue("w2")) == sorted(tasks)
    world.verify()
    assert sorted(claimed(world, "w2")) == sorted(tasks)
    told = [world.history(task)[0] for task in tasks]
    assert {(e.event, e.reason, e.error and e.error.type, e.attempt) for e in told} == {("lose", "lost", "Lost", 0)}
    assert ["while it ran" in (e.error.message if e.error else "") for e in told] == [True, True, False, False]


def test_twenty_losses_in_one_boot_are_enough_and_reboots_do_not_count(world: World) -> None:
    task = world.enqueue()
    for number in range(45):
        name = f"x{number}"
        world.worker(name)
        world.clock.advance_ms(301_000)
        if claimed(world, name) != [task]:
            break
        world.start(task)
        if number == 10:
            world.reboot()
        world.crash(name)
        world.rescue("w1")
        world.verify()
    assert (world.task(task).state, world.task(task).reason) == (State.FAILED, Reason.LOST)
    assert world.task(task).run == 11 + 20
    assert world.task(task).created_at == START


def test_progress_resets_the_count_of_losses(world: World) -> None:
    task = world.enqueue()
    for number in range(25):
        name = f"x{number}"
        world.worker(name)
        world.clock.advance_ms(301_000)
        assert claimed(world, name) == [task]
        world.start(task)
        if number % 10 == 9:
            world.report(task, 0.1)
        world.crash(name)
        world.rescue("w1")
    assert world.task(task).state is State.QUEUED
