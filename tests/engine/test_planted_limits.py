"""Planted bugs of limits and ties: one changed line each, a story, and the check of `proof.py` that must notice it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bgo.engine.edit import Changes
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy, DedupPolicy, RateLimit, Unique
from bgo.model.outcome import Failed, TaskError
from bgo.model.task import TaskSpec, Wish
from bgo.policy import window
from tests.build import START, a_spec
from tests.engine.checks import BrokenError
from tests.engine.limited import Limited, small_steps
from tests.engine.test_planted import plant
from tests.hours import in_hours

RATE = Wish(rate=RateLimit(1, 60, "api"))
FAILED = Failed(TaskError("E", "no"), retry=False)


def begin_all(world: Limited) -> None:
    for run in world.proof.live():
        if run.began is None:
            world.begin(run)


def run_one(world: Limited, outcome: Failed | None = None) -> None:
    world.tick(children=1)
    begin_all(world)
    for run in world.proof.live():
        world.finish(run, outcome)


def a_lost_start(world: Limited) -> None:
    world.enqueue(a_spec(wish=RATE), a_spec(wish=RATE))
    world.tick()
    begin_all(world)
    world.die("w1")
    world.rescue()
    world.wait(5_000)
    world.tick()
    begin_all(world)


def a_set_clock(world: Limited) -> None:
    world.enqueue(a_spec(wish=RATE), a_spec(wish=RATE))
    run_one(world)
    world.step_wall(3_600_000)
    run_one(world)


def a_rate_that_slides(world: Limited) -> None:
    world.enqueue(*(a_spec(wish=RATE) for _ in range(3)))
    run_one(world)
    world.tick()


def a_late_task(world: Limited) -> None:
    world.enqueue(a_spec(wish=Wish(start_before=START + 10)))
    world.wait(11)
    world.tick()


def a_waiter(world: Limited) -> None:
    first = a_spec()
    world.enqueue(first, a_spec(after=(first.id,)))
    world.tick()


def once() -> TaskSpec:
    return a_spec(dedup_key="k", wish=Wish(dedup=DedupPolicy(None, 60_000)))


def a_failed_twin(world: Limited) -> None:
    world.enqueue(once())
    run_one(world, FAILED)
    world.enqueue(once())


def a_revived_twin(world: Limited) -> None:
    old = once()
    world.enqueue(old)
    world.cancel(old.id)
    world.enqueue(once())
    world.revive(old.id)


def two_lanes_of_one_key(world: Limited) -> None:
    wish = Wish(concurrency=ConcurrencyControl(1, ConcurrencyStrategy.LIFO, "net"))
    world.enqueue(a_spec(name="old", wish=wish), a_spec(name="new", wish=wish))
    world.tick(children=1)


def a_kept_id(world: Limited) -> None:
    for _ in range(2):
        world.enqueue(a_spec(wish=Wish(unique=Unique("solo"))))


def begins_and_ends(text: str) -> Callable[[Limited], None]:
    """Return a story of a task in these hours: seen at once, twenty seconds later (15:07), and in the end."""

    def story(world: Limited) -> None:
        world.enqueue(a_spec(wish=in_hours(text)))
        world.tick(children=0)
        world.wait(20_000)
        world.tick()

    return story


def in_a_closed_window(text: str) -> Callable[[Limited], None]:
    """Return a story of a task in hours that are not now."""

    def story(world: Limited) -> None:
        world.enqueue(a_spec(wish=in_hours(text)))
        world.tick()

    return story


def in_another_queue(world: Limited) -> None:
    spec = a_spec(wish=in_hours("15:07-15:08"))
    world.enqueue(spec)
    world.edit(spec.id, Changes(queue="high"))
    world.tick()


Story = Callable[[Limited], None]
BUGS: dict[str, tuple[Story, tuple[tuple[str, str, str], ...], str]] = {
    "a lost run is not counted as a start": (
        a_lost_start,
        (("bgo.engine.settle:_count_start", "not isinstance(outcome, Lost)", "True"),),
        "starts in any window stay in the starter's limit",
    ),
    "the wall clock decides within a boot": (
        a_set_clock,
        (("bgo.policy.rate:elapsed_ms", "start.boot_id == now.boot_id", "False"),),
        "starts in any window stay in the starter's limit",
    ),
    "a lane parked before its rate is not woken": (
        a_rate_that_slides,
        (("bgo.engine.alarms:ring", "session.lanes.open_rate(key, moment)", "pass"),),
        "waiting comes to an end",
    ),
    "an expired task may start": (
        a_late_task,
        (
            ("bgo.engine.alarms:ring", "expire.expire(session, now, STEP)", "pass"),
            ("bgo.store.sql.tasks:CLAIM", "(expires_at IS NULL OR expires_at > ?1)", "?1"),
        ),
        "what has expired never starts",
    ),
    "a waiter is let in at once": (
        a_waiter,
        (("bgo.engine.ties:admit", "State.BLOCKED if needs", "State.QUEUED if needs"),),
        "nothing starts before what it comes after has succeeded",
    ),
    "a waiter is not told of the end": (
        a_waiter,
        (("bgo.engine.settle:settle", "upstream.ended(session, task, to.state, now)", "pass"),),
        "nothing is forgotten",
    ),
    "a failed task keeps its dedup key": (
        a_failed_twin,
        (("bgo.policy.dedup:is_free", "row.state in _UNDONE", "False"),),
        "the same work is let in once",
    ),
    "a revive takes a taken key": (
        a_revived_twin,
        (("bgo.engine.revive:_free_key", "other is not None and", "False and"),),
        "a revive takes no key that is taken",
    ),
    "the strategy looks at its own lane only": (
        two_lanes_of_one_key,
        (("bgo.policy.admit:_first_under_key", "len(group) < 2", "True"),),
        "the first under a key by its strategy goes first",
    ),
    "a window's end is part of it": (
        begins_and_ends("15:00-15:07"),
        (("bgo.policy.window:is_open", "start <= since < end", "start <= since <= end"),),
        "nothing starts outside its window",
    ),
    "a window that crosses midnight belongs to its second day": (
        in_a_closed_window("22:00-16:00@7"),
        (("bgo.policy.window:is_open", "_is_on(window, day - 1)", "_is_on(window, day)"),),
        "nothing starts outside its window",
    ),
    "a window is read by UTC": (
        in_a_closed_window("15:00-16:00 Europe/Berlin"),
        (("bgo.policy.window:is_open", "at_ms + offset_ms(zone, at_ms)", "at_ms"),),
        "nothing starts outside its window",
    ),
    "nobody wakes up for a window": (
        in_a_closed_window("15:07-15:08"),
        (("bgo.engine.cycle:tick", "_first(coming.next_wake, opens_at)", "coming.next_wake"),),
        "nothing is forgotten",
    ),
    "an edit of the queue forgets the window": (
        in_another_queue,
        (("bgo.engine.relane:home", "traits=kind)", "traits=kind, window=None)"),),
        "nothing starts outside its window",
    ),
    "keep lets a second one in": (
        a_kept_id,
        (("bgo.engine.unique:_keep", "if not unfinished:", "if True:"),),
        "one unfinished task of a unique id that is kept",
    ),
}


def told(story: Story) -> None:
    world = Limited()
    try:
        with small_steps():
            story(world)
            world.drain()
    finally:
        world.store.close()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a planted bug made of windows is not for others."""
    window._opening.cache_clear()
    yield
    window._opening.cache_clear()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    story, changes, noticed_by = BUGS[name]
    told(story)
    for change in changes:
        plant(monkeypatch, *change)
    with pytest.raises(BrokenError) as caught:
        told(story)
    assert caught.value.check == noticed_by
