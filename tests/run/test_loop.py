"""The worker's loop, driven in this process: it never spins, it starts nothing without need, it cleans up after itself.

What counts is turns of the loop, not time: `Crew.wait` is replaced by a count and a virtual clock.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bgo.clock import VirtualClock, moment
from bgo.engine.cycle import Claim
from bgo.engine.enqueue import enqueue
from bgo.ids import quick_rng
from bgo.model.device import DeviceState
from bgo.model.handler import Catalogue, HandlerInfo, Source
from bgo.model.state import State
from bgo.run import process
from bgo.run.bench import Bench, RunOptions
from bgo.run.crew import Crew, Heard
from bgo.run.process import ChildProcess
from bgo.run.report import WorkerEvent
from bgo.run.wake import ring
from bgo.run.worker import Worker
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.run.yard import a_yard

HOUR_MS = 3_600_000


class Enough(Exception):
    """The test has seen what it wanted."""


@dataclass
class Scene:
    """A worker's bench on a virtual clock, and what its loop asked to wait for."""

    place: Path
    stores: list[SqliteStore] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    waits: list[int] = field(default_factory=list)
    until_ms: int = HOUR_MS

    def bench(self, **changes: Any) -> Bench:
        info = HandlerInfo("work", Source("builtin", "bgo.hooks.builtin.echo:echo"))
        handlers: Catalogue = {"work": info}
        bench = Bench(
            open_store=self.open,
            clock=self.clock,
            rng=quick_rng(),
            run_dir=self.place / "run",
            log_dir=self.place / "logs",
            work_dir=self.place / "work",
            catalogue=lambda: handlers,
            sense=DeviceState,
        )
        return replace(bench, **changes)

    def open(self) -> SqliteStore:
        self.stores.append(SqliteStore(self.place / "bgo.db"))
        return self.stores[-1]

    def add(self, **fields: Any) -> None:
        with contextlib.closing(self.open()) as store, store.write() as session:
            enqueue(session, [a_spec(**fields)], self.clock.now_ms())

    def wait(self, timeout_ms: int) -> Heard:
        """Stand in for `Crew.wait`: nothing ever happens, and time flies."""
        self.waits.append(timeout_ms)
        self.clock.advance_ms(timeout_ms)
        if self.clock.now_ms() - START > self.until_ms or len(self.waits) > 100_000:
            raise Enough
        return Heard()

    def watch(self, options: RunOptions | None = None) -> None:
        """Let a worker watch for the scene's time."""
        with pytest.raises(Enough):
            Worker(self.bench(), options or RunOptions(watch=True), lambda _: None).run()

    @property
    def zeros(self) -> int:
        return self.waits.count(0)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path)
    monkeypatch.setattr(Crew, "wait", lambda _, timeout_ms: found.wait(timeout_ms))
    monkeypatch.setattr(process, "spawn_child", no_child)
    return found


def no_child(*_: object) -> ChildProcess:
    raise AssertionError("a child was started")


def looks(scene: Scene) -> int:
    """Return how many polls the scene's time holds."""
    return scene.until_ms // scene.bench().poll_ms


def test_an_idle_worker_turns_once_per_poll(scene: Scene) -> None:
    scene.watch()
    assert scene.zeros <= 2
    assert len(scene.waits) <= looks(scene) + scene.until_ms // (scene.bench().lease_ms // 3) + 5


def test_a_worker_sleeps_over_a_delayed_task_until_it_is_due(scene: Scene) -> None:
    scene.add(due_at=START + HOUR_MS + 1)
    scene.watch()
    assert scene.zeros <= 3


@pytest.mark.parametrize("held", ["handler", "queue", "device", "paused"])
def test_a_held_task_costs_no_more_than_a_look_per_poll(
    scene: Scene, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgo.model.options import TaskConstraints
    from tests.build import a_wish

    scene.add(
        handler="nobody.has.it" if held == "handler" else "work",
        queue="low" if held == "queue" else "default",
        wish=a_wish(constraints=TaskConstraints(requires_charging=held == "device")),
    )
    if held == "paused":
        with contextlib.closing(scene.open()) as store, store.write() as session:
            session.pauses.set("name", "work", paused=True, now=START)
    written: list[int] = []
    close = SqliteStore.close
    monkeypatch.setattr(
        SqliteStore, "close", lambda store: written.append(store.connection.total_changes) or close(store)
    )
    scene.watch(RunOptions(watch=True, queues=frozenset({"default"})))
    assert scene.zeros <= 5
    assert len(scene.waits) <= looks(scene) + scene.until_ms // (scene.bench().lease_ms // 3) + 10
    renewals = scene.until_ms // (scene.bench().lease_ms // 3) + 1
    assert written[0] <= renewals + 10


def test_a_full_disk_is_tried_again_once_a_second(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from bgo.errors import StoreFullError
    from bgo.run.desk import Desk

    def full(*_: object) -> None:
        raise StoreFullError("the store cannot grow")

    monkeypatch.setattr(Desk, "look", full)
    monkeypatch.setattr(Desk, "renew", full)
    scene.until_ms = 60_000
    scene.watch()
    assert len(scene.waits) <= 65


def test_an_idle_run_starts_no_child_and_ends(scene: Scene) -> None:
    scene.add(due_at=START + HOUR_MS)
    report = Worker(scene.bench(), RunOptions(), lambda _: None).run()
    assert (report.started, report.delayed) == (0, 1)
    assert len(scene.waits) <= 3


def test_a_start_that_fails_is_tried_again_after_a_breath_and_given_up_after_five(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgo.errors import ConfigError

    tries: list[int] = []

    def refuse(*_: object) -> ChildProcess:
        tries.append(scene.clock.awake_ms())
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(process, "spawn_child", refuse)
    scene.add()
    with pytest.raises(ConfigError) as caught:
        Worker(scene.bench(), RunOptions(watch=True), lambda _: None).run()
    assert "Resource temporarily unavailable" in caught.value.why
    assert len(tries) == 5
    assert all(later - earlier >= 250 for earlier, later in pairwise(tries))


def test_a_worker_that_cannot_be_made_leaves_no_files(scene: Scene) -> None:
    def broken() -> SqliteStore:
        raise OSError("no store today")

    with pytest.raises(OSError, match="no store today"):
        Worker(scene.bench(open_store=broken), RunOptions(), lambda _: None)
    assert list((scene.place / "run").iterdir()) == []


# --- with real children ----------------------------------------------------------------------------------------------


class Counted:
    """Counts the turns of a worker in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns = 0
        turn = Worker._turn

        def counted(worker: Worker) -> None:
            self.turns += 1
            turn(worker)

        monkeypatch.setattr(Worker, "_turn", counted)


def test_a_bell_that_rings_while_all_slots_are_busy_makes_nobody_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_yard(slots=1, poll_ms=60_000) as yard:
        counted = Counted(monkeypatch)
        gate = yard.fifo("gate")
        for name in ("BGO_TEST_PLACE", "PYTHONPATH"):
            monkeypatch.setenv(name, yard.env[name])
        task = yard.flow.enqueue("gated", {"gate": gate})
        seen: list[int] = []

        def disturb() -> None:
            yard.started(task)
            for _ in range(20):  # the worker hears of changes that it can do nothing about
                ring(yard.flow.settings.run_dir)
            seen.append(counted.turns)
            yard.flow.clock.sleep_ms(300)  # a spinning loop would turn some thousand times
            seen.append(counted.turns)
            with open(gate, "wb"):
                pass

        helper = threading.Thread(target=disturb)
        helper.start()
        yard.flow.run(RunOptions())
        helper.join()
        assert seen[1] - seen[0] < 60


def test_a_task_that_comes_due_while_no_slot_is_free_makes_nobody_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_yard(slots=1, poll_ms=100) as yard:
        counted = Counted(monkeypatch)
        for name in ("BGO_TEST_PLACE", "PYTHONPATH"):
            monkeypatch.setenv(name, yard.env[name])
        code = "import time; from pathlib import Path; time.sleep(0.5)"
        yard.flow.enqueue("execute", {"code": code}, priority="high")
        later = yard.flow.enqueue("work", delay=0.05)  # before the first one's child is up
        yard.flow.run(RunOptions(until_empty=True))
        assert yard.state(later)[0] is State.SUCCEEDED
        assert counted.turns < 100


def test_a_handler_that_closes_its_output_makes_nobody_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_yard(slots=1) as yard:
        counted = Counted(monkeypatch)
        for name in ("BGO_TEST_PLACE", "PYTHONPATH"):
            monkeypatch.setenv(name, yard.env[name])
        task = yard.flow.enqueue("execute", {"code": "import os, time; os.close(1); os.close(2); time.sleep(0.5)"})
        yard.flow.run(RunOptions())
        assert yard.state(task)[0] is State.SUCCEEDED
        assert counted.turns < 100


def test_a_listener_that_raises_ends_the_worker_and_hands_the_work_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def listen(event: WorkerEvent) -> None:
        if event.type == "started":
            raise BrokenPipeError("nobody reads")

    with a_yard(slots=2) as yard:
        for name in ("BGO_TEST_PLACE", "PYTHONPATH"):
            monkeypatch.setenv(name, yard.env[name])
        tasks = yard.flow.enqueue_many("stays", [{"how": "rude"}] * 2)
        with pytest.raises(BrokenPipeError):
            yard.flow.run(RunOptions(), listener=listen)
        for task in tasks:
            found = yard.task(task)
            assert (found.state, found.attempt) == (State.QUEUED, 0)
        assert any(yard.task(task).reason == "shutdown" for task in tasks)
        assert yard.left_over() == []


# --- orphans whose processes will not die ----------------------------------------------------------------------------


def test_an_orphan_is_not_lost_before_its_processes_are_gone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its task would run twice at once."""
    from bgo.run import desk as desks

    answers = [False, False, True]
    monkeypatch.setattr(desks, "kill_run", lambda *_: answers.pop(0))
    scene.add()
    claim_for_a_dead_worker(scene)
    scene.until_ms = 4_000
    scene.watch(RunOptions(watch=True, queues=frozenset({"low"})))
    assert states(scene) == [State.RUNNING]
    scene.until_ms = 60_000
    scene.watch(RunOptions(watch=True, queues=frozenset({"low"})))
    assert answers == []
    assert states(scene) == [State.QUEUED]


def states(scene: Scene) -> list[State]:
    with contextlib.closing(scene.open()) as store, store.read() as session:
        return [state for state, count in session.tasks.counts().items() if count]


def claim_for_a_dead_worker(scene: Scene) -> Claim:
    from bgo.engine.cycle import Asker, Memory, tick
    from bgo.model.device import View
    from bgo.policy.gates import Offer
    from tests.build import a_child

    asker = Asker("wdead", process.host_id(), process.boot_id(), Offer(), 1)
    until = scene.clock.awake_ms() + HOUR_MS
    with contextlib.closing(scene.open()) as store, store.write() as session:
        done = tick(
            session, asker, View(), Memory(), [a_child()], lease_until=until, moment=moment(scene.clock, "boot")
        )
    return done.claims[0]
