"""The watch: who looks after every deed and who looks now and then are told the same story of each task."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.engine.settle import RunKey
from bgo.engine.watch import NEVER, Watch
from bgo.model.options import RetryPolicy
from bgo.model.outcome import CancelledRun, Failed, Lost, Outcome, Released, Snoozed, Succeeded, TaskError
from bgo.model.plan import Transition
from bgo.model.query import Selector
from bgo.model.state import Event, Reason, State
from bgo.model.statuses import Status, TaskRunning
from bgo.model.task import Wish
from tests.engine.world import World

DEEDS = ("enqueue", "delay", "other", "tick", "finish", "finish", "report", "cancel", "revive", "advance", "look")
OUTCOMES: tuple[Outcome, ...] = (
    Succeeded(), Failed(TaskError("E", "no")), Snoozed(1_000), Released(Reason.SHUTDOWN), Lost(True), Lost(False),
)  # fmt: skip
SHOWN = {State.BLOCKED: "Queued"}
Story = dict[str, list[Status]]


class Watcher:
    """Watches the tasks called `work`, or one of them, and keeps what it was told."""

    def __init__(self, world: World, task_id: str | None = None) -> None:
        self.world = world
        with world.store.read() as session:
            task = None if task_id is None else session.tasks.find(task_id)
            self.watch = Watch(session, world.now, task=task, name="" if task else "work")
        self.told: Story = defaultdict(list)
        self.keep()

    def look(self) -> None:
        if not self.watch.is_over:
            with self.world.store.read() as session:
                self.watch.look(session, self.world.now)
            self.keep()

    def keep(self) -> None:
        for status in self.watch.take():
            self.told[status.task_id].append(status)


def kind(status: Status) -> str:
    return type(status).__name__.removeprefix("Task")


def gist(told: Story) -> dict[str, list[str]]:
    """Return the kinds of statuses by task; progress within a run does not count."""
    return {task_id: [word for word, _ in groupby(map(kind, statuses))] for task_id, statuses in told.items()}


def do(world: World, deed: str, n: int) -> None:
    """Do one deed to the n-th of those that it can be done to, if there are any."""
    rows = list(world.ledger.rows.values())
    running = [row for row in rows if row.state is State.RUNNING]
    dead = [row for row in rows if row.state in (State.FAILED, State.CANCELLED)]
    if deed in ("enqueue", "delay", "other"):
        wish = Wish(retry=RetryPolicy.exponential(max_attempts=3, initial_delay=1)) if n % 2 else Wish()
        world.enqueue("other" if deed == "other" else "work", wish=wish, delay_ms=5_000 if deed == "delay" else 0)
    elif deed == "tick":
        world.tick()
    elif deed == "finish" and running:
        row = running[n % len(running)]
        world.finish(row.spec.id, CancelledRun() if row.cancel_reason else OUTCOMES[n % len(OUTCOMES)])
    elif deed == "report" and running:
        world.report(running[n % len(running)].spec.id, n / 20)
    elif deed == "cancel" and rows:
        world.cancel(Selector(ids=(rows[n % len(rows)].spec.id,)))
    elif deed == "revive" and dead:
        world.revive(dead[n % len(dead)].spec.id)
    elif deed == "advance":
        world.clock.advance_ms(n * 700)


@settings(max_examples=120)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 12)), max_size=40), st.integers(0, 8))
def test_every_change_of_state_is_told_however_seldom_somebody_looks(deeds: list[tuple[str, int]], first: int) -> None:
    world = World()
    for deed, n in deeds[:first]:
        do(world, deed, n)
    always, seldom = Watcher(world), Watcher(world)
    mine = next((task_id for task_id in always.told), None) or world.enqueue()
    one, late = Watcher(world, mine), Watcher(world, mine)
    for deed, n in deeds[first:]:
        do(world, deed, n)
        always.look()
        one.look()
        if deed == "look":
            seldom.look()
        for task_id, statuses in always.told.items():
            state = world.task(task_id).state
            assert kind(statuses[-1]) == SHOWN.get(state, state.capitalize())
    always.look()
    one.look()
    seldom.look()
    late.look()
    assert gist(always.told) == gist(seldom.told)
    assert gist(one.told) == gist(late.told)
    (alone,) = gist(one.told).values()
    assert alone == gist(always.told)[mine][: len(alone)]
    assert all(not status.is_final for status in one.told[mine][:-1])
    assert one.told[mine][-1].is_final is one.watch.is_over
    assert {world.task(task_id).name for task_id in always.told} == {"work"}


def test_an_end_without_a_word_in_the_history_is_told() -> None:
    world = World()
    task_id = world.enqueue()
    world.tick()
    by_name, by_id = Watcher(world), Watcher(world, task_id)
    task = world.task(task_id)
    with world.store.write() as session:
        end = Transition(Event.SUCCEED, State.SUCCEEDED, Reason.DONE, 1, 0, 0)
        assert session.tasks.settle(task, end, world.now, output=None, error=None, place=None)
    by_name.look()
    by_id.look()
    assert gist(by_name.told) == gist(by_id.told) == {task_id: ["Running", "Succeeded"]}


def test_what_has_begun_is_not_looked_at_for_its_expiry_any_more() -> None:
    world = World()
    task_id = world.enqueue(wish=Wish(start_before=world.now + 60_000))
    watchers = Watcher(world), Watcher(world, task_id)
    for watcher in watchers:
        watcher.look()
        assert watcher.watch.next_expiry == world.now + 60_000
    world.tick()
    world.clock.advance_ms(60_001)
    for watcher in watchers:
        watcher.look()
        assert watcher.watch.next_expiry == NEVER
        assert gist(watcher.told) == {task_id: ["Queued", "Running"]}


def test_what_comes_into_sight_late_is_told_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work may be inserted where nobody sees it, and be shown when it is complete: then its number is an old one."""
    monkeypatch.setattr(Watch, "_fresh", lambda *_: [])
    world = World()
    watcher = Watcher(world)
    quick, slow, gone = (world.enqueue() for _ in range(3))
    world.cancel(Selector(ids=(gone,)))
    world.tick()
    world.finish(quick)
    watcher.look()
    assert gist(watcher.told)[slow] == ["Running"]
    world.finish(slow, Failed(TaskError("E", "no")))
    watcher.look()
    assert gist(watcher.told) == {quick: ["Running", "Succeeded"], slow: ["Running", "Failed"], gone: ["Cancelled"]}


def test_a_word_about_what_has_ended_is_no_status() -> None:
    world = World()
    task_id = world.enqueue()
    (claim,) = world.tick()
    key = RunKey(claim.task.seq, claim.task.run, "w1")
    world.finish(task_id)
    watcher = Watcher(world)
    world.finish(task_id, Failed(TaskError("E", "late")), key)
    assert world.history(task_id)[-1].event == "late_finish"
    watcher.look()
    assert watcher.told == {}


def test_a_word_from_a_run_says_that_it_ran() -> None:
    world = World()
    task_id = world.enqueue()
    by_name, by_id = Watcher(world), Watcher(world, task_id)
    world.tick()
    world.report(task_id, 0.5)
    by_id.look()
    world.cancel(Selector(ids=(task_id,)))
    world.finish(task_id, CancelledRun())
    by_id.look()
    by_name.look()
    assert gist(by_name.told) == gist(by_id.told) == {task_id: ["Queued", "Running", "Cancelled"]}
    assert [s.progress for s in by_id.told[task_id] if isinstance(s, TaskRunning)] == [0.5]
