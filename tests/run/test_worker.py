"""Real workers: what they start, how long they go on, and what is kept of what they print and report."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from bgo.model.limits import ConcurrencyControl
from bgo.model.options import RetryPolicy, TaskTimeout
from bgo.model.outcome import TaskError
from bgo.model.state import State
from tests.run.kit import wait_until
from tests.run.yard import Yard, a_yard, knock, open_gate


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found
        # Whatever a test was about: a store that no worker uses is left clean.
        if not any(worker.is_running for worker in found.workers):
            assert found.left_over() == []


def execute(yard: Yard, code: str, **options: Any) -> str:
    return yard.flow.enqueue("execute", {"code": code}, **options)


def error_of(yard: Yard, task_id: str) -> TaskError:
    error = yard.flow.get(task_id).error
    assert error is not None
    return error


# --- how long a run goes on ------------------------------------------------------------------------------------------


def test_a_plain_run_drains_and_says_what_waits(yard: Yard) -> None:
    done = yard.flow.enqueue_many("work", [{"ms": 0}] * 6)
    later = yard.flow.enqueue("work", delay=3600)
    again = execute(yard, "raise OSError('no')", retry=RetryPolicy.custom(delays=[3600]))
    report = yard.drain()
    assert (report["started"], report["succeeded"], report["retried"]) == (7, 6, 1)
    assert (report["waiting"]["retrying"], report["waiting"]["delayed"], report["waiting"]["held"]) == (1, 1, {})
    assert [yard.state(i)[0] for i in done] == [State.SUCCEEDED] * 6
    assert yard.state(later) == (State.QUEUED, "new")
    assert yard.state(again) == (State.RETRYING, "error")


def test_until_empty_waits_for_retries_and_delays(yard: Yard) -> None:
    again = execute(yard, "if ctx.attempt < 3: raise OSError('no')", retry=RetryPolicy.custom(delays=[0.1, 0.1]))
    later = yard.flow.enqueue("work", delay=0.2)
    report = yard.drain(until_empty=True)
    assert (report["succeeded"], report["retried"]) == (2, 2)
    assert yard.flow.get(again).task.attempt == 3
    assert yard.state(later)[0] is State.SUCCEEDED


def test_a_watching_worker_is_woken_by_an_enqueue() -> None:
    with a_yard(poll_ms=60_000) as yard:  # the FIFO is all it can hear within this test's patience
        worker = yard.worker(watch=True)
        yard.ended(yard.flow.enqueue("work"))
        yard.ended(yard.flow.enqueue("work"))
        assert worker.end(signal.SIGTERM) == 0
        assert worker.report["stopped_by"] == "SIGTERM"


def test_a_worker_that_hears_no_bell_looks_by_itself(yard: Yard) -> None:
    worker = yard.worker(watch=True, slots=1)
    yard.ended(yard.flow.enqueue("work"))
    for fifo in yard.flow.settings.run_dir.glob("*.fifo"):
        fifo.unlink()
    yard.ended(yard.flow.enqueue("work"))
    assert worker.end(signal.SIGTERM) == 0


def test_max_tasks_starts_no_more(yard: Yard) -> None:
    yard.flow.enqueue_many("work", [{}] * 5)
    assert yard.drain(max_tasks=2, slots=4)["started"] == 2
    assert len(yard.lines("S")) == 2


def test_a_run_for_no_time_claims_nothing_and_a_watch_for_some_time_ends(yard: Yard) -> None:
    task = yard.flow.enqueue("work")
    assert yard.drain(for_ms=0)["started"] == 0
    assert yard.drain(for_ms=300, watch=True)["started"] <= 1  # a slow machine may not get to it
    yard.drain()
    assert yard.state(task)[0] is State.SUCCEEDED


def test_only_executes_what_is_named(yard: Yard) -> None:
    others = yard.flow.enqueue_many("work", [{}] * 3)
    mine = execute(yard, "if ctx.attempt == 1: raise OSError('no')", retry=RetryPolicy.custom(delays=[0.1]))
    yard.flow.enqueue("work", delay=3600)  # not waited for
    report = yard.drain(only=[mine], until_empty=True, slots=1)
    assert report["started"] == 2
    assert yard.state(mine)[0] is State.SUCCEEDED
    assert {yard.state(i)[0] for i in others} == {State.QUEUED}


def test_a_work_directory_is_kept_across_attempts_and_goes_with_success(yard: Yard) -> None:
    once = "p = ctx.workdir / 'seen'; seen = p.exists(); p.write_text('1')\nif not seen: raise OSError('once more')"
    task = execute(yard, once, retry=RetryPolicy.custom(delays=[0.1]))
    fails = execute(yard, "ctx.workdir.joinpath('kept').write_text('1'); raise OSError('no')")
    yard.drain(until_empty=True)
    assert yard.state(task)[0] is State.SUCCEEDED
    work = yard.flow.settings.work_dir
    wait_until(lambda: not (work / task).exists(), "the work directory is gone")
    assert (work / fails / "kept").exists()


def test_until_empty_does_not_wait_for_the_queues_of_others(yard: Yard) -> None:
    mine = yard.flow.enqueue("work", queue="high", delay=0.2)
    theirs = yard.flow.enqueue("work", queue="low", delay=3600)
    assert yard.drain(queues=["high"], until_empty=True)["started"] == 1
    assert (yard.state(mine)[0], yard.state(theirs)[0]) == (State.SUCCEEDED, State.QUEUED)


def test_a_worker_serves_its_queues_alone(yard: Yard) -> None:
    high, low = yard.flow.enqueue("work", queue="high"), yard.flow.enqueue("work", queue="low")
    report = yard.drain(queues=["high"])
    assert report["waiting"]["held"] == {"queue": 1}
    assert (yard.state(high)[0], yard.state(low)[0]) == (State.SUCCEEDED, State.QUEUED)


# --- slots -----------------------------------------------------------------------------------------------------------


def most_at_once(yard: Yard) -> int:
    """Return how many handlers ran at the same time, by the ledger."""
    running = most = 0
    for line in sorted(yard.lines("S", "F"), key=lambda line: line.at):
        running += 1 if line.kind == "S" else -1
        most = max(most, running)
    return most


def test_two_runs_share_the_slots_of_the_host() -> None:
    with a_yard(slots=2) as yard:
        ids = yard.flow.enqueue_many("work", [{"ms": 40}] * 16)
        workers = [yard.worker(watch=True) for _ in range(2)]
        yard.ended(*ids)
        assert most_at_once(yard) == 2
        assert [worker.end(signal.SIGTERM) for worker in workers] == [0, 0]


def test_a_run_with_slots_of_its_own_counts_its_own_alone() -> None:
    with a_yard(slots=1) as yard:
        gate = yard.fifo("gate")
        first, second = (yard.flow.enqueue("gated", {"gate": gate}) for _ in range(2))
        shared = yard.worker(watch=True)
        yard.started(first)
        own = yard.worker(watch=True, slots=1)
        yard.started(second)
        wait_until(lambda: knock(gate) or len(yard.lines("F")) == 2, "both have ended")
        yard.ended(first, second)
        assert [worker.end(signal.SIGTERM) for worker in (shared, own)] == [0, 0]


def test_until_empty_waits_for_a_slot_that_another_worker_has() -> None:
    with a_yard(slots=1) as yard:
        gate = yard.fifo("gate")
        first, second = yard.flow.enqueue("gated", {"gate": gate}), yard.flow.enqueue("work")
        other = yard.worker(max_tasks=1)
        yard.started(first)
        patient, hasty = yard.worker(until_empty=True), yard.worker()
        assert hasty.end() == 0  # a second run from cron does not pile up behind the first
        assert yard.state(second)[0] is State.QUEUED
        open_gate(gate)
        assert (other.end(), patient.end()) == (0, 0)
        assert [yard.state(i)[0] for i in (first, second)] == [State.SUCCEEDED] * 2


def test_a_concurrency_limit_holds_over_workers(yard: Yard) -> None:
    one = ConcurrencyControl(1, key="printer")
    ids = yard.flow.enqueue_many("work", [{"ms": 15}] * 12, concurrency=one)
    reports = [yard.worker(slots=3, until_empty=True) for _ in range(2)]
    yard.ended(*ids)
    assert [worker.end() for worker in reports] == [0, 0]
    assert most_at_once(yard) == 1


# --- what they print and report --------------------------------------------------------------------------------------


def test_a_handler_that_closes_its_output_ends_well_and_the_next_one_can_print(yard: Yard) -> None:
    closes = execute(yard, "import os, time; os.close(1); os.close(2); time.sleep(0.1)")
    prints = execute(yard, "print('heard')")
    assert yard.drain(slots=1)["succeeded"] == 2
    assert yard.state(closes)[0] is State.SUCCEEDED
    assert yard.flow.logs(prints) == b"heard\n"


def test_output_is_kept_with_its_head_and_its_tail(yard: Yard) -> None:
    code = "import sys\nfor n in range(400_000): sys.stdout.write(f'line {n}\\n')"
    task = execute(yard, code)
    yard.drain()
    log = yard.flow.logs(task)
    assert log.startswith(b"line 0\nline 1\n")
    assert log.endswith(b"line 399998\nline 399999\n")
    assert b"bytes left out here" in log
    assert len(log) < (1 << 20) + 200


def test_each_task_has_its_own_output(yard: Yard) -> None:
    ids = [execute(yard, f"print('I am {n}'); import os; os.system('echo and {n}')") for n in range(6)]
    yard.drain(slots=2)
    assert [yard.flow.logs(i) for i in ids] == [b"I am %d\nand %d\n" % (n, n) for n in range(6)]


def test_a_flood_of_output_keeps_no_timer_from_firing(yard: Yard) -> None:
    task = yard.flow.enqueue("shell", argv=["sh", "-c", "yes & yes & yes"], timeout=TaskTimeout(hard=0.3))
    other = yard.flow.enqueue("work")
    yard.drain()
    assert yard.state(task) == (State.FAILED, "hard_timeout")
    assert yard.state(other)[0] is State.SUCCEEDED


def test_a_flood_of_progress_keeps_its_last_value(yard: Yard) -> None:
    task = execute(yard, "for n in range(100_000): ctx.report_progress(n / 99_999, f'step {n}')")
    worker = yard.worker()
    assert worker.end() == 0
    view = yard.flow.get(task)
    assert (view.task.progress, view.task.progress_message) == (1.0, "step 99999")
    assert yard.events_of(task) == [("succeed", 1)]
    assert len(worker.events("progress")) < 1000


def test_what_a_thread_left_behind_says_is_not_taken_for_the_next_task(yard: Yard) -> None:
    speaks = """
import threading, time
def speak(ctx=ctx, time=time):
    while True:
        ctx.checkpoint({"of": ctx.task_id}); ctx.report_progress(0.9, "left behind"); time.sleep(0.001)
threading.Thread(target=speak, daemon=True).start()
"""
    first = execute(yard, speaks)
    gate = yard.fifo("gate")
    second = execute(yard, f"print('go'); open({gate!r}, 'rb').read(); result = {{'restored': ctx.restored}}")
    worker = yard.worker(slots=1)
    yard.ended(first)
    yard.until(second, State.RUNNING)
    wait_until(lambda: yard.flow.logs(second), "the second one runs")
    open_gate(gate)
    yard.ended(second)
    view = yard.flow.get(second)
    assert (view.task.progress, view.task.checkpoint_ref) == (None, None)
    assert worker.end() == 0


def test_a_run_says_what_it_did_as_it_does_it(yard: Yard) -> None:
    task = yard.flow.enqueue("work", {"ms": 200, "how": "steps"})
    worker = yard.worker()
    assert worker.end() == 0
    kinds = [event["type"] for event in worker.events() if event["id"] == task]
    assert kinds[0] == "started"
    assert kinds[-1] == "succeed"
    assert set(kinds[1:-1]) == {"progress"}
