"""One flow in several threads, and in processes that were forked from one program."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo import TaskFlow
from bgo.config import Flags, load
from bgo.model.state import State


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[TaskFlow]:
    settings = load(Flags(no_plugins=True), env={"BGO_HOME": str(tmp_path)})
    with TaskFlow(settings=settings) as found:
        yield found


def test_a_wait_hears_what_another_thread_of_its_program_does(flow: TaskFlow) -> None:
    """Both work through one connection, whose own commits SQLite does not report."""
    task_id = flow.enqueue("echo", delay=3600)
    looked = threading.Event()
    helper = threading.Thread(target=lambda: (looked.wait(), flow.cancel_execution(task_id)))
    helper.start()
    (view,) = flow.wait_for([task_id], timeout=20, on_wait=lambda _: looked.set())
    helper.join()
    assert view.state is State.CANCELLED


def test_programs_that_fork_before_their_first_task_draw_ids_of_their_own(flow: TaskFlow, tmp_path: Path) -> None:
    """As a web server does that imports the application once and then forks its workers."""
    flow.catalogue()
    assert flow._rng.random() >= 0
    for name in ("one", "two"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner
            pid = os.fork()
        if pid == 0:
            code = 1
            try:
                (tmp_path / name).write_text("\n".join(flow.enqueue_many("echo", [{}] * 3)))
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    ids = [line for name in ("one", "two") for line in (tmp_path / name).read_text().split()]
    assert len(set(ids)) == 6
    assert {view.id for view in flow.get_all_tasks()} == set(ids)
