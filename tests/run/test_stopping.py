"""Real workers: how runs are stopped (timeouts, cancels, signals), and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bgo.model.options import RetryPolicy, TaskTimeout
from bgo.model.query import CancelEffect
from bgo.model.state import State
from bgo.run.process import marked_processes
from tests.run.handlers_for_tests import started_below
from tests.run.kit import is_alive, state_of, wait_gone, wait_until
from tests.run.yard import WorkerProcess, Yard, a_yard, open_gate

HIDERS = "sleep 999 & setsid sleep 999 & (nohup sleep 999 >/dev/null 2>&1 &) ; sleep 999"


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found


# --- nothing of a stopped run lives ----------------------------------------------------------------------------------


def hard_timeout(yard: Yard, task: str, worker: WorkerProcess, child: int) -> None:
    assert yard.until(task, State.FAILED).reason == "hard_timeout"


def cancel(yard: Yard, task: str, worker: WorkerProcess, child: int) -> None:
    assert yard.flow.cancel_execution(task).effect is CancelEffect.STOPPING
    yard.until(task, State.CANCELLED, "user")


def kill_worker(yard: Yard, task: str, worker: WorkerProcess, child: int) -> None:
    worker.kill()
    heir = yard.worker(watch=True, queues=["low"])  # it rescues, and does not start the task again
    yard.until(task, State.QUEUED, "lost")
    assert heir.end(signal.SIGTERM) == 0


def kill_child(yard: Yard, task: str, worker: WorkerProcess, child: int) -> None:
    os.kill(child, signal.SIGKILL)
    yard.until(task, State.FAILED, "crash")


def hand_back(yard: Yard, task: str, worker: WorkerProcess, child: int) -> None:
    assert worker.end(signal.SIGTERM) == 0
    assert yard.state(task) == (State.QUEUED, "shutdown")


STOPS = [hard_timeout, cancel, kill_worker, kill_child, hand_back]
STRANGE = [hard_timeout, cancel, kill_child, hand_back]
"""Without a mark and in a session of its own, a process can be found as long as its child or its supervisor lives."""


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_command_leaves_no_process_behind(yard: Yard, stop: Callable[..., None]) -> None:
    limit = TaskTimeout(hard=1) if stop is hard_timeout else TaskTimeout.NONE
    task = yard.flow.enqueue("shell", argv=["sh", "-c", HIDERS], timeout=limit)
    worker = yard.worker(watch=True, slots=1, grace_ms=0)
    wait_until(lambda: len(marked_processes({f"{task}.1"})) >= 6, "the command has started them all")
    with yard.flow.store.read() as session:
        child = session.leases.list_all()[0].child.pid
    pids = set(marked_processes({f"{task}.1"})) - {child}  # a child that obeys a cancel lives on, without the mark
    stop(yard, task, worker, child)
    assert [pid for pid in pids if is_alive(pid)] == []  # at once: the outcome is recorded only when they are gone
    assert marked_processes({f"{task}.1"}) == []


@pytest.mark.parametrize("stop", STRANGE)
def test_a_process_that_hides_its_mark_and_leaves_its_session_goes_too(yard: Yard, stop: Callable[..., None]) -> None:
    task = yard.flow.enqueue("family", timeout=TaskTimeout(hard=1) if stop is hard_timeout else TaskTimeout.NONE)
    worker = yard.worker(watch=True, slots=1, grace_ms=0)
    child = yard.started(task).pid
    wait_until(lambda: len(started_below(child)) >= 4, "the handler has started them all")
    pids = started_below(child)
    stop(yard, task, worker, child)
    assert [pid for pid in pids if is_alive(pid)] == []
    zombies = [pid for pid in pids if state_of(pid) == "Z"]
    assert zombies == [], "the supervisor has not reaped what it inherited"


def test_what_a_handler_leaves_behind_goes_with_its_run(yard: Yard) -> None:
    task = yard.flow.enqueue("family", {"leave": True})
    worker = yard.worker(watch=True, slots=1)
    yard.ended(task)
    assert started_below(yard.started(task).pid) == []
    assert worker.end(signal.SIGTERM) == 0


def test_what_was_stopped_has_its_grace_even_without_its_child(yard: Yard, tmp_path: Path) -> None:
    """The child dies of SIGTERM at once; the command that it had started cleans up first."""
    tidy, ready = tmp_path / "tidy", tmp_path / "ready"
    script = f"trap 'kill $!; sleep 0.2; echo done > {tidy}; exit' TERM; touch {ready}; sleep 97 & wait"
    code = f"import subprocess; subprocess.Popen(['setsid', 'sh', '-c', {script!r}])\nwhile True: time.sleep(0.01)"
    task = yard.flow.enqueue("execute", {"code": code})
    yard.worker(watch=True, slots=1)
    wait_until(ready.exists, "the command runs")
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED)
    assert tidy.exists()


# --- timeouts --------------------------------------------------------------------------------------------------------


def test_the_soft_timeout_is_told_and_recorded_before_the_hard_one(yard: Yard) -> None:
    code = "note('W', ctx) if ctx.soft_timed_out else None"
    loop = f"import time\nwhile True:\n    {code}\n    time.sleep(0.01)"
    task = yard.flow.enqueue("execute", {"code": loop}, timeout=TaskTimeout(soft=0.15, hard=0.6))
    worker = yard.worker()
    assert worker.end() == 0
    assert yard.events_of(task) == [("soft_timeout", 1), ("exhaust", 1)]
    assert yard.lines("W")
    assert [event["type"] for event in worker.events("soft_timeout", "exhaust")] == ["soft_timeout", "exhaust"]
    assert yard.state(task) == (State.FAILED, "hard_timeout")


@pytest.mark.parametrize("how", ["rude", "deaf"])
def test_a_hard_timeout_ends_who_does_not_listen(how: str) -> None:
    with a_yard(kill_grace_s=0.2) as yard:
        task = yard.flow.enqueue("stays", {"how": how}, timeout=TaskTimeout(hard=0.3))
        yard.drain()
        assert yard.state(task) == (State.FAILED, "hard_timeout")
        assert not is_alive(yard.lines("S")[0].pid)


def test_a_handler_that_never_lets_go_of_the_interpreter_is_ended_and_loses_no_lease() -> None:
    with a_yard(lease_s=1, kill_grace_s=0.2) as yard:
        code = "import ctypes; ctypes.PyDLL(None).usleep(60_000_000)"
        task = yard.flow.enqueue("execute", {"code": code}, timeout=TaskTimeout(hard=2.5))
        other = yard.worker(watch=True, queues=["low"])
        yard.drain(slots=1)
        assert yard.events_of(task) == [("exhaust", 1)]
        assert yard.state(task) == (State.FAILED, "hard_timeout")
        assert other.end(signal.SIGTERM) == 0


def test_a_timeout_is_retried_by_the_policy(yard: Yard) -> None:
    code = "import time\nif ctx.attempt == 1: time.sleep(60)"
    retry = RetryPolicy.custom(delays=[0])
    task = yard.flow.enqueue("execute", {"code": code}, timeout=TaskTimeout(hard=0.3), retry=retry)
    yard.drain(until_empty=True)
    assert yard.events_of(task) == [("retry", 1), ("succeed", 2)]


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_a_cancelled_waiting_task_never_starts(yard: Yard) -> None:
    task, later = yard.flow.enqueue("work"), yard.flow.enqueue("work", delay=3600)
    assert [yard.flow.cancel_execution(i).effect for i in (task, later)] == [CancelEffect.PREVENTED] * 2
    yard.drain()
    assert yard.lines("S") == []


def test_a_cancel_that_is_obeyed_ends_the_task(yard: Yard) -> None:
    task = yard.flow.enqueue("stays")
    worker = yard.worker(watch=True)
    child = yard.started(task).pid
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED, "user")
    assert is_alive(child)  # it was asked, and asked only
    assert yard.events_of(task) == [("cancel_requested", 1), ("cancel", 1)]
    assert worker.end(signal.SIGTERM) == 0


def test_a_cancel_that_is_not_obeyed_is_enforced(yard: Yard) -> None:
    task = yard.flow.enqueue("stays", {"how": "rude"})
    yard.worker(watch=True)
    child = yard.started(task).pid
    yard.flow.cancel_execution(task)
    yard.until(task, State.CANCELLED, "user")
    assert not is_alive(child)


def test_whoever_is_first_wins_when_a_task_ends_as_it_is_cancelled(yard: Yard) -> None:
    gate = yard.fifo("gate")
    fine = yard.flow.enqueue("gated", {"gate": gate})
    yard.worker(watch=True, slots=1)
    yard.started(fine)
    assert yard.flow.cancel_execution(fine).effect is CancelEffect.STOPPING
    open_gate(gate)
    assert yard.ended(fine)[0].state is State.SUCCEEDED
    assert yard.flow.cancel_execution(fine).effect is CancelEffect.TOO_LATE


def test_a_cancel_is_not_undone_by_a_retry(yard: Yard) -> None:
    gate = yard.fifo("gate")
    code = f"note('S', ctx); open({gate!r}, 'rb').read(); raise OSError('no')"
    task = yard.flow.enqueue("execute", {"code": code}, retry=RetryPolicy.custom(delays=[0, 0]))
    yard.worker(watch=True, slots=1)
    yard.started(task)
    yard.flow.cancel_execution(task)
    open_gate(gate)
    yard.until(task, State.CANCELLED, "user")
    assert len(yard.lines("S")) == 1


def test_a_cancel_is_not_undone_by_the_death_of_the_worker(yard: Yard) -> None:
    task = yard.flow.enqueue("stays", {"how": "rude"})
    worker = yard.worker(watch=True)
    yard.started(task)
    worker.stop()
    yard.flow.cancel_execution(task)
    worker.kill()
    yard.drain()
    assert yard.state(task) == (State.CANCELLED, "user")
    assert len(yard.lines("S")) == 1


# --- signals ---------------------------------------------------------------------------------------------------------


def test_the_first_signal_lets_running_work_finish_and_starts_no_more(yard: Yard) -> None:
    gate = yard.fifo("gate")
    running = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1)
    yard.started(running)
    waiting = yard.flow.enqueue("work")
    worker.send(signal.SIGTERM)
    open_gate(gate)
    assert worker.end() == 0
    assert (yard.state(running)[0], yard.state(waiting)[0]) == (State.SUCCEEDED, State.QUEUED)
    assert worker.report["stopped_by"] == "SIGTERM"
    assert yard.left_over() == []


def test_what_is_not_done_within_the_grace_is_handed_back_uncharged(yard: Yard) -> None:
    task = yard.flow.enqueue("stays", {"how": "rude"})
    worker = yard.worker(watch=True, grace_ms=100)
    child = yard.started(task).pid
    assert worker.end(signal.SIGTERM) == 0
    assert not is_alive(child)
    found = yard.task(task)
    assert (found.state, found.reason, found.run, found.attempt, found.losses) == (State.QUEUED, "shutdown", 1, 0, 0)
    assert worker.report["handed_back"] == 1
    assert yard.left_over() == []


def test_the_second_signal_hands_back_at_once(yard: Yard) -> None:
    task = yard.flow.enqueue("stays", {"how": "rude"})
    worker = yard.worker(watch=True, grace_ms=3_600_000)
    yard.started(task)
    worker.send(signal.SIGINT)
    assert worker.end(signal.SIGTERM) == 0
    assert yard.state(task) == (State.QUEUED, "shutdown")
    assert worker.report["stopped_by"] in ("SIGINT", "SIGTERM")


def test_the_third_signal_leaves_no_grace(yard: Yard) -> None:
    with a_yard(kill_grace_s=3600) as yard:
        task = yard.flow.enqueue("stays", {"how": "deaf"})
        worker = yard.worker(watch=True)
        child = yard.started(task).pid
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            worker.send(number)
        assert worker.end() == 0
        assert not is_alive(child)
        assert yard.state(task) == (State.QUEUED, "shutdown")


def test_an_outcome_that_was_sent_before_the_stop_stands(yard: Yard) -> None:
    """The handler ends while the worker is stopped; when it goes on, the hard timeout has passed as well."""
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate}, timeout=TaskTimeout(hard=1))
    worker = yard.worker()
    yard.started(task)
    worker.stop()
    open_gate(gate)
    wait_until(lambda: yard.lines("F"), "the handler has ended")
    began = yard.lines("S")[0].at
    wait_until(lambda: time.monotonic() > began + 1.2, "the timeout has passed")
    worker.go_on()
    assert worker.end() == 0
    assert yard.events_of(task)[-1] == ("succeed", 1)


def test_a_worker_that_is_killed_with_an_idle_crew_leaves_nothing(yard: Yard) -> None:
    worker = yard.worker(watch=True, slots=2)
    ids = yard.flow.enqueue_many("work", [{"ms": 20}] * 4)
    yard.ended(*ids)
    children = {line.pid for line in yard.lines("S")}
    worker.kill()
    wait_gone(*children)
    yard.drain()
    assert yard.left_over() == []
