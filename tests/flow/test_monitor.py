"""What a program that watches is told: of one task, and of a name; every change of state, however fast it passed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice, pairwise

import pytest

import bgo
from bgo import TaskCancelled, TaskFailed, TaskQueued, TaskRetrying, TaskRunning, TaskStatus, TaskSucceeded
from bgo.errors import NotFoundError, UsageError
from bgo.model.query import Retention, Selector
from bgo.model.statuses import Status
from bgo.testing import ManualClock, drain
from tests.flow import watched


def kinds(statuses: Iterable[Status]) -> list[str]:
    """Return the names of statuses, without the dots between: progress may be told or not."""
    return [type(status).__name__.removeprefix("Task") for status in statuses]


def of(statuses: Iterable[Status], task_id: str) -> list[Status]:
    return [status for status in statuses if status.task_id == task_id]


def told(monitor: Iterable[Status], count: int) -> list[Status]:
    return list(islice(monitor, count))


def test_the_present_comes_first_and_the_end_last(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("steps")
    monitor = program.monitor_execution(task_id)
    assert next(monitor) == TaskQueued(task_id=task_id, name="steps")
    drain(program)
    assert list(monitor) == [
        TaskRunning(0.0, task_id=task_id, name="steps"),
        TaskSucceeded({"steps": 4}, task_id=task_id, name="steps"),
    ]
    assert list(monitor) == []
    assert kinds(program.monitor_execution(task_id)) == ["Succeeded"]


def test_progress_goes_forwards(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("steps", {"count": 5})
    monitor = program.monitor_execution(task_id)
    seen = [next(monitor)]
    watched.meanwhile.append(lambda: seen.append(next(monitor)))
    drain(program)
    seen += monitor
    running = [status for status in seen if isinstance(status, TaskRunning)]
    assert kinds(seen) == ["Queued", *["Running"] * len(running), "Succeeded"]
    assert [status.progress for status in running] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert [status.message for status in running] == [f"step {n}" for n in range(5)]


def test_a_retry_shows_between_though_nobody_looked(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    task_id = program.enqueue("shaky")
    monitor = program.monitor_execution(task_id)
    drain(program)
    due = bgo_clock.now + timedelta(seconds=10)
    drain(program, until_empty=True)
    found = list(monitor)
    assert kinds(found) == ["Queued", "Running", "Retrying", "Running", "Succeeded"]
    assert found[2] == TaskRetrying(2, due, task_id=task_id, name="shaky")


def test_of_many_retries_each_is_told(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    task_id = program.enqueue("shaky", {"until": 4})
    monitor = program.monitor_execution(task_id)
    drain(program, until_empty=True)
    found = list(monitor)
    assert kinds(found) == ["Queued", *["Running", "Retrying"] * 2, "Running", "Failed"]
    retries = [status for status in found if isinstance(status, TaskRetrying)]
    starts = [entry.started_at for entry in program.history(Selector(ids=(task_id,)))][::-1]
    assert [status.attempt for status in retries] == [2, 3]
    assert [round(status.next_at.timestamp() * 1000) for status in retries] == starts[1:]


def test_a_retry_that_waits_is_told_with_its_time(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    task_id = program.enqueue("shaky")
    drain(program)
    (status,) = told(program.monitor_execution(task_id), 1)
    assert status == TaskRetrying(2, bgo_clock.now + timedelta(seconds=10), task_id=task_id, name="shaky")


def test_a_failure_says_what_went_wrong(program: bgo.TaskFlow) -> None:
    monitor = program.monitor_execution(program.enqueue("broken"))
    drain(program)
    *_, last = monitor
    assert isinstance(last, TaskFailed)
    assert (last.error.type, str(last.error)) == ("LookupError", "LookupError: never works")


def test_a_cancel_says_by_what(program: bgo.TaskFlow) -> None:
    waiting, tagged = program.enqueue("steps"), program.enqueue("steps", tags=["t"])
    monitors = [program.monitor_execution(task_id) for task_id in (waiting, tagged)]
    program.cancel_execution(waiting)
    program.cancel_by_tag("t")
    assert [list(monitor)[-1] for monitor in monitors] == [
        TaskCancelled("user", task_id=waiting, name="steps"),
        TaskCancelled("tag", task_id=tagged, name="steps"),
    ]
    monitor = program.monitor_execution(program.enqueue("gives_up"))
    drain(program)
    assert kinds(monitor) == ["Queued", "Running", "Cancelled"]


def test_a_task_that_put_itself_off_waits_again(program: bgo.TaskFlow) -> None:
    monitor = program.monitor_execution(program.enqueue("naps"))
    drain(program, until_empty=True)
    assert kinds(monitor) == ["Queued", "Running", "Queued", "Running", "Succeeded"]


def test_what_waits_for_others_is_queued(program: bgo.TaskFlow) -> None:
    first = program.enqueue("broken")
    after = program.enqueue("steps", after=[first])
    monitor = program.monitor_execution(after)
    assert kinds(told(monitor, 1)) == ["Queued"]
    drain(program)
    (last,) = monitor
    assert isinstance(last, TaskFailed)
    assert last.error.type == "UpstreamFailed"


def test_expiry_shows_as_soon_as_it_is_true(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    task_id = program.enqueue("steps", start_before=timedelta(minutes=5))
    later = program.enqueue("steps")
    one, all_of_it = program.monitor_execution(task_id), program.monitor("steps")
    assert (kinds(told(one, 1)), kinds(told(all_of_it, 2))) == (["Queued"], ["Queued"] * 2)
    bgo_clock.advance(301)
    expired = TaskCancelled("expired", task_id=task_id, name="steps")
    assert (list(one), next(all_of_it)) == ([expired], expired)
    assert kinds(program.monitor_execution(task_id)) == ["Cancelled"]
    assert [status.task_id for status in told(program.monitor("steps"), 1)] == [later]
    drain(program)  # which records it
    assert told(all_of_it, 2)[-1] == TaskSucceeded({"steps": 4}, task_id=later, name="steps")


def test_a_clock_that_is_set_back_makes_what_has_expired_run(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    program.enqueue("steps", start_before=timedelta(minutes=5))
    monitor = program.monitor("steps")
    bgo_clock.advance(301)
    assert kinds(told(monitor, 2)) == ["Queued", "Cancelled"]
    bgo_clock.step_wall_ms(-200_000)
    drain(program)
    assert kinds(told(monitor, 2)) == ["Running", "Succeeded"]


def test_a_revive_comes_after_the_end(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("broken")
    one, all_of_it = program.monitor_execution(task_id), program.monitor("broken")
    drain(program)
    program.retry_where(Selector(ids=(task_id,)))
    assert kinds(one) == ["Queued", "Running", "Failed"]
    assert kinds(told(all_of_it, 4)) == ["Queued", "Running", "Failed", "Queued"]


def test_what_is_pruned_meanwhile_ends_quietly(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    monitor = program.monitor_execution(program.enqueue("steps"))
    drain(program)
    bgo_clock.advance(60)
    assert program.prune(Retention(finished_ms=1, failed_ms=1)) == 1
    assert kinds(monitor) == ["Queued"]


def test_a_name_tells_of_what_is_unfinished_and_of_what_comes(program: bgo.TaskFlow) -> None:
    program.enqueue("steps")
    drain(program)
    old = program.enqueue("shaky", as_="steps")
    program.enqueue("broken")
    with program.monitor("steps") as monitor:
        assert told(monitor, 1) == [TaskQueued(task_id=old, name="steps")]
        new = [program.enqueue("steps"), program.enqueue("steps")]
        program.enqueue("broken")
        assert told(monitor, 2) == [TaskQueued(task_id=task_id, name="steps") for task_id in new]
        last = program.enqueue("steps")
        drain(program, until_empty=True)
        found = told(monitor, 4 + 2 + 2 + 3)
    assert kinds(of(found, old)) == ["Running", "Retrying", "Running", "Succeeded"]
    assert [kinds(of(found, task_id)) for task_id in new] == [["Running", "Succeeded"]] * 2
    assert kinds(of(found, last)) == ["Queued", "Running", "Succeeded"]


def test_a_name_tells_of_progress_and_of_many(program: bgo.TaskFlow) -> None:
    monitor = program.monitor("steps")
    made = program.enqueue_many("steps", [{"count": 2}] * 1_203)
    assert [status.task_id for status in told(monitor, 1_203)] == made
    for task_id in made[1:]:
        program.cancel_execution(task_id)
    assert [status.task_id for status in told(monitor, 1_202)] == made[1:]
    seen: list[Status] = []
    watched.meanwhile.append(lambda: seen.append(next(monitor)))
    drain(program)
    assert [status.progress for status in seen if isinstance(status, TaskRunning)] == [0.0, 0.5]
    assert kinds([next(monitor)]) == ["Succeeded"]


def test_two_who_watch_are_told_the_same(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("shaky")
    one, other = program.monitor_execution(task_id), program.monitor_execution(task_id)
    first = next(one)
    drain(program, until_empty=True)
    assert [first, *one] == list(other)


def test_a_closed_monitor_has_ended(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("steps")
    with program.monitor_execution(task_id) as monitor:
        pass
    assert list(monitor) == []
    assert program.get(task_id).state == "queued"
    endless = program.monitor("steps")
    for status in endless:
        assert status.task_id == task_id
        endless.close()


def test_unknown_ids_are_refused_at_the_call(program: bgo.TaskFlow) -> None:
    task_id = program.enqueue("steps")
    with pytest.raises(NotFoundError):
        program.monitor_execution("9zzzzzzzzzzz")
    with pytest.raises(UsageError):
        program.monitor("not a name")
    assert [next(program.monitor_execution(word)).task_id for word in (task_id[:6], "@last")] == [task_id] * 2


def test_it_goes_on_when_the_store_was_closed_between(program: bgo.TaskFlow) -> None:
    monitor = program.monitor_execution(program.enqueue("steps"))
    next(monitor)
    program.close()
    drain(program)
    assert kinds(monitor) == ["Running", "Succeeded"]


def test_who_waits_for_ever_in_a_test_is_told(program: bgo.TaskFlow) -> None:
    monitor = program.monitor_execution(program.enqueue("steps"))
    next(monitor)
    with pytest.raises(AssertionError, match="drain"):
        next(monitor)


def test_statuses_are_matched_by_class_place_and_keyword() -> None:
    whose = {"task_id": "1", "name": "n"}
    statuses: list[TaskStatus] = [
        TaskRunning(0.5, "half", **whose), TaskSucceeded({"a": 1}, **whose), TaskCancelled("user", **whose),
    ]  # fmt: skip
    found: list[object] = []
    for status in statuses:
        match status:
            case TaskRunning(progress, message=text):
                found.append((progress, text))
            case TaskSucceeded({"a": value}, task_id=which):
                found.append((value, which))
            case TaskStatus(name=name):
                found.append((name, status.is_final))
    assert found == [(0.5, "half"), (1, "1"), ("n", True)]
    assert all(issubclass(a, TaskStatus) for a in (TaskQueued, TaskRunning, TaskRetrying, TaskFailed))
    with pytest.raises(AttributeError):
        statuses[0].name = "other"  # type: ignore[misc]


def test_a_history_answers_to_the_names_of_a_status(program: bgo.TaskFlow) -> None:
    program.enqueue("shaky", as_="other")
    drain(program, until_empty=True)
    found = program.get_history("other")
    assert [(e.task_name, e.status) for e in found] == [("other", "succeeded"), ("other", "retrying")]
    assert all(a.at >= b.at for a, b in pairwise(found))
