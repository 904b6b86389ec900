"""Windows in the engine: work starts only inside them, the next wake is the opening, and they are judged once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo import zones
from bgo.engine import cycle
from bgo.engine.cycle import Look, look, tick
from bgo.engine.enqueue import enqueue
from bgo.engine.explain import Ground, explain
from bgo.errors import UsageError
from bgo.model.device import DeviceState, Span, View
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import TaskConstraints
from bgo.model.plan import Gate
from bgo.model.task import Wish
from bgo.model.views import Explanation
from bgo.policy import gates
from bgo.policy import window as judging
from bgo.store.sql import lanes
from tests.build import START, a_child, a_spec, a_view
from tests.engine.world import World
from tests.hours import hours, in_hours

SOON = START + 20_000
"""15:07:00 UTC, of a Sunday."""


@pytest.fixture
def world() -> Iterator[World]:
    found = World()
    yield found
    found.store.close()


def a_look(world: World, free: int = 4) -> Look:
    worker = world.worker()
    with world.store.read() as session:
        return look(session, worker.asker, worker.view, worker.memory, free, world.moment)


def explained(world: World, task_id: str) -> Explanation:
    task = world.task(task_id)
    with world.store.read() as session:
        return explain(session, task, Ground(world.worker().asker, a_view(), 1, world.moment))


def test_work_starts_at_the_opening_and_not_after_the_end(world: World) -> None:
    first, second = (world.enqueue(wish=in_hours("15:07-15:08")) for _ in range(2))
    assert world.tick() == []
    assert a_look(world).next_wake == SOON
    world.clock.jump_to_ms(SOON - 1)
    assert (world.tick(), a_look(world).has_work) == ([], False)
    world.clock.jump_to_ms(SOON)
    assert a_look(world).ready == 2
    (claim,) = world.tick(children=1)
    assert claim.task.id == first
    world.clock.advance_ms(60_000)
    assert world.tick() == []
    assert a_look(world).next_wake == SOON + 86_400_000
    world.clock.jump_to_ms(SOON + 86_400_000)
    assert [claim.task.id for claim in world.tick()] == [second]


def test_a_tick_names_the_opening_too(world: World) -> None:
    world.enqueue(wish=in_hours("16:00-17:00"))
    world.enqueue(wish=in_hours("15:07-15:08@1"))
    worker = world.worker()
    with world.store.write() as session:
        done = tick(session, worker.asker, a_view(), worker.memory, [a_child()], lease_until=9, moment=world.moment)
    opening = START + 53 * 60_000 + 20_000
    assert (done.claims, done.next_wake, done.opens_at) == ((), opening, opening)


def test_an_alarm_before_the_opening_comes_first(world: World) -> None:
    world.enqueue(wish=in_hours("15:07-15:08"))
    world.enqueue(delay_ms=5_000)
    assert a_look(world).next_wake == START + 5_000


def test_what_a_window_holds_needs_no_asking_but_a_device_does(world: World) -> None:
    world.enqueue(wish=in_hours("15:07-15:08"))
    assert not a_look(world).must_ask
    world.enqueue(handler="other", wish=in_hours("15:07-15:08"))
    world.worker().asker = cycle.Asker("w1", "here", "boot1", gates.Offer(frozenset({"work"})), 4)
    assert a_look(world).must_ask


def test_what_nobody_touches_wakes_by_itself_and_is_asked_for_all_the_same(world: World) -> None:
    world.enqueue(wish=Wish(constraints=TaskConstraints(unused_for=600)))
    world.worker().view = View(device=DeviceState(unused=Span(60_000, "test", at_ms=START)))
    found = a_look(world)
    assert (found.next_wake, found.must_ask) == (START + 540_000, True), "a script may say so before"
    world.clock.jump_to_ms(START + 539_999)
    assert world.tick() == []
    world.clock.jump_to_ms(START + 540_000)
    assert len(world.tick()) == 1


def test_a_wait_tells_of_the_window(world: World) -> None:
    task_id = world.enqueue(wish=in_hours("15:07-15:08"))
    world.tick()
    world.clock.jump_to_ms(SOON)
    world.tick()
    assert explained(world, task_id).waited == {Gate.WINDOW: 20_000}


def test_explain_says_when_it_opens_and_what_to_do(world: World) -> None:
    task_id = world.enqueue(wish=in_hours("15:07-15:08@6,7 UTC"))
    (line,) = [one for one in world.explain_all(world.worker())[task_id].gates if one.gate is Gate.WINDOW]
    assert line.hold is not None
    assert (line.current, line.needed) == ("outside 15:07-15:08 sat,sun (UTC)", "a time in 15:07-15:08 sat,sun")
    assert (line.hold.until_ms, "bgo run --watch" in line.hold.lift) == (SOON, True)
    world.clock.jump_to_ms(SOON)
    (line,) = [one for one in world.explain_all(world.worker())[task_id].gates if one.gate is Gate.WINDOW]
    assert (line.is_open, line.current) == (True, "inside 15:07-15:08 sat,sun (UTC)")


def test_ten_thousand_lanes_of_one_window_are_judged_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []
    original = judging.opens_at

    def counted(*args: object) -> object:
        judged.append(1)
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "opens_at", counted)
    wish = hours("15:07-15:08")
    specs = [
        a_spec(name=f"n{n}", wish=Wish(window=wish, concurrency=ConcurrencyControl(1, key=f"k{n}")))
        for n in range(10_000)
    ]
    with world.store.write() as session:
        enqueue(session, specs, START)
    assert a_look(world).ready == 0
    assert len(judged) == 1


def test_a_window_is_read_by_its_own_zone(world: World) -> None:
    here, there = (world.enqueue(wish=in_hours(f"15:00-16:00 {name}")) for name in ("UTC", "Europe/Berlin"))
    assert [claim.task.id for claim in world.tick()] == [here]
    assert a_look(world).next_wake == START + 86_400_000 - 2 * 3_600_000 - 400_000
    assert world.task(there).wish.window == hours("15:00-16:00 Europe/Berlin")


def test_a_lane_keeps_its_window_in_another_queue_and_under_a_pause(world: World) -> None:
    task_id = world.enqueue(wish=in_hours("15:07-15:08"), tags=("t",))
    world.pause("tag", "t")
    world.pause("tag", "t", paused=False)
    lane = world.task(task_id).lane
    with world.store.read() as session:
        key = session.lanes.key(lane)
    assert (key.view.window, key.view.zone) == (hours("15:07-15:08"), zones.zone("UTC"))
    assert world.tick() == []


def test_a_zone_that_is_not_here_holds_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = world.enqueue(wish=in_hours("00:00-24:00 Europe/Berlin"))

    def gone(name: str) -> None:
        raise UsageError(f"no {name}")

    lanes._view_key.cache_clear()
    lanes._lane_key.cache_clear()
    monkeypatch.setattr(zones, "zone", gone)
    try:
        found = explained(world, task_id)
    finally:
        lanes._view_key.cache_clear()
        lanes._lane_key.cache_clear()
    (line,) = [one for one in found.gates if one.gate is Gate.WINDOW]
    assert line.hold is not None
    assert line.current == "this computer has no time zone Europe/Berlin"
    assert (line.hold.until_ms, "tzdata" in line.hold.lift) == (None, True)
