"""Real workers and bad work: what cannot be read, run, recorded or started costs its own task and no other."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo.model.options import RetryPolicy
from bgo.model.outcome import TaskError
from bgo.model.state import State
from tests.run.yard import Yard, a_yard


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


# --- work that cannot be done ----------------------------------------------------------------------------------------


def test_a_task_without_its_handler_is_held_and_never_failed(yard: Yard) -> None:
    task = yard.flow.enqueue("nobody.has.it", allow_unknown=True)
    assert yard.drain()["waiting"]["held"] == {"handler": 1}
    assert yard.state(task) == (State.QUEUED, "new")
    assert yard.history(task) == []


def test_a_working_directory_that_is_gone_rejects_the_task(yard: Yard, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    task = yard.flow.enqueue("work", cwd=str(gone))
    gone.rmdir()
    yard.drain()
    assert yard.state(task) == (State.FAILED, "rejected")
    assert error_of(yard, task).type == "WorkingDirectoryGone"
    assert yard.lines("S") == []


def test_a_payload_that_cannot_be_read_ends_its_task_and_hurts_no_other(yard: Yard) -> None:
    bad, good = yard.flow.enqueue("work", {"ms": 1}), yard.flow.enqueue("work", {"ms": 2})
    with yard.flow.store.upkeep() as db:
        db.execute("UPDATE payload SET bytes = x'ff7b' WHERE id = (SELECT input FROM task WHERE id = ?)", (bad,))
    yard.drain()
    assert yard.state(bad) == (State.FAILED, "rejected")
    assert [row.error.type for row in yard.history(bad) if row.error] == ["UnreadablePayload"]
    assert yard.state(good)[0] is State.SUCCEEDED


FORGED = "ctx._send({'t': %r, **%r})"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("progress", {"fraction": "half", "message": ""}),
        ("progress", {"fraction": 7, "message": ""}),
        ("progress", {"fraction": 0.5}),
        ("checkpoint", {}),
        ("done", {"outcome": {"k": "succeeded", "output": 3}}),
    ],
)
def test_a_frame_that_makes_no_sense_costs_its_own_child(yard: Yard, kind: str, fields: dict[str, Any]) -> None:
    bad, good = execute(yard, FORGED % (kind, fields) + "; import time; time.sleep(60)"), yard.flow.enqueue("work")
    assert yard.drain(slots=1)["succeeded"] == 1
    assert yard.state(bad) == (State.FAILED, "crash")
    assert "makes no sense" in error_of(yard, bad).trace
    assert yard.state(good)[0] is State.SUCCEEDED


def test_an_outcome_that_cannot_be_recorded_becomes_a_rejection(yard: Yard) -> None:
    bad = execute(yard, FORGED % ("done", {"outcome": {"k": "snoozed", "after_ms": 1 << 70}}))
    good = yard.flow.enqueue("work")
    yard.drain(slots=2)
    assert yard.state(bad) == (State.FAILED, "rejected")
    assert error_of(yard, bad).type == "UnrecordableOutcome"
    assert yard.state(good)[0] is State.SUCCEEDED


CRASHES = {
    "os._exit(3)": "exit code 3",
    "os.kill(os.getpid(), 9)": "signal 9",
    "os.abort()": "signal 6",
    "os.closerange(3, 4096); time.sleep(60)": "signal 9",  # it notices itself that nobody can hear it any more
}


@pytest.mark.parametrize("code", CRASHES)
def test_a_child_that_dies_is_a_crash_and_hurts_no_other(yard: Yard, code: str) -> None:
    bad, good = execute(yard, f"import os, time; {code}"), yard.flow.enqueue("work")
    assert yard.drain(slots=1)["succeeded"] == 1
    assert yard.state(bad) == (State.FAILED, "crash")
    error = error_of(yard, bad)
    assert CRASHES[code] in error.message + error.trace
    assert yard.state(good)[0] is State.SUCCEEDED


def test_a_crash_is_retried_by_the_policy(yard: Yard) -> None:
    code = "import os\nif ctx.attempt == 1: os.kill(os.getpid(), 9)"
    task = execute(yard, code, retry=RetryPolicy.custom(delays=[0]))
    yard.drain(until_empty=True)
    assert yard.events_of(task) == [("retry", 1), ("succeed", 2)]


def test_a_handler_that_comes_back_twice_has_one_outcome(yard: Yard) -> None:
    task = execute(yard, "import os; result = {'pid': os.fork()}")
    yard.drain()
    assert yard.events_of(task) == [("succeed", 1)]
    assert yard.flow.get(task).output["pid"] > 0


# --- children that cannot start --------------------------------------------------------------------------------------


def test_children_that_cannot_start_end_the_worker_with_their_last_words(yard: Yard, tmp_path: Path) -> None:
    code = "import sys\nif any(w.endswith('run/child.py') for w in sys.orig_argv): raise SystemExit('no child today')\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    task = yard.flow.enqueue("work")
    worker = yard.worker(env={"PYTHONPATH": f"{yard.env['PYTHONPATH']}{os.pathsep}{tmp_path}"})
    assert worker.end() == 78
    assert worker.report["message"].startswith("children cannot start: 5 in a row")
    assert worker.report["why"].endswith("no child today")
    assert yard.state(task) == (State.QUEUED, "new")
    assert yard.flow.get(task).task.run == 0


def test_a_killed_idle_child_is_replaced(yard: Yard) -> None:
    worker = yard.worker(watch=True, slots=1)
    yard.ended(yard.flow.enqueue("work"))
    fd = os.pidfd_open(yard.lines("S")[-1].pid)
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    select.select([fd], [], [])
    os.close(fd)
    task = yard.flow.enqueue("work")
    yard.ended(task)
    assert yard.state(task)[0] is State.SUCCEEDED
    assert worker.end(signal.SIGTERM) == 0
