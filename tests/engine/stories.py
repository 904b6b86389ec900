"""Short stories with a known end, told in a `World` that checks itself after every sentence.

The examples of the engine and the planted bugs share them: a bug that no story notices would be one that nobody does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bgo.engine.edit import Changes
from bgo.engine.settle import RunKey
from bgo.model.device import View
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints
from bgo.model.outcome import Failed, Lost, Released, Succeeded, TaskError
from bgo.model.query import Retention, Selector
from bgo.model.state import Reason, State
from bgo.policy.gates import Offer
from tests.build import a_device, a_view, a_wish
from tests.engine.world import World

Story = Callable[[World], None]
STORIES: dict[str, Story] = {}
CHARGING = a_wish(constraints=TaskConstraints(requires_charging=True))
ERROR = Failed(TaskError("ValueError", "no", "", ("ValueError", "Exception")))


def story(tell: Story) -> Story:
    """Add to the stories."""
    STORIES[tell.__name__] = tell
    return tell


def claimed(world: World, name: str = "w1", children: int = 4) -> list[str]:
    """Tick, verify, and return the ids in the order in which they were claimed."""
    ids = [claim.task.id for claim in world.tick(name, children)]
    world.verify()
    return ids


@story
def a_limit_of_one_lets_one_after_the_other_run(world: World) -> None:
    a, b, c = (world.enqueue(wish=a_wish(limit=1)) for _ in range(3))
    for task in (a, b, c):
        assert claimed(world) == [task]
        world.finish(task)
        world.verify()


@story
def lanes_of_other_names_and_queues_share_a_key_each_with_its_own_limit(world: World) -> None:
    narrow, wide = (a_wish(limit=ConcurrencyControl(n, key="net")) for n in (1, 3))
    first, second = (world.enqueue("work", wish=narrow) for _ in range(2))
    others = [world.enqueue("rare", queue="high", wish=wide) for _ in range(3)]
    started = claimed(world)
    assert sorted(started) in (sorted([first, *others[:2]]), sorted(others))
    for task in started:
        world.finish(task)
        world.verify()
    rest = {first, second, *others} - set(started)
    while rest:
        for task in claimed(world):
            world.finish(task)
            rest.remove(task)
            world.verify()


@story
def a_cancelled_head_passes_its_room_on(world: World) -> None:
    wish = a_wish(limit=ConcurrencyControl(1, key="net"))
    running, head, other = (world.enqueue(name=n, wish=wish) for n in ("a", "b", "c"))
    assert claimed(world) == [running]
    world.finish(running)
    world.cancel(Selector(ids=(head,)))
    world.verify()
    assert claimed(world) == [other]


@story
def attempts_end_at_the_limit(world: World) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 5)))
    for state in (State.RETRYING, State.FAILED):
        assert claimed(world) == [task]
        world.finish(task, ERROR)
        world.verify()
        assert world.task(task).state is state
        world.clock.advance_ms(5_000)
    assert claimed(world) == []


@story
def a_word_from_an_earlier_run_changes_nothing(world: World) -> None:
    task = world.enqueue()
    claimed(world)
    _, old = world.tokens[-1]
    world.checkpoint(task, old, b'{"page":1}')
    world.finish(task, Released(Reason.SHUTDOWN))
    assert claimed(world) == [task]
    world.checkpoint(task, old, b'{"page":0}')
    world.verify()
    world.finish(task, Succeeded({"from": "the past"}), old)
    world.verify()
    world.finish(task)
    world.verify()
    world.finish(task, ERROR, old)
    world.verify()
    assert world.task(task).state is State.SUCCEEDED


@story
def a_rescued_run_is_out_of_its_old_owners_hands(world: World) -> None:
    world.worker("w2")
    task = world.enqueue()
    claimed(world)
    world.start(task)
    world.crash("w1")
    ((_, key, lost),) = world.adopt("w2")
    world.finish(task, Succeeded(), RunKey(key.seq, key.run, "w1"))
    world.verify()
    assert world.task(task).state is State.RUNNING
    world.finish(task, lost, key)
    world.verify()
    assert world.task(task).reason == Reason.LOST
    assert claimed(world, "w2") == [task]


@story
def a_cancel_that_was_asked_for_outlives_the_worker(world: World) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(3, 5)))
    claimed(world)
    world.cancel(Selector(ids=(task,)))
    world.verify()
    world.crash("w1")
    world.rescue("w2")
    world.verify()
    assert world.task(task).state is State.CANCELLED
    assert claimed(world) == []


@story
def at_most_once_means_it(world: World) -> None:
    task = world.enqueue(wish=a_wish(at_most_once=True))
    claimed(world)
    world.crash("w1")
    world.rescue("w2")
    world.verify()
    assert claimed(world) == []
    assert (world.task(task).state, world.task(task).reason) == (State.FAILED, Reason.LOST)


@story
def losses_are_free_and_wait_longer(world: World) -> None:
    task = world.enqueue()
    for wait in (0, 1_000, 5_000):
        assert claimed(world) == [task]
        world.start(task)
        world.finish(task, Lost(started=True))
        world.verify()
        assert world.task(task).attempt == 0
        world.clock.advance_ms(wait)
    assert claimed(world) == [task]


@story
def a_delay_ends_with_the_tick_that_finds_it_due(world: World) -> None:
    later, sooner = (world.enqueue(delay_ms=ms) for ms in (9_000, 4_000))
    assert claimed(world) == []
    world.clock.advance_ms(4_000)
    assert claimed(world) == [sooner]
    world.clock.advance_ms(4_999)
    assert claimed(world) == []
    world.clock.advance_ms(1)
    assert claimed(world) == [later]


@story
def priority_is_a_head_start(world: World) -> None:
    plain = world.enqueue()
    world.clock.advance_ms(30_000)
    urgent = world.enqueue(priority=1)
    world.clock.advance_ms(40_000)
    tardy = world.enqueue(priority=1)
    assert [claimed(world, children=1) for _ in range(3)] == [[urgent], [plain], [tardy]]


@story
def every_strategy_has_its_order(world: World) -> None:
    for name, strategy, order in (
        ("a", ConcurrencyStrategy.FIFO, [0, 1, 2]),
        ("b", ConcurrencyStrategy.LIFO, [2, 1, 0]),
        ("c", ConcurrencyStrategy.BY_PRIORITY, [1, 0, 2]),
        ("d", ConcurrencyStrategy.RANDOM, [2, 0, 1]),
    ):
        wish = a_wish(limit=ConcurrencyControl(1, strategy))
        ids = []
        for priority, draw in ((0, 0.5), (3, 0.9), (-1, 0.1)):
            ids.append(world.enqueue(name=name, wish=wish, priority=priority, random_order=draw))
            world.clock.advance_ms(10)
        found = []
        for _ in ids:
            found += claimed(world)
            world.finish(found[-1])
        assert found == [ids[i] for i in order]


@story
def a_pause_holds_what_is_there_and_what_comes(world: World) -> None:
    limit = a_wish(limit=1)
    there, parked = (world.enqueue(name="a", wish=limit) for _ in range(2))
    assert claimed(world) == [there]
    world.pause("name", "a")
    world.pause("queue", "high")
    coming = world.enqueue(name="a", queue="high")
    world.verify()
    world.finish(there)
    assert claimed(world) == []
    world.pause("name", "a", paused=False)
    world.verify()
    assert claimed(world) == [parked]
    world.pause("queue", "high", paused=False)
    assert claimed(world) == [coming]


@story
def what_this_worker_cannot_run_starves_nobody(world: World) -> None:
    world.worker("w2", offer=Offer(handlers=frozenset({"work"}), queues=frozenset({"default"})))
    rare, high, power = world.enqueue("rare"), world.enqueue(queue="high"), world.enqueue(wish=CHARGING)
    plain = world.enqueue()
    assert claimed(world, "w2") == [plain]
    world.worker("w2").view = a_view(True)
    assert claimed(world, "w2") == [power]
    assert sorted(claimed(world, "w1")) == sorted([rare, high])


@story
def a_battery_that_was_low_is_low_until_it_has_come_back(world: World) -> None:
    wish = a_wish(constraints=TaskConstraints(battery_not_low=True))
    for level, runs in ((16, True), (15, False), (19, False), (20, True), (16, True), (3, False), (19, False)):
        world.worker().view = View(device=a_device(f"battery={level}"))
        task = world.enqueue(wish=wish)
        assert claimed(world) == ([task] if runs else [])
        if runs:
            world.finish(task)
        else:
            world.cancel(Selector(match_all=True))
        world.crash("w1")  # every worker is a new one, as those that cron starts
        world.restart("w1")
        world.verify()


@story
def a_battery_that_gets_low_behind_another_hold_is_remembered(world: World) -> None:
    world.worker().view = View(device=a_device("network=none battery=16"))
    task = world.enqueue(wish=a_wish(constraints=TaskConstraints(NetworkConstraint.CONNECTED, battery_not_low=True)))
    assert claimed(world) == []
    for level, network in ((15, "none"), (19, "none"), (19, "metered")):
        world.worker().view = View(device=a_device(f"network={network} battery={level}"))
        assert claimed(world) == []
    world.worker().view = View(device=a_device("network=metered battery=20"))
    assert claimed(world) == [task]


@story
def what_nobody_knows_holds_network_and_power_but_not_idle_and_storage(world: World) -> None:
    def asks(**wish: Any) -> str:
        return world.enqueue(wish=a_wish(constraints=TaskConstraints(**wish)))

    free, any_net = asks(network=NetworkConstraint.UNMETERED), asks(network=NetworkConstraint.CONNECTED)
    power, battery = asks(requires_charging=True), asks(battery_not_low=True)
    idle, storage = asks(device_idle=True), asks(storage_not_low=True)
    assert sorted(claimed(world)) == sorted([idle, storage])
    world.finish(idle)
    world.finish(storage)
    world.worker().view = View(device=a_device("network=connected idle=no storage_low=yes"))
    idle, storage = asks(device_idle=True), asks(storage_not_low=True)
    assert claimed(world) == [any_net], "of unknown cost, and somebody is at it"
    world.finish(any_net)
    world.worker().view = View(device=a_device("network=unmetered charging=yes battery=80 idle=yes storage_low=no"))
    assert sorted(claimed(world, children=6)) == sorted([free, power, battery, idle])
    for task in (free, power, battery, idle):
        world.finish(task)
    assert claimed(world) == [storage]


@story
def a_hold_that_another_logged_is_lifted_even_without_a_slot(world: World) -> None:
    world.worker("w2", slots=1).view = a_view(True)
    busy = world.enqueue()
    assert claimed(world, "w2") == [busy]
    task = world.enqueue(wish=CHARGING)
    assert claimed(world, "w1") == []
    world.clock.advance_ms(5_000)
    assert claimed(world, "w2") == []
    world.clock.advance_ms(5_000)
    world.finish(busy)
    assert claimed(world, "w2") == [task]


@story
def two_holds_at_once_are_counted_once(world: World) -> None:
    task = world.enqueue(wish=CHARGING)
    assert claimed(world) == []
    world.pause("name", "work")
    world.clock.advance_ms(10_000)
    world.pause("name", "work", paused=False)
    world.worker().view = a_view(True)
    assert claimed(world) == [task]


@story
def an_ended_task_comes_back_with_a_fresh_count(world: World) -> None:
    task = world.enqueue(wish=a_wish(retry=RetryPolicy.linear(2, 0)))
    for _ in range(2):
        claimed(world)
        world.finish(task, ERROR)
        world.clock.advance_ms(1)
    assert world.task(task).state is State.FAILED
    world.revive(task)
    world.verify()
    assert claimed(world) == [task]
    assert (world.task(task).run, world.task(task).attempt) == (3, 1)


@story
def prune_takes_the_oldest_and_never_what_has_not_ended(world: World) -> None:
    world.pause("name", "held")
    world.enqueue(delay_ms=60_000)
    world.enqueue(name="held")
    done = [world.enqueue() for _ in range(3)]
    for task in done:
        claimed(world, children=1)
        world.finish(task, ERROR if task == done[0] else None)
        world.clock.advance_ms(1_000)
    assert world.prune(Retention(finished_ms=1_500, failed_ms=60_000, rows=2)) == {done[1]}
    world.verify()
    assert world.prune(Retention(rows=1)) == {done[0]}
    world.verify()
    assert world.prune(Retention(rows=0)) == {done[2]}
    world.verify()


@story
def a_word_from_a_pruned_task_reaches_nobody(world: World) -> None:
    old = world.enqueue()
    claimed(world)
    _, key = world.tokens[-1]
    world.finish(old)
    world.prune(Retention(rows=0))
    new = world.enqueue()
    assert claimed(world) == [new]
    world.checkpoint(old, key, b'{"page":1}')
    world.finish(old, Succeeded({"from": "the past"}), key)
    world.verify()
    assert world.task(new).state is State.RUNNING


@story
def a_clock_that_is_set_back_delays_nothing_that_was_due(world: World) -> None:
    released, ready = world.enqueue(), world.enqueue()
    claimed(world, children=1)
    world.clock.step_wall_ms(-3_600_000)
    world.finish(released, Released(Reason.SHUTDOWN))
    world.verify()
    assert claimed(world) == [released, ready]


@story
def a_tag_that_is_paused_holds_its_tasks_wherever_they_stand(world: World) -> None:
    again = a_wish(retry=RetryPolicy.custom(delays=[60, 60]))
    running, retrying = (world.enqueue(tags=("t",), wish=again) for _ in range(2))
    assert claimed(world) == [running, retrying]
    world.finish(retrying, Failed(TaskError("E", "no")))
    waiting, other = world.enqueue(tags=("t", "u")), world.enqueue(tags=("u",))
    world.pause("tag", "t", running=True)
    world.verify()
    coming = world.enqueue(tags=("t",))
    world.finish(running, Failed(TaskError("E", "no")))
    world.verify()
    world.clock.advance_ms(60_000)
    assert claimed(world) == [other]
    world.pause("tag", "t", paused=False)
    world.verify()
    assert set(claimed(world)) == {waiting, coming, running}


@story
def a_waiting_task_is_put_elsewhere(world: World) -> None:
    limit = a_wish(limit=ConcurrencyControl(1, ConcurrencyStrategy.LIFO))
    old, middle, new = (world.enqueue(wish=limit) for _ in range(3))
    world.clock.advance_ms(1_000)
    world.bump(old)
    world.verify()
    assert claimed(world) == [old]
    world.edit(middle, Changes(queue="high"))
    world.verify()
    world.edit(new, Changes(queue="high", due_at=world.now + 5_000, priority=1))
    world.verify()
    world.finish(old)
    assert claimed(world) == [middle]
    world.finish(middle)
    world.clock.advance_ms(5_000)
    assert claimed(world) == [new]
