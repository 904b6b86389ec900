"""How tasks, chains and batches come to no good end, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.errors import TaskFailedError

if TYPE_CHECKING:
    from bgo.model.views import TaskView


def failure(view: TaskView) -> TaskFailedError:
    """Return the error that says how a task came to no good end."""
    error, kind = view.error, view.task.kind
    said = "" if error is None else f": {error.message}" if kind != "task" else f": {error.type}: {error.message}"
    look = f"bgo logs {view.id}" if kind == "task" else f"bgo status {view.id}"
    return TaskFailedError(
        f"{kind} {view.id} ({view.task.name}) {view.state}{said}",
        why=_reason(view),
        hint=f"{look}; bgo retry {view.id}" + ("" if kind == "task" else " goes on from where it failed"),
    )


WHY = {
    "error": "its handler failed",
    "asked": "its handler asked for more tries than it has",
    "crash": "its process died",
    "hard_timeout": "it took longer than its hard timeout",
    "rejected": "it could not be started",
    "lost": "it was lost with its worker, and may not run again",
    "user": "somebody cancelled it",
    "tag": "its tag was cancelled",
    "all": "everything was cancelled",
    "replaced": "another took its place",
    "expired": "its time to start was over",
    "upstream_failed": "a task that it waited for failed",
    "upstream_cancelled": "a task that it waited for was cancelled",
    "chain": "its chain was cancelled",
    "batch": "its batch was cancelled",
    "member_failed": "one of its members failed",
    "member_cancelled": "one of its members was cancelled",
}
"""Reason → why a task came to no good end, in words."""


def _reason(view: TaskView) -> str:
    task = view.task
    tries = f" (attempt {task.attempt} of {task.max_attempts})" if task.attempt and task.max_attempts > 1 else ""
    return WHY.get(task.reason, f"reason: {task.reason}") + tries
