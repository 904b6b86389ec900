"""Steering: pause by tag and of running work, edit, bump, and inputs of what is retried."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.engine.cycle import Memory, tick
from bgo.model.options import RetryPolicy
from bgo.model.state import State
from tests.build import a_child, a_view
from tests.cli.conftest import Bgo, Lived
from tests.store.drive import an_asker


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def flow(known: None) -> TaskFlow:
    return TaskFlow()


def shown(bgo: Bgo, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = bgo("status", task_id, "--json").json
    return found


def claim(flow: TaskFlow) -> str:
    """Claim the next task for a worker that does nothing with it."""
    from bgo.clock import moment

    with flow.store.write() as session:
        now = moment(flow.clock, "boot")
        found = tick(session, an_asker(), a_view(), Memory(), [a_child()], lease_until=1 << 50, moment=now)
    (claimed,) = found.claims
    return claimed.task.id


# Pause.


def test_a_tag_is_paused_and_resumed(bgo: Bgo) -> None:
    old = bgo("enqueue", "echo", "--tag", "x", "-q").out.strip()
    assert bgo("pause", "--tag", "x").out == "paused tag x; undo: bgo resume --tag x\n"
    new = bgo("enqueue", "echo", "--tag", "x", "-q").out.strip()
    other = bgo("enqueue", "echo", "-q").out.strip()
    assert bgo("run", "-q").code == 0
    assert [shown(bgo, task)["state"] for task in (old, new, other)] == ["queued", "queued", "succeeded"]
    told = bgo("explain", old, "--json").json
    assert [gate["lift"] for gate in told["gates"] if not gate["open"]] == ["bgo resume --tag x"]
    assert "paused   tag x: bgo resume --tag x\n" in bgo("status").out
    assert bgo("resume", "--tag", "x", "--json").json == {
        "schema": 1, "kind": "tag", "value": "x", "paused": False, "running": False,
    }  # fmt: skip
    assert bgo("run", "-q").code == 0
    assert [shown(bgo, task)["state"] for task in (old, new)] == ["succeeded", "succeeded"]
    assert "the tag x was not paused" in bgo("resume", "--tag", "x").err


def test_running_work_is_shown_as_paused(bgo: Bgo, flow: TaskFlow) -> None:
    task = flow.enqueue("echo", {"message": "a"}, tags=["x"])
    assert claim(flow) == task
    assert shown(bgo, task)["paused"] is False
    done = bgo("pause", "--tag", "x", "--running")
    assert done.out == "paused tag x, what runs too; undo: bgo resume --tag x\n"
    assert shown(bgo, task)["paused"] is True
    assert "▶ running (paused)" in bgo("status", task).out
    assert "▶ running (paused)" in bgo("tasks").out
    assert "paused" in bgo("monitor", "--once").out
    assert "paused   tag x and what runs: bgo resume --tag x\n" in bgo("status").out
    assert bgo("pause", "--tag", "x", "--json").json["running"] is True  # a weaker pause takes nothing back
    done = bgo("resume", "--tag", "x", "--running")
    assert done.out == "what runs of tag x goes on; it is still paused: bgo resume --tag x\n"
    assert (shown(bgo, task)["paused"], bgo("status", "--json").json["paused"]) == (
        False,
        [{"kind": "tag", "value": "x", "running": False}],
    )
    assert bgo("resume", "--tag", "x").out == "resumed tag x\n"


def test_a_dry_run_sees_the_pause_of_a_tag(bgo: Bgo) -> None:
    bgo("pause", "--tag", "x")
    told = bgo("enqueue", "echo", "--tag", "x", "--dry-run", "--json").json
    assert {gate["gate"]: gate["open"] for gate in told["gates"]}["paused"] is False


# Edit.


def test_a_waiting_task_is_edited(bgo: Bgo, lived: Lived) -> None:
    done = bgo("edit", lived.ready[:8], "--priority", "high", "--queue", "low", "--delay", "1h")
    assert (done.code, done.out, done.err) == (0, f"{lived.ready} due time, priority, queue changed\n", "")
    task = shown(bgo, lived.ready)
    assert (task["queue"], task["priority"] > 0, task["state"]) == ("low", True, "queued")
    assert task["due_at"] > task["created_at"]
    again = bgo("edit", lived.ready, "--queue", "low", "--json")
    assert again.json == {"schema": 1, "id": lived.ready, "state": "queued", "changed": []}
    assert bgo("edit", lived.ready, "--queue", "low").out == f"{lived.ready} is so already\n"
    assert bgo("edit", lived.ready, "--delay", "0s", "-q").out == f"{lived.ready}\n"
    assert shown(bgo, lived.ready)["due_at"] < task["due_at"]


def test_input_is_merged_or_replaced(bgo: Bgo) -> None:
    task = bgo("enqueue", "sleep", "seconds=5", "--delay", "1h", "-q").out.strip()
    assert bgo("edit", task, "-i", "seconds=7.5", "--json").json["changed"] == ["input"]
    assert shown(bgo, task)["input"] == {"seconds": 7.5}
    echo = bgo("enqueue", "echo", "message=a", "extra=b", "--delay", "1h", "-q").out.strip()
    bgo("edit", echo, "-i", "message=c")
    assert shown(bgo, echo)["input"] == {"message": "c", "extra": "b"}
    bgo("edit", echo, "--input", '{"message": "d"}', "-i", "more=e")
    assert shown(bgo, echo)["input"] == {"message": "d", "more": "e"}


def test_input_must_fit_the_handler(bgo: Bgo) -> None:
    task = bgo("enqueue", "sleep", "seconds=5", "--delay", "1h", "-q").out.strip()
    for words in (("-i", "seconds=soon"), ("--input", '{"seconds": "soon"}')):
        done = bgo("edit", task, *words)
        assert (done.code, len(done.error)) == (2, 3)
    assert shown(bgo, task)["input"] == {"seconds": 5}


def test_input_of_a_handler_that_nobody_brings_is_not_checked(bgo: Bgo) -> None:
    task = bgo("enqueue", "later", "--allow-unknown", "-q").out.strip()
    assert bgo("edit", task, "-i", "a=b").code == 0
    assert shown(bgo, task)["input"] == {"a": "b"}


def test_what_has_ended_cannot_be_edited_or_bumped(bgo: Bgo, lived: Lived) -> None:
    for words in (("edit", lived.done, "--priority", "1"), ("bump", lived.done)):
        done = bgo(*words)
        assert (done.code, len(done.error)) == (4, 3)
        assert done.error[1] == "  why: it is succeeded"


# Bump.


def test_a_bumped_task_runs_first(bgo: Bgo, flow: TaskFlow) -> None:
    first, second, third = (flow.enqueue("echo", {"message": m}, delay=3600 if m == "c" else 0) for m in "abc")
    assert bgo("bump", third[:8]).out == f"{third} goes first\n"
    assert claim(flow) == third
    assert bgo("bump", second, "--json").json == {"schema": 1, "id": second, "state": "queued"}
    assert claim(flow) == second
    assert claim(flow) == first


def test_several_are_bumped_or_none(bgo: Bgo, flow: TaskFlow, lived: Lived) -> None:
    done = bgo("bump", lived.ready, lived.done)
    assert done.code == 4
    assert bgo("bump", lived.ready, lived.delayed, "-q").lines == [lived.ready, lived.delayed]
    assert [entry.event for entry in flow.history(flow_selector(lived.delayed), runs_only=False)] == ["bumped"]


def flow_selector(task_id: str) -> Any:
    from bgo.model.query import Selector

    return Selector(ids=(task_id,))


# The flow's own verbs.


def test_the_library_does_the_same(flow: TaskFlow) -> None:
    task = flow.enqueue("echo", {"message": "a"}, tags=["x"], retry=RetryPolicy.NONE)
    assert flow.edit(task, priority="high", queue="low", input={"message": "b"}) == ("input", "priority", "queue")
    assert flow.get(task).input == {"message": "b"}
    assert flow.bump(task) == [task]
    assert flow.pause(tag="x", running=True) == 0
    assert [pause.running for pause in flow.pauses()] == [True]
    flow.resume(tag="x")
    assert flow.pauses() == []
    assert flow.get(task).state is State.QUEUED


def test_dead_letters_are_retried_with_a_changed_input(bgo: Bgo, flow: TaskFlow) -> None:
    task = flow.enqueue("echo", {"message": "a", "n": 1}, delay=3600)
    bgo("cancel", task)
    assert bgo("retry", task, "-i", "message=b").code == 0
    assert shown(bgo, task)["input"] == {"message": "b", "n": 1}
    bgo("cancel", task)
    assert bgo("retry", task, "--input", '{"message": "c"}').code == 0
    assert shown(bgo, task)["input"] == {"message": "c"}


def test_a_stopped_run_is_explained_and_simulated_as_such(bgo: Bgo, flow: TaskFlow) -> None:
    task = flow.enqueue("echo", {"message": "a"}, tags=["x"])
    claim(flow)
    assert flow.explain(task).verdict == "running"
    flow.pause(tag="x")
    assert flow.explain(task).verdict == "running"  # it goes on, and only what is new is held
    flow.pause(queue="default", running=True)
    found = flow.explain(task)
    assert found.verdict == "running, but it stands still: it was paused"
    assert [hold.lift for hold in found.holds] == ["bgo resume --queue default"]
    played = bgo("simulate", "--for", "1h", "--json").json
    assert [(row["state"], row["ended_at"]) for row in played["rows"]] == [("running", None)]
