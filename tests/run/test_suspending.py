"""Real workers: what a pause of running work stops stands still, whole, and goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.model.options import TaskTimeout
from bgo.model.state import State
from bgo.run.process import marked_processes
from tests.run.kit import is_alive, state_of, wait_until
from tests.run.yard import WorkerProcess, Yard, a_yard, open_gate

COUNTER = "setsid sh -c 'while :; do echo x >> {0}; sleep 0.01; done' & while :; do echo x >> {0}; sleep 0.01; done"
"""Two shells that write on and on: one in the child's session, one in its own."""


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found


def child_of(yard: Yard, task: str) -> int:
    with yard.flow.store.read() as session:
        return next(lease.child.pid for lease in session.leases.list_all() if lease.task_id == task)


def are_stopped(pids: list[int]) -> bool:
    return {state_of(pid) for pid in pids} == {"T"}


def suspended(yard: Yard, task: str, count: int = 1) -> None:
    wait_until(lambda: [e for e, _ in yard.events_of(task)].count("suspended") == count, "it is written down")


def stopped_run(yard: Yard, how: str, **options: object) -> tuple[str, WorkerProcess, int]:
    """Return a task that runs and was stopped by a pause of its name, its worker, and its child."""
    task = yard.flow.enqueue("stays", {"how": how}, **options)  # type: ignore[arg-type]
    worker = yard.worker(watch=True, slots=1, grace_ms=0)
    child = yard.started(task).pid
    yard.flow.pause(name="stays", running=True)
    suspended(yard, task)
    assert state_of(child) == "T"
    return task, worker, child


def test_everything_of_a_run_stands_still_and_goes_on(yard: Yard, tmp_path: Path) -> None:
    file = tmp_path / "count"
    task = yard.flow.enqueue("shell", argv=["sh", "-c", COUNTER.format(file)], timeout=TaskTimeout.NONE, tags=["x"])
    yard.worker(watch=True, slots=1)
    wait_until(lambda: len(marked_processes({f"{task}.1"})) >= 3, "both shells run")
    yard.flow.pause(tag="x", running=True)
    suspended(yard, task)
    pids = [*marked_processes({f"{task}.1"}), child_of(yard, task)]
    assert are_stopped(pids)
    size = file.stat().st_size
    assert yard.flow.get(task).to_json()["paused"] is True
    time.sleep(0.1)  # nothing to wait for: that nothing happens is what is looked at
    assert file.stat().st_size == size
    yard.flow.resume(tag="x")
    wait_until(lambda: file.stat().st_size > size + 10, "they write again")
    assert yard.flow.get(task).to_json()["paused"] is False
    wait_until(lambda: ("continued", 1) in yard.events_of(task), "it is written down")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED)
    assert yard.events_of(task)[:2] == [("suspended", 1), ("continued", 1)]


def test_the_timeouts_stand_still_too(yard: Yard) -> None:
    """Stopped for longer than its hard timeout, the task ends well: the time it stood still does not count."""
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate}, timeout=TaskTimeout(soft=0.9, hard=1))
    worker = yard.worker(slots=1)
    child = yard.started(task).pid
    yard.flow.pause(queue="default", running=True)
    suspended(yard, task)
    until = time.monotonic() + 1.3
    wait_until(lambda: time.monotonic() > until, "the timeout would have passed")
    assert state_of(child) == "T"
    yard.flow.resume(queue="default")
    open_gate(gate)
    assert worker.end() == 0
    assert yard.events_of(task) == [("suspended", 1), ("continued", 1), ("succeed", 1)]


def test_a_timeout_goes_on_after_a_resume(yard: Yard) -> None:
    task, _, _ = stopped_run(yard, "rude", timeout=TaskTimeout(hard=0.5))
    yard.flow.resume(name="stays")
    assert yard.until(task, State.FAILED).reason == "hard_timeout"


def test_a_cancel_ends_a_stopped_run(yard: Yard) -> None:
    task, _, child = stopped_run(yard, "polite")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED, "user")
    assert is_alive(child)  # it heard of it, and obeyed: nobody had to kill it
    assert state_of(child) != "T"


def test_a_cancel_that_is_not_obeyed_ends_a_stopped_run_too(yard: Yard) -> None:
    task, _, child = stopped_run(yard, "rude")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED, "user")
    assert not is_alive(child)


def test_a_stopped_run_is_handed_back_by_a_signal(yard: Yard) -> None:
    """It hears SIGTERM, because it goes on for that; its task waits in the lane that is paused."""
    task, worker, child = stopped_run(yard, "rude")
    assert worker.end(signal.SIGTERM) == 0
    assert yard.state(task) == (State.QUEUED, "shutdown")
    assert not is_alive(child)
    yard.drain()
    assert yard.state(task) == (State.QUEUED, "shutdown")
    assert yard.left_over() == []


def test_the_death_of_the_worker_loses_a_stopped_run_and_the_pause_holds_it(yard: Yard) -> None:
    task, worker, child = stopped_run(yard, "rude")
    worker.kill()
    heir = yard.worker(watch=True, slots=1)
    yard.until(task, State.QUEUED, "lost")
    assert not is_alive(child)
    assert yard.flow.explain(task).holds[0].gate == "paused"
    yard.flow.resume(name="stays")
    assert is_alive(yard.started(task, 2).pid)
    assert heir.is_running


def test_a_stopped_child_that_is_killed_has_crashed(yard: Yard) -> None:
    task, _, child = stopped_run(yard, "rude")
    os.kill(child, signal.SIGKILL)
    yard.until(task, State.FAILED, "crash")


def test_two_pauses_must_both_let_it_go(yard: Yard) -> None:
    task, _, child = stopped_run(yard, "rude")
    yard.flow.pause(queue="default", running=True)
    yard.flow.resume(name="stays")
    with yard.flow.store.read() as session:
        (lease,) = session.leases.list_all()
    assert lease.paused
    yard.flow.resume(queue="default", running=True)  # what runs may go on; the queue stays paused
    wait_until(lambda: state_of(child) != "T", "it goes on")
    assert [(pause.kind, pause.running) for pause in yard.flow.pauses()] == [("queue", False)]
    assert yard.state(task)[0] is State.RUNNING


def test_a_pause_of_something_else_stops_nothing(yard: Yard) -> None:
    task = yard.flow.enqueue("stays", {"how": "rude"}, tags=["x"])
    worker = yard.worker(watch=True, slots=1)
    child = yard.started(task).pid
    yard.flow.pause(name="other", running=True)
    yard.flow.pause(tag="y", running=True)
    yard.flow.pause(queue="low", running=True)
    yard.flow.pause(name="stays")
    yard.flow.pause(tag="x")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED)
    assert "suspended" not in [event for event, _ in yard.events_of(task)]
    assert not is_alive(child)
    assert worker.end(signal.SIGTERM) == 0
