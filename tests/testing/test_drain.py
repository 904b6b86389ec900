"""Drain: the real engine, handlers inline, a clock that jumps."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

import bgo
from bgo.errors import RefusedError, TaskFailedError
from bgo.model.outcome import CancelledRun, Failed, Rejected, RetryAsked, Snoozed, Succeeded, TimedOut
from bgo.testing import ManualClock, TooManyRunsError, drain
from tests.testing import shop


def test_what_is_due_is_run_and_recorded(flow: bgo.TaskFlow) -> None:
    task_id = shop.greet.enqueue(user="ann", times=2)
    report = drain(flow)
    (run,) = report
    assert (run.id, run.name, run.input, run.attempt) == (task_id, "greet", {"user": "ann", "times": 2}, 1)
    assert (run.state, run.output) == ("succeeded", {"greeted": ["ann", "ann"]})
    assert isinstance(run.outcome, Succeeded)
    assert (run.log, run.call.progress) == ([("info", "hello ann")], [(0.5, "halfway")])
    assert flow.wait(task_id) == {"greeted": ["ann", "ann"]}
    assert flow.logs(task_id) == b"[info] hello ann\n"
    assert [(e.event, e.state, e.worker) for e in flow.get_history("greet")] == [("succeed", "succeeded", "testing")]
    assert report.check() is report


def test_what_tasks_enqueue_is_run_too(flow: bgo.TaskFlow) -> None:
    shop.fan_out.enqueue(count=3)
    report = drain(flow)
    assert [run.name for run in report] == ["fan_out", "slow", "slow", "slow"]
    assert [run.output for run in report.of("slow")] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_retry_waits_for_its_time(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    shop.shaky.enqueue()
    report = drain(flow)
    assert [run.state for run in report] == ["retrying"]
    assert isinstance(report[0].exception, ConnectionError)
    (left,) = report.later
    assert (left.name, left.gates, left.is_due) == ("shaky", ("due",), False)
    assert "retry delay" in str(left)
    bgo_clock.advance(9.9)
    assert len(drain(flow)) == 0
    bgo_clock.advance(timedelta(milliseconds=100))
    assert drain(flow)[0].attempt == 2


def test_until_empty_jumps_to_every_retry(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    began = bgo_clock.now
    shop.shaky.enqueue()
    flow.enqueue("greet", {"user": "bob"}, delay=3600)
    report = drain(flow, until_empty=True)
    assert [run.state for run in report] == ["retrying", "retrying", "succeeded", "succeeded"]
    assert bgo_clock.now - began == timedelta(hours=1)
    assert [run.task.task.attempt for run in report.of("shaky")] == [1, 2, 3]
    assert report.check()


def test_a_final_failure_is_told(flow: bgo.TaskFlow) -> None:
    shop.broken.enqueue()
    report = drain(flow)
    assert report.failed == list(report)
    assert report[0].error is not None
    assert (report[0].error.type, report[0].error.message) == ("LookupError", "never works")
    assert "shop.py" in report[0].error.trace
    assert "inline.py" not in report[0].error.trace
    with pytest.raises(AssertionError, match="LookupError: never works"):
        report.check()


def test_errors_are_raised_when_asked(flow: bgo.TaskFlow) -> None:
    task_id = shop.broken.enqueue()
    with pytest.raises(LookupError, match="never works"):
        drain(flow, raise_errors=True)
    view = flow.get_status(task_id)
    assert view is not None
    assert view.state == "failed"
    flow.enqueue("odd", {"what": "failure"})
    with pytest.raises(TaskFailedError, match="no stock"):
        drain(flow, raise_errors=True)


@pytest.mark.parametrize(
    ("what", "kind", "state"),
    [
        ("failure", Failed, "failed"),
        ("retry", RetryAsked, "retrying"),
        ("text", Failed, "failed"),
        ("set", Failed, "failed"),
        ("tuple", Succeeded, "succeeded"),
        ("exit", Failed, "failed"),
    ],
)
def test_answers_mean_what_they_mean_in_a_child(flow: bgo.TaskFlow, what: str, kind: type, state: str) -> None:
    flow.enqueue("odd", {"what": what})
    (run,) = drain(flow)
    assert (type(run.outcome), run.state) == (kind, state)
    assert what != "tuple" or run.output == {"a": [1, 2]}
    assert state != "failed" or run.error is not None


def test_checkpoints_and_the_work_directory_are_kept_across_attempts(flow: bgo.TaskFlow) -> None:
    task_id = shop.in_parts.enqueue()
    report = drain(flow, until_empty=True)
    assert report[-1].output == {"done": [1, 2], "files": 3}
    assert report[0].call.checkpoints == [[1]]
    assert isinstance(report[0].exception, OSError)
    assert task_id in str(report)


def test_time_that_passes_in_a_handler_counts(flow: bgo.TaskFlow) -> None:
    flow.enqueue("late", {"takes": 50})
    flow.enqueue("late", {"takes": 61})
    fine, over = drain(flow)
    assert fine.output == {"before": 60.0, "after": 10.0, "told": True}
    assert isinstance(over.outcome, TimedOut)
    assert (over.state, over.task.task.reason) == ("failed", "hard_timeout")


def test_a_cancel_reaches_the_running_handler(flow: bgo.TaskFlow) -> None:
    shop.gives_up.enqueue()
    (run,) = drain(flow)
    assert isinstance(run.outcome, CancelledRun)
    assert (run.state, run.task.task.reason) == ("cancelled", "user")


def test_an_endless_snooze_is_ended_with_a_clear_word(flow: bgo.TaskFlow) -> None:
    shop.nap.enqueue()
    (run,) = drain(flow)
    assert (type(run.outcome), run.state, run.task.task.reason) == (Snoozed, "queued", "snooze")
    with pytest.raises(TooManyRunsError, match=r"20 runs, and there is still more(.|\n)*20 of them were of nap"):
        drain(flow, until_empty=True, max_runs=20)
    assert flow.get_status("nap").state == "queued"  # type: ignore[union-attr]


def test_an_input_that_no_longer_fits_is_rejected(flow: bgo.TaskFlow) -> None:
    flow.enqueue("greet", {"user": "ann"})
    handler = flow.handlers.pop("greet")
    flow.register_handler("greet", shop.odd)
    try:
        (run,) = drain(flow)
    finally:
        flow.handlers["greet"] = handler
    assert isinstance(run.outcome, Rejected)


def test_installed_handlers_run_too(flow: bgo.TaskFlow) -> None:
    flow.enqueue("echo", {"message": "hi"})
    assert drain(flow).check()[0].output == {"message": "hi"}


def test_it_runs_where_it_was_enqueued(flow: bgo.TaskFlow, tmp_path: Path) -> None:
    here = os.getcwd()
    gone = tmp_path / "gone"
    gone.mkdir()
    flow.enqueue("slow", cwd=str(gone))
    gone.rmdir()
    (run,) = drain(flow)
    assert run.error is not None
    assert (run.error.type, os.getcwd()) == ("WorkingDirectoryGone", here)


def test_an_async_test_may_drain(flow: bgo.TaskFlow) -> None:
    async def body() -> None:
        shop.slow.enqueue(n=7)
        shop.greet.enqueue(user="ann")
        assert [run.state for run in drain(flow)] == ["succeeded", "succeeded"]

    asyncio.run(body())


def test_the_tests_own_words_pass_through(flow: bgo.TaskFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = shop.greet.enqueue(user="ann")
    for error in (KeyboardInterrupt, pytest.fail.Exception):

        def stop(*_: object, error: type[BaseException] = error) -> None:
            raise error("stop")

        monkeypatch.setattr(bgo.TaskContext, "log", stop)
        with pytest.raises(error):
            drain(flow)
        assert flow.get(task_id).state == "queued"
    monkeypatch.undo()
    assert len(drain(flow)) == 1


def test_a_flow_on_the_users_ground_is_never_drained() -> None:
    with pytest.raises(RefusedError, match="not isolated"):
        drain(bgo.TaskFlow())
