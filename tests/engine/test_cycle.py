"""Look and tick: alarms, gates once per view, slots, and claims that carry all a child needs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bgo.engine.alarms import STEP
from bgo.engine.cycle import Asker, Look, Memory, look, tick, waiting
from bgo.model.device import View
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import RetryPolicy
from bgo.model.outcome import Failed, Released, TaskError
from bgo.model.plan import Gate
from bgo.model.query import Retention, Selector
from bgo.model.state import Reason, State
from bgo.model.task import WorkerRow
from bgo.policy import gates
from bgo.policy.gates import Offer
from bgo.policy.lease import LEASE_MS
from tests.build import START, a_child, a_spec, a_view, a_wish
from tests.engine.checks import dump
from tests.engine.stories import CHARGING, claimed
from tests.engine.world import World


@pytest.fixture
def world() -> World:
    return World()


def a_look(world: World, name: str = "w1", free: int = 4) -> Look:
    worker = world.worker(name)
    before = dump(world.store.connection)
    with world.store.read() as session:
        seen = look(session, worker.asker, worker.view, worker.memory, free, world.moment)
    assert dump(world.store.connection) == before
    return seen


def test_an_empty_store_has_no_work(world: World) -> None:
    assert a_look(world) == Look(has_work=False, ready=0, next_wake=None)
    assert claimed(world) == []


def test_a_claim_carries_all_its_child_needs(world: World) -> None:
    setup = b'{"argv":["ls"],"env":{}}'
    task = world.enqueue(input=b'{"a":1}', setup=setup, wish=a_wish(limit=ConcurrencyControl(2, key="net")))
    (claim,) = world.tick()
    assert (claim.task.id, claim.input, claim.setup, claim.checkpoint) == (task, b'{"a":1}', setup, None)
    assert (claim.task.state, claim.task.run, claim.task.attempt) == (State.RUNNING, 1, 1)
    with world.store.read() as session:
        lease = session.leases.find(claim.task.seq)
    assert lease is not None
    assert (lease.worker, lease.host, lease.boot_id, lease.run) == ("w1", "here", "boot1", 1)
    assert (lease.child, lease.queue, lease.concurrency_key) == (claim.child, "default", "net")
    assert (lease.claimed_at, lease.started_at) == (START, None)
    assert lease.until_ms == world.clock.awake_ms() + LEASE_MS, "leases are awake time, never wall time"


def test_a_checkpoint_comes_back_with_the_next_run(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.checkpoint(task, world.tokens[-1][1], b'{"page":7}')
    world.checkpoint(task, world.tokens[-1][1], b'{"page":8}')
    world.finish(task, Released(Reason.SHUTDOWN))
    world.verify()
    assert [claim.checkpoint for claim in world.tick()] == [b'{"page":8}']


def test_one_task_for_each_child(world: World) -> None:
    for _ in range(5):
        world.enqueue()
    assert a_look(world, free=9).ready == 4
    claims = world.tick(children=2)
    assert len({claim.child for claim in claims}) == 2
    assert len(world.tick(children=9)) == 2, "four slots in all"
    assert a_look(world) == Look(False, 0, None)


def test_slots_are_counted_over_the_host_or_over_the_worker(world: World) -> None:
    world.worker("same", slots=4)
    world.worker("own", slots=2, own_slots=True)
    world.worker("far", slots=3, host="there")
    for _ in range(20):
        world.enqueue()
    assert [len(claimed(world, n, 9)) for n in ("w1", "same", "own", "far", "w1")] == [4, 0, 2, 3, 0]


def test_alarms_ring_in_steps(world: World) -> None:
    world.enqueue_all([a_spec(due_at=START + 1_000) for _ in range(STEP + 2)])
    assert a_look(world) == Look(False, 0, START + 1_000)
    world.clock.advance_ms(1_000)
    worker = world.worker()
    seen = []
    for _ in range(2):
        assert a_look(world, free=0).has_work
        with world.store.write() as session:
            done = tick(session, worker.asker, worker.view, worker.memory, (), lease_until=0, moment=world.moment)
            ready = sum(task.ready for task in session.tasks.select(Selector(), limit=10_000))
        seen.append((ready, bool(done.promoted), done.again, done.next_wake))
    assert seen == [(STEP, True, True, START + 1_000), (STEP + 2, True, False, None)]


def test_the_next_wake_is_the_earliest_alarm(world: World) -> None:
    for ms in (9_000, 3_000, 6_000):
        world.enqueue(delay_ms=ms)
    assert a_look(world).next_wake == START + 3_000
    world.cancel(Selector(match_all=True))
    assert a_look(world).next_wake is None


def test_a_hold_is_told_once_and_logged_once(world: World) -> None:
    world.enqueue(wish=CHARGING)
    seen = a_look(world)
    assert seen.has_work, "a new hold is written down"
    assert [hold.gate for _, _, hold in seen.holds] == [Gate.CHARGING]
    claimed(world)
    assert not a_look(world).has_work
    assert a_look(world).holds == seen.holds
    world.worker().view = a_view(True)
    assert a_look(world).ready == 1


def test_two_views_do_not_write_against_each_other(world: World) -> None:
    world.worker("w2").view = a_view(True)
    world.worker("w2").asker = Asker("w2", "here", "boot1", Offer(), slots=0)
    world.enqueue(wish=CHARGING)
    for name in ("w1", "w2"):
        claimed(world, name)
    before = dump(world.store.connection)
    for _ in range(3):
        for name in ("w1", "w2"):
            world.clock.advance_ms(2_000)
            assert not a_look(world, name).has_work
            claimed(world, name)
    assert dump(world.store.connection) == before


def test_gates_are_judged_once_per_wish_and_never_once_per_task_or_handler(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def count(*args: Any) -> Any:
        judged.append(args)
        return original(*args)

    original = gates._wish_holds
    monkeypatch.setattr(gates, "_wish_holds", count)
    world.enqueue_all([a_spec(f"h{n % 7}", name=f"n{n % 40}", wish=CHARGING) for n in range(400)])
    a_look(world)
    assert len(judged) == 1


def test_only_named_tasks_go_when_they_are_named(world: World) -> None:
    first, second, third = (world.enqueue(wish=a_wish(limit=2)) for _ in range(3))
    wanted = frozenset({world.task(second).seq, world.task(third).seq})
    worker, children = world.worker(), [a_child() for _ in range(3)]
    with world.store.read() as session:
        seen = look(session, worker.asker, worker.view, worker.memory, 3, world.moment, only=wanted)
    assert seen.ready == 2
    with world.store.write() as session:
        done = tick(
            session, worker.asker, worker.view, worker.memory, children, lease_until=9, moment=world.moment, only=wanted
        )
    assert {claim.task.id for claim in done.claims} == {second, third}
    assert world.task(first).state is State.QUEUED


def test_named_tasks_pass_every_gate_all_the_same(world: World) -> None:
    held, paused, later = world.enqueue(wish=CHARGING), world.enqueue(name="p"), world.enqueue(delay_ms=1)
    world.pause("name", "p")
    wanted = frozenset(world.task(i).seq for i in (held, paused, later))
    with world.store.write() as session:
        done = tick(
            session,
            world.worker().asker,
            View(),
            Memory(),
            [a_child()],
            lease_until=9,
            moment=world.moment,
            only=wanted,
        )
    assert done.claims == ()


def test_queues_share_by_weight_from_tick_to_tick(world: World) -> None:
    world.enqueue_all([a_spec(queue=q) for q in ("high", "default") for _ in range(44)])
    served: Counter[str] = Counter()
    for _ in range(44):
        (claim,) = world.tick(children=1)
        served[claim.task.queue] += 1
        world.finish(claim.task.id)
    assert served == {"high": 40, "default": 4}


def test_a_reserve_is_kept_free_of_long_low_work(world: World) -> None:
    world.reserve("high", 1)
    for _ in range(6):
        world.enqueue(queue="low")
    assert len(claimed(world)) == 3
    urgent = world.enqueue(queue="high")
    assert claimed(world) == [urgent]


def test_what_waits_is_counted_by_what_it_waits_for(world: World) -> None:
    busy = world.enqueue(name="one", wish=a_wish(limit=1))
    world.enqueue_all([a_spec(name="one", wish=a_wish(limit=1)) for _ in range(2)])
    world.enqueue_all([a_spec(wish=CHARGING) for _ in range(3)])
    world.enqueue_all([a_spec(name="p") for _ in range(4)])
    world.enqueue_all([a_spec("rare") for _ in range(5)])
    world.enqueue(delay_ms=7_000)
    world.pause("name", "p")
    worker = world.worker("w2", offer=Offer(handlers=frozenset({"work"})))
    assert claimed(world, "w2") == [busy]
    with world.store.read() as session:
        found = waiting(session, worker.asker, worker.view, world.now)
    assert found == (0, 1, START + 7_000, {"concurrency": 2, "charging": 3, "paused": 4, "handler": 5})


def test_a_new_lane_under_a_pause_is_counted_as_paused(world: World) -> None:
    world.pause("queue", "high")
    world.enqueue(queue="high")
    with world.store.read() as session:
        assert waiting(session, world.worker().asker, View(), world.now)[3] == {"paused": 1}


def test_failed_and_delayed_tasks_wait_apart(world: World) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 5)))
    world.tick()
    world.finish(task, Failed(TaskError("E", "")))
    world.enqueue(delay_ms=9_000)
    with world.store.read() as session:
        assert waiting(session, world.worker().asker, View(), world.now)[:3] == (1, 1, START + 5_000)


def test_a_number_is_never_given_out_again(world: World) -> None:
    task = world.enqueue()
    world.tick()
    world.finish(task)
    _, old = world.tokens[-1]
    world.prune(Retention(rows=0))
    world.enqueue()
    world.tick()
    assert world.tokens[-1][1] != old


def test_what_holds_is_told_again_when_another_worker_has_gone(world: World) -> None:
    """Two that see it otherwise do not write against each other; who is left sets right what the other wrote last."""
    task = world.enqueue(wish=CHARGING)
    unplugged, plugged = world.worker("w1"), world.worker("w2", slots=1)
    unplugged.view, plugged.view = a_view(charging=False), a_view(charging=True)
    rows = [WorkerRow(name, "here", "boot1", 1, 1, START, 1, ()) for name in ("w1", "w2")]
    with world.store.write() as session:
        for row in rows:
            session.leases.register(row)
    world.tick("w1")
    world.tick("w2", children=0)

    def held_by() -> str | None:
        return world.store.connection.execute("SELECT held_by FROM view").fetchone()[0]

    assert held_by() is None, "the other sees it open"
    assert not a_look(world).has_work
    with world.store.write() as session:
        session.leases.unregister("w2")
    assert a_look(world).has_work
    world.tick("w1")
    assert held_by() == "charging"
    assert world.task(task).state is State.QUEUED
