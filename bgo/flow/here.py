"""One task, executed here and now: a worker for it alone, again after each delay, until it has ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from bgo.errors import WaitTimeoutError
from bgo.model.state import State
from bgo.run.bench import RunOptions

if TYPE_CHECKING:
    from bgo.flow.running import Running
    from bgo.model.views import TaskView
    from bgo.run.report import Listener


def run_here(
    flow: Running, task_id: str, listener: Listener | None, on_wait: Callable[[TaskView], None] | None
) -> tuple[TaskView, str]:
    """Execute one task with its retries; return it and the signal that ended this early.

    It needs no slot of the host. A task that another worker was quicker to take is waited for.
    """
    if flow.get(task_id).task.kind != "task":
        return _run_flow(flow, task_id, listener)
    options = RunOptions(slots=1, only=frozenset({task_id}), grace_ms=0)
    while True:
        report = flow.run(options, listener=listener)
        view = flow.get(task_id)
        if view.is_final or report.stopped_by:
            return view, report.stopped_by
        wait_ms = view.task.due_at - flow.clock.now_ms()
        if view.state is State.RUNNING:
            timeout = None
        elif wait_ms > 0:
            timeout = wait_ms / 1000
        elif not report.started:
            return view, ""  # due, and yet not started: its holds say why
        else:
            continue
        if on_wait is not None:
            on_wait(view)
        with suppress(WaitTimeoutError):
            flow.wait_for([task_id], timeout=timeout)
        if (view := flow.get(task_id)).is_final:
            return view, ""


def _run_flow(flow: Running, node_id: str, listener: Listener | None) -> tuple[TaskView, str]:
    """Execute a chain or batch as far as it goes now: its delays and retries are waited for, holds are not."""
    options = RunOptions(slots=flow.settings.slots, only=frozenset({node_id}), until_empty=True, grace_ms=0)
    report = flow.run(options, listener=listener)
    return flow.get(node_id), report.stopped_by
