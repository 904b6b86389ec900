"""Explain: every gate with its hold and its remedy, the time waited by reason, and one truth with the tick."""

from __future__ import annotations

import pytest

from bgo.engine import platform
from bgo.engine.explain import Ground, explain, holds
from bgo.model.device import View
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import ConstraintLoss, NetworkConstraint, RetryPolicy, TaskConstraints
from bgo.model.outcome import Failed, Released, TaskError
from bgo.model.plan import Gate
from bgo.model.query import Selector
from bgo.model.state import Reason
from bgo.model.views import Explanation, GateLine
from bgo.policy.gates import Offer
from tests.build import START, a_device, a_view, a_wish
from tests.engine.stories import CHARGING, claimed
from tests.engine.world import World

MINUTE = 60_000


@pytest.fixture
def world() -> World:
    return World()


def told(world: World, task_id: str, name: str = "w1", workers: int = 1) -> Explanation:
    worker, task = world.worker(name), world.task(task_id)
    with world.store.read() as session:
        view = platform.view(session, worker.view.profile, worker.view.device, world.now)
        ground = Ground(worker.asker, view, workers, world.moment)
        found = explain(session, task, ground)
        assert holds(session, task, ground) == found.holds
    return found


def line(world: World, task_id: str, gate: Gate, name: str = "w1") -> GateLine:
    (found,) = [g for g in told(world, task_id, name).gates if g.gate == gate]
    return found


def test_open_gates_are_told_too(world: World) -> None:
    found = told(world, world.enqueue())
    assert [(g.gate, g.is_open) for g in found.gates] == [
        (Gate.DUE, True), (Gate.PAUSED, True), (Gate.HANDLER, True), (Gate.SLOTS, True),
    ]  # fmt: skip
    assert (found.verdict, found.holds, found.ahead, found.waited) == ("would start now", (), 0, {})


def test_without_a_worker_that_is_the_remedy(world: World) -> None:
    assert told(world, world.enqueue(), workers=0).verdict == "would start now, but no worker runs: bgo run"


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("stop", "it has lost a constraint and is stopped once that has lasted 5 s"),
        ("finish", "it has lost a constraint and may finish without it"),
        ("cancel", "it has lost a constraint and is cancelled once that has lasted 5 s"),
    ],
)
def test_a_run_that_has_lost_a_constraint_says_what_becomes_of_it(world: World, policy: str, what: str) -> None:
    wish = a_wish(constraints=TaskConstraints(requires_charging=True, on_loss=ConstraintLoss(policy)))
    task = world.enqueue(wish=wish)
    world.worker("w1").view = a_view(True)
    world.tick()
    assert (told(world, task).verdict, told(world, task).gates) == ("running", ())
    world.worker("w1").view = a_view(False)
    found = told(world, task)
    assert found.verdict == f"running; {what}"
    assert [(g.gate, g.is_open, g.current, g.needed) for g in found.gates] == [("charging", False, "no (test)", "yes")]


def test_due(world: World) -> None:
    hold = line(world, world.enqueue(delay_ms=MINUTE), Gate.DUE).hold
    assert hold is not None
    assert (hold.until_ms, hold.holder) == (START + MINUTE, "its own delay")
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 60)))
    world.tick()
    world.finish(task, Failed(TaskError("E", "")))
    hold = line(world, task, Gate.DUE).hold
    assert hold is not None
    assert (hold.until_ms, hold.holder) == (START + MINUTE, "retry delay")


def test_what_was_due_stays_due_when_the_clock_is_set_back(world: World) -> None:
    task = world.enqueue()
    world.clock.step_wall_ms(-60 * MINUTE)
    assert line(world, task, Gate.DUE).is_open


@pytest.mark.parametrize(
    ("kind", "value", "lift"), [("name", "work", "bgo resume work"), ("queue", "high", "bgo resume --queue high")]
)
def test_paused(world: World, kind: str, value: str, lift: str) -> None:
    task = world.enqueue(queue="high")
    world.pause(kind, value)
    hold = line(world, task, Gate.PAUSED).hold
    assert hold is not None
    assert hold.lift == lift
    world.pause(kind, value, paused=False)
    assert line(world, task, Gate.PAUSED).is_open


def test_the_askers_side(world: World) -> None:
    world.worker("w2", offer=Offer(handlers=frozenset({"other"}), queues=frozenset({"high"})))
    task = world.enqueue(wish=CHARGING)
    assert world.gates(task, "w2") == [Gate.QUEUE, Gate.HANDLER, Gate.CHARGING]
    assert world.gates(task, "w1") == [Gate.CHARGING]
    assert line(world, task, Gate.CHARGING).current == "unknown (test)"
    world.worker().view = a_view(True)
    assert line(world, task, Gate.CHARGING).current == "yes (test)"
    assert world.gates(task) == []


def test_each_constraint_has_its_line_and_an_unknown_one_that_passes_says_so(world: World) -> None:
    wish = TaskConstraints(NetworkConstraint.UNMETERED, True, True, True, True)
    task = world.enqueue(wish=a_wish(constraints=wish))
    world.worker().view = View(device=a_device("network=metered battery=12 charging=no storage_low=no"))
    assert claimed(world) == []
    assert world.gates(task) == [Gate.NETWORK, Gate.BATTERY, Gate.CHARGING]
    assert line(world, task, Gate.BATTERY).current == "12 %, low (test)"
    assert line(world, task, Gate.STORAGE).current == "not low (test)"
    found = line(world, task, Gate.IDLE)
    assert (found.is_open, found.current) == (True, "unknown (not sensed); the profile host lets it pass")
    world.worker().view = View(device=a_device("network=unmetered wifi=Home battery=17 charging=yes idle=yes"))
    assert world.gates(task) == [Gate.BATTERY]
    assert line(world, task, Gate.BATTERY).current == "17 %, low until 20 % (test)"
    assert line(world, task, Gate.NETWORK).current == "unmetered, Home (test)"


def test_concurrency_is_judged_by_the_tasks_own_limit(world: World) -> None:
    narrow, wide = (a_wish(limit=ConcurrencyControl(n, key="net")) for n in (1, 2))
    busy, small, big = world.enqueue(name="a", wish=wide), world.enqueue(wish=narrow), world.enqueue(wish=wide)
    assert claimed(world, children=1) == [busy]
    hold = line(world, small, Gate.CONCURRENCY).hold
    assert hold is not None
    assert (hold.current, hold.needed) == ("1 running", "fewer than 1 under net")
    assert line(world, big, Gate.CONCURRENCY).is_open


def test_slots(world: World) -> None:
    world.worker("w2", slots=1)
    busy, task = world.enqueue(), world.enqueue()
    assert claimed(world, "w2") == [busy]
    found = line(world, task, Gate.SLOTS, "w2")
    assert (found.is_open, found.current) == (False, "1 of 1 in use")
    assert found.hold is not None
    assert found.hold.lift == "bgo run --slots 2"
    assert line(world, task, Gate.SLOTS).current == "1 of 4 in use"


def test_every_closed_gate_has_a_remedy(world: World) -> None:
    world.worker("w2", slots=0, offer=Offer(frozenset(), frozenset()))
    task = world.enqueue(
        delay_ms=MINUTE, wish=a_wish(limit=1, constraints=TaskConstraints(requires_charging=True, battery_not_low=True))
    )
    world.enqueue(wish=a_wish(limit=1))
    claimed(world)
    world.pause("name", "work")
    found = told(world, task, "w2")
    assert {h.gate for h in found.holds} == {
        Gate.DUE, Gate.PAUSED, Gate.QUEUE, Gate.HANDLER, Gate.CHARGING, Gate.BATTERY, Gate.CONCURRENCY, Gate.SLOTS,
    }  # fmt: skip
    assert all(h.current and h.needed and h.lift for h in found.holds)
    assert found.verdict.startswith("held by due, paused, ")
    assert [g["open"] for g in found.to_json()["gates"]] == [False] * 8


def test_the_place_in_line(world: World) -> None:
    tasks = [world.enqueue(priority=p) for p in (0, 5, 1)]
    assert [told(world, t).ahead for t in tasks] == [2, 0, 1]
    assert told(world, world.enqueue(delay_ms=5)).ahead is None


def test_verdicts_of_tasks_that_do_not_wait(world: World) -> None:
    task = world.enqueue()
    world.tick()
    assert (told(world, task).verdict, told(world, task).gates) == ("running", ())
    world.cancel(Selector(ids=(task,)))
    assert told(world, task).verdict == "running; a cancel was asked for"
    world.finish(task)
    assert told(world, task).verdict == "succeeded (done)"


# The time waited, by reason.


def test_a_wait_is_told_by_what_it_was_spent_on(world: World) -> None:
    """Two hours and fourteen minutes: one hour fifty for power, twenty-four minutes for room under the limit."""
    wish = a_wish(limit=ConcurrencyControl(1, key="net"), constraints=TaskConstraints(requires_charging=True))
    task = world.enqueue(wish=wish)
    claimed(world)
    world.clock.advance_ms(100 * MINUTE)
    busy = world.enqueue(name="other", wish=a_wish(limit=ConcurrencyControl(1, key="net")))
    assert claimed(world) == [busy]
    world.clock.advance_ms(10 * MINUTE)
    world.worker().view = a_view(True)
    claimed(world)
    world.clock.advance_ms(24 * MINUTE)
    assert told(world, task).waited == {"charging": 110 * MINUTE, "concurrency": 24 * MINUTE}
    world.finish(busy)
    assert claimed(world) == [task]
    assert told(world, task).waited == {"charging": 110 * MINUTE, "concurrency": 24 * MINUTE}
    world.clock.advance_ms(MINUTE)
    world.finish(task)
    assert world.history(task)[0].waited == {"charging": 110 * MINUTE, "concurrency": 24 * MINUTE}


def test_what_nobody_held_is_a_wait_for_slots(world: World) -> None:
    task = world.enqueue()
    world.clock.advance_ms(3 * MINUTE)
    assert told(world, task).waited == {"slots": 3 * MINUTE}
    world.pause("name", "work")
    world.clock.advance_ms(2 * MINUTE)
    world.pause("name", "work", paused=False)
    world.clock.advance_ms(MINUTE)
    assert told(world, task).waited == {"slots": 4 * MINUTE, "paused": 2 * MINUTE}


def test_waits_of_all_runs_add_up(world: World) -> None:
    task = world.enqueue()
    for _ in range(3):
        world.clock.advance_ms(MINUTE)
        assert claimed(world) == [task]
        world.clock.advance_ms(7 * MINUTE)
        world.finish(task, Released(Reason.SHUTDOWN))
    assert told(world, task).waited == {"slots": 3 * MINUTE}


def test_a_wait_begins_when_the_task_is_due_and_not_when_somebody_looks(world: World) -> None:
    task = world.enqueue(delay_ms=10 * MINUTE)
    world.clock.advance_ms(15 * MINUTE)
    assert claimed(world) == [task]
    assert told(world, task).waited == {"slots": 5 * MINUTE}


def test_a_pause_before_the_task_came_is_not_its_wait(world: World) -> None:
    world.pause("name", "work")
    first = world.enqueue()
    world.clock.advance_ms(60 * MINUTE)
    second = world.enqueue()
    world.clock.advance_ms(MINUTE)
    assert told(world, first).waited == {"paused": 61 * MINUTE}
    assert told(world, second).waited == {"paused": MINUTE}


@pytest.mark.parametrize("step", [-3_600_000, -1, 3_600_000])
def test_a_step_of_the_wall_clock_makes_no_wait_longer_than_the_wall(world: World, step: int) -> None:
    task = world.enqueue(wish=CHARGING)
    claimed(world)
    world.clock.advance_ms(MINUTE)
    world.clock.step_wall_ms(step)
    world.pause("name", "work")
    world.clock.advance_ms(MINUTE)
    assert sum(told(world, task).waited.values()) <= max(0, world.now - START)
    world.pause("name", "work", paused=False)
    world.worker().view = a_view(True)
    assert claimed(world) == [task]
