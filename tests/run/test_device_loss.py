"""Real workers on a computer whose power goes: what needs it is stopped, handed back, held, and runs again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bgo.model.device import DeviceState, View
from bgo.model.options import ConstraintLoss, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.profile import HOST
from bgo.model.state import State
from bgo.model.task import Wish
from bgo.policy.loss import SETTLE_MS
from bgo.run.devicewatch import DeviceWatch
from tests.build import START, a_task, a_view, a_wish
from tests.hours import hours
from tests.run.kit import is_alive, wait_until
from tests.run.yard import WorkerProcess, Yard, a_yard, open_gate

CHARGED = TaskConstraints(requires_charging=True)
STRICT = Wish(window=hours("15:00-15:07"), window_strict=True)
LOST = {"gate": "charging", "current": "no (sysfs BAT0 Discharging)", "needed": "yes"}
TOLD = "charging: no (sysfs BAT0 Discharging), needs yes"


class Power:
    """A tree such as /sys, with one battery and one plug."""

    def __init__(self, root: Path) -> None:
        self._root = root / "class" / "power_supply"
        for name, kind in (("AC", "Mains"), ("BAT0", "Battery")):
            (self._root / name).mkdir(parents=True)
            self._write(name, "type", kind)
        self.plug(True)

    def _write(self, name: str, what: str, text: str) -> None:
        part = self._root / f".{name}-{what}"  # no reading of it ever sees half a file
        part.write_text(f"{text}\n")
        part.rename(self._root / name / what)

    def plug(self, is_in: bool) -> None:
        self._write("BAT0", "status", "Charging" if is_in else "Discharging")
        self._write("AC", "online", str(int(is_in)))


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found


@pytest.fixture
def power(yard: Yard) -> Power:
    return powered(yard)


def powered(yard: Yard) -> Power:
    """Give the workers of a yard a computer that charges."""
    yard.env["BGO_SYSFS_ROOT"] = str(yard.place / "sys")
    return Power(yard.place / "sys")


def begun(yard: Yard, how: str = "polite", plant: str = "quick_loss", **options: Any) -> tuple[str, WorkerProcess, int]:
    """Return a task that needs power and runs, its worker and its child."""
    options = {"constraints": CHARGED, "timeout": TaskTimeout.NONE, **options}
    task = yard.flow.enqueue("stays", {"how": how}, **options)
    worker = yard.worker(watch=True, plant=plant, slots=1, grace_ms=0)
    return task, worker, yard.started(task).pid


def is_told(worker: WorkerProcess, kind: str) -> None:
    wait_until(lambda: worker.events(kind), f"the worker tells {kind}")


@pytest.mark.parametrize("how", ["polite", "rude"])
def test_what_loses_its_power_is_stopped_held_and_runs_again(yard: Yard, power: Power, how: str) -> None:
    task, worker, child = begun(yard, how, retry=RetryPolicy.linear(2, 1))
    power.plug(False)
    row = yard.until(task, State.QUEUED, "device")
    assert (row.run, row.attempt, row.losses) == (1, 0, 0), "nothing is charged"
    assert is_alive(child) == (how == "polite"), "who obeys need not be killed"
    (entry,) = yard.history(task)
    assert (entry.event, entry.state, entry.reason, dict(entry.detail)) == ("release", "queued", "device", LOST)
    assert entry.error is None
    is_told(worker, "release")
    told = [(e["type"], e["reason"], e["progress"]["message"]) for e in worker.events("stopping", "release")]
    assert told == [("stopping", "device", TOLD), ("release", "device", TOLD)]
    with yard.flow.store.read() as session:
        assert session.leases.list_all() == []
    power.plug(True)
    yard.started(task, 2)
    row = yard.task(task)
    assert (row.run, row.attempt, row.due_at) == (2, 1, yard.task(task).due_at)
    assert yard.events_of(task) == [("release", 1)]


def test_it_keeps_its_place_in_line(yard: Yard, power: Power) -> None:
    task, worker, _ = begun(yard)
    later = yard.flow.enqueue("stays", constraints=CHARGED)
    power.plug(False)
    yard.until(task, State.QUEUED, "device")
    power.plug(True)
    yard.started(task, 2)
    assert yard.state(later) == (State.QUEUED, "new")
    assert worker.is_running


def test_power_that_comes_back_too_late_does_not_undo_the_stop(yard: Yard, power: Power) -> None:
    task, worker, child = begun(yard, "rude")
    power.plug(False)
    is_told(worker, "stopping")
    power.plug(True)
    yard.started(task, 2)
    assert not is_alive(child)
    assert [(e.event, e.reason) for e in yard.history(task)] == [("release", "device")]


def test_finish_runs_on_and_cancel_ends_the_task(yard: Yard, power: Power) -> None:
    gate = yard.fifo("gate")
    finish, cancel = (TaskConstraints(requires_charging=True, on_loss=policy) for policy in list(ConstraintLoss)[1:])
    finishes = yard.flow.enqueue("gated", {"gate": gate}, constraints=finish, timeout=TaskTimeout.NONE)
    ends = yard.flow.enqueue("stays", constraints=cancel, retry=RetryPolicy.linear(3, 1))
    worker = yard.worker(plant="quick_loss", slots=2)
    yard.started(finishes), yard.started(ends)
    power.plug(False)
    row = yard.until(ends, State.CANCELLED, "device")
    assert row.cancel_reason is None
    assert dict(yard.history(ends)[-1].detail) == LOST
    assert yard.state(finishes)[0] is State.RUNNING
    open_gate(gate)
    assert worker.end() == 0
    assert yard.state(finishes) == (State.SUCCEEDED, "done")
    assert (worker.report["cancelled"], worker.report["succeeded"]) == (1, 1)


def test_what_is_done_before_it_has_gone_stays_done(yard: Yard, power: Power) -> None:
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate}, constraints=CHARGED, timeout=TaskTimeout.NONE)
    worker = yard.worker(plant="quick_loss", watch=True)
    yard.started(task)
    power.plug(False)
    is_told(worker, "stopping")
    open_gate(gate)
    yard.until(task, State.SUCCEEDED, "done")
    assert yard.events_of(task) == [("succeed", 1)]


def test_a_cancel_that_comes_while_it_is_stopped_is_honoured(yard: Yard, power: Power) -> None:
    task, worker, _ = begun(yard, "rude")
    power.plug(False)
    is_told(worker, "stopping")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED, "user")


def test_a_task_that_may_not_run_twice_says_what_ended_it(yard: Yard, power: Power) -> None:
    task, _, _ = begun(yard, at_most_once=True)
    power.plug(False)
    yard.until(task, State.FAILED, "lost")
    error = yard.flow.get(task).error
    assert error is not None
    assert error.message == f"it was stopped ({TOLD}) while it ran, and it may not run twice"


def test_a_worker_that_dies_between_telling_and_ending_loses_the_run(yard: Yard, power: Power) -> None:
    task, worker, child = begun(yard, "rude", plant="dies_when_withdrawn")
    power.plug(False)
    assert worker.end() == -signal.SIGKILL
    yard.worker(watch=True, slots=1)
    row = yard.until(task, State.QUEUED, "lost")
    assert row.attempt == 0
    assert not is_alive(child)
    power.plug(True)
    yard.started(task, 2)
    assert yard.task(task).attempt == 1


def test_a_run_that_ends_with_its_work_stopped_leaves_it_held(yard: Yard, power: Power) -> None:
    """Not every worker watches: one that has nothing else to do ends, and says what holds what is left."""
    task = yard.flow.enqueue("stays", constraints=CHARGED, timeout=TaskTimeout.NONE)
    worker = yard.worker(plant="quick_loss")
    yard.started(task)
    power.plug(False)
    assert worker.end() == 0
    assert (worker.report["handed_back"], worker.report["waiting"]["held"]) == (1, {"charging": 1})
    assert yard.left_over() == []


def test_nothing_is_asked_while_nothing_needs_it() -> None:
    asked: list[int] = []
    live: list[Any] = []
    stopped: list[Any] = []
    clock = SimpleNamespace(now=0)

    def sense() -> DeviceState:
        asked.append(clock.now)
        return a_view(False).device

    times = SimpleNamespace(awake_ms=lambda: clock.now, now_ms=lambda: START + clock.now)
    bench = SimpleNamespace(sense=sense, profile=HOST, poll_ms=500, clock=times)
    runs = SimpleNamespace(watched=lambda: list(live), withdraw_for=lambda run, hold: stopped.append((clock.now, run)))
    watch = DeviceWatch(bench, runs, lambda device: View(HOST, device))  # type: ignore[arg-type]
    assert watch.next_timer(0) is None
    watch.turn(0)
    assert asked == []
    claim = SimpleNamespace(task=a_task(wish=a_wish(constraints=CHARGED)), began=None)
    live.append(SimpleNamespace(claim=SimpleNamespace(task=a_task(wish=STRICT)), loss=None, asks_device=False))
    watch.turn(0)
    assert (asked, stopped, watch.next_timer(0)) == ([], [], 500), (
        "hours are looked at, and no sensor is asked for them"
    )
    live[:] = [SimpleNamespace(claim=claim, loss=None, asks_device=True)]
    clock.now = 500
    while not stopped:
        at = watch.next_timer(clock.now)
        assert at is not None
        clock.now = at
        watch.turn(at)
        watch.turn(at)  # an early turn asks nothing
    assert asked == list(range(500, SETTLE_MS + 501, 500))
    assert stopped == [(SETTLE_MS + 500, live[0])]


def test_a_strict_window_that_closes_ends_a_run_without_a_word_of_the_device() -> None:
    stopped: list[Any] = []
    clock = SimpleNamespace(now=0)
    times = SimpleNamespace(awake_ms=lambda: clock.now, now_ms=lambda: START + clock.now)
    bench = SimpleNamespace(sense=None, profile=HOST, poll_ms=500, clock=times)
    run = SimpleNamespace(claim=SimpleNamespace(task=a_task(wish=STRICT)), loss=None, asks_device=False)
    runs = SimpleNamespace(watched=lambda: [run], withdraw_for=lambda run, hold: stopped.append((clock.now, hold.told)))
    watch = DeviceWatch(bench, runs, lambda device: View(HOST, device))  # type: ignore[arg-type]
    while not stopped:
        clock.now = watch.next_timer(clock.now) or 0
        watch.turn(clock.now)
    assert stopped == [(20_000, "window: outside 15:00-15:07 (UTC), needs a time in 15:00-15:07")]


def test_work_with_strict_hours_is_stopped_when_they_end_and_goes_on_in_the_next(yard: Yard) -> None:
    over = yard.place / "over"
    yard.env["HOURS_OVER"] = str(over)
    options: Any = {"window": "0-24@mon-sat", "tz": "UTC", "timeout": TaskTimeout.NONE}
    usual = yard.flow.enqueue("stays", {"how": "polite"}, **options)
    task = yard.flow.enqueue("stays", {"how": "polite"}, window_strict=True, **options)
    worker = yard.worker(watch=True, plant="hours_by_file", slots=3, grace_ms=0)
    yard.started(usual), yard.started(task)
    over.touch()
    row = yard.until(task, State.QUEUED, "device")
    assert (row.run, row.attempt) == (1, 0)
    (entry,) = yard.history(task)
    assert (entry.event, entry.detail["gate"]) == ("release", "window")
    assert entry.detail["current"] == "outside 00:00-24:00 mon-sat (UTC)"
    is_told(worker, "release")
    over.unlink()
    yard.started(yard.flow.enqueue("stays"))  # who is told of it looks at the hours as well
    yard.started(task, 2)
    assert yard.state(usual)[0] is State.RUNNING


def test_hooks_hear_of_a_stop_and_of_nothing_else_that_is_handed_back(yard: Yard, power: Power) -> None:
    plugin, heard = yard.place / "hears.py", yard.place / "heard"
    plugin.write_text(
        "import json, bgo\ndef say(entry):\n"
        f"    with open({str(heard)!r}, 'a') as file:\n"
        "        print(json.dumps([entry.id, entry.reason, entry.detail]), file=file)\n"
        "@bgo.hookimpl\ndef bgo_task_stopped(entry): say(entry)\n"
        "@bgo.hookimpl\ndef bgo_task_cancelled(entry): say(entry)\n"
    )
    yard.env["BGO_PLUGINS"] += f"{os.pathsep}{plugin}"
    yard.worker().end()  # listening begins
    cancels = TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.CANCEL)
    tasks = [yard.flow.enqueue("stays", constraints=wish, timeout=TaskTimeout.NONE) for wish in (CHARGED, cancels)]
    other = yard.flow.enqueue("stays", timeout=TaskTimeout.NONE)
    worker = yard.worker(watch=True, plant="quick_loss", slots=3, grace_ms=0)
    for task in (*tasks, other):
        yard.started(task)
    power.plug(False)
    for task, state in zip(tasks, (State.QUEUED, State.CANCELLED), strict=True):
        yard.until(task, state, "device")
    assert worker.end(signal.SIGTERM) == 0
    assert yard.state(other) == (State.QUEUED, "shutdown")
    told = [json.loads(line) for line in heard.read_text().splitlines()]
    assert sorted(told) == sorted([task, "device", LOST] for task in tasks)


@pytest.mark.slow
def test_the_command_line_as_people_use_it(tmp_path: Path) -> None:
    """`bgo run --watch` and nothing planted: it takes its five seconds."""
    power = Power(tmp_path / "sys")
    env = {name: value for name, value in os.environ.items() if not name.startswith("BGO_")}
    env |= {"BGO_HOME": str(tmp_path / "home"), "BGO_SYSFS_ROOT": str(tmp_path / "sys")}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])

    def bgo(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "bgo", *words], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    task = bgo("enqueue", "sleep", "seconds=600", "--timeout", "none", "--charging", "-q").strip()
    with subprocess.Popen(
        [sys.executable, "-m", "bgo", "run", "--watch"], env=env, stderr=subprocess.DEVNULL
    ) as worker:
        try:
            wait_until(lambda: json.loads(bgo("status", task, "--json"))["state"] == "running", "it runs")
            power.plug(False)
            wait_until(lambda: json.loads(bgo("status", task, "--json"))["state"] == "queued", "it was handed back")
            assert f"stopped, handed back: {TOLD}" in " ".join(bgo("history").split())
            assert f"device: stopped, handed back: {TOLD}" in " ".join(bgo("status", task).split())
            explained = json.loads(bgo("explain", task, "--json"))
            assert explained["verdict"] == "held by charging"
            assert explained["runs"][0]["detail"] == LOST
            assert f"1 (attempt 0): stopped, handed back: {TOLD}" in " ".join(bgo("explain", task).split())
            power.plug(True)
            wait_until(lambda: json.loads(bgo("status", task, "--json"))["run"] == 2, "it runs again")
            assert json.loads(bgo("status", task, "--json"))["attempt"] == 1
        finally:
            worker.kill()
