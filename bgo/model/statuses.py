"""What a program that watches is told about a task: six frozen values, made for `match`.

    match status:
        case TaskRunning(progress): ...
        case TaskSucceeded(output=found): ...
        case TaskFailed(error, task_id=which): ...

What a status is about comes first, so that it can be matched by position; whose it is (`task_id`, `name`) is asked for
by keyword.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, assert_never

from bgo.clock import to_local
from bgo.model.outcome import TaskError
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.model.task import HistoryEntry
    from bgo.model.views import TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """What all statuses have in common: whose they are."""

    task_id: str
    name: str
    """The task's name: the handler's, unless it was enqueued under another."""
    is_final: ClassVar[bool] = False
    """Nothing comes after it, unless somebody revives the task."""


@dataclass(frozen=True, slots=True)
class TaskQueued(TaskStatus):
    """It waits: for its time, for its turn, or for other tasks."""


@dataclass(frozen=True, slots=True)
class TaskRunning(TaskStatus):
    """It runs; `progress` is 0…1 and never goes back within a run."""

    progress: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class TaskRetrying(TaskStatus):
    """It failed and will be tried again."""

    attempt: int
    """The number that the coming try will see as `ctx.attempt`."""
    next_at: datetime
    """When that is due, in the local zone."""


@dataclass(frozen=True, slots=True)
class TaskSucceeded(TaskStatus):
    """It succeeded; `output` is what its handler returned, None when that was nothing."""

    output: Any = None
    is_final: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TaskFailed(TaskStatus):
    """It failed for good."""

    error: TaskError
    is_final: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TaskCancelled(TaskStatus):
    """It was called off; `reason` says by what: user, tag, all, replaced, expired, upstream_cancelled …"""

    reason: str = ""
    is_final: ClassVar[bool] = True


Status = TaskQueued | TaskRunning | TaskRetrying | TaskSucceeded | TaskFailed | TaskCancelled
"""All there are, so that a type checker can tell whether a `match` leaves one out."""


def status_of(view: TaskView) -> Status:
    """Return the status of a task as it stands."""
    task = view.task
    task_id, name = task.id, task.name
    match task.state:
        case State.QUEUED | State.BLOCKED:
            return TaskQueued(task_id=task_id, name=name)
        case State.RUNNING:
            return TaskRunning(task.progress or 0.0, task.progress_message, task_id=task_id, name=name)
        case State.RETRYING:
            return TaskRetrying(task.attempt + 1, to_local(task.due_at), task_id=task_id, name=name)
        case State.SUCCEEDED:
            return TaskSucceeded(view.output, task_id=task_id, name=name)
        case State.FAILED:
            return TaskFailed(view.error or _unnamed(task.reason), task_id=task_id, name=name)
        case State.CANCELLED:
            return TaskCancelled(str(task.reason), task_id=task_id, name=name)
        case _:
            assert_never(task.state)


def status_then(entry: HistoryEntry, *, next_at: int, output: Any) -> Status:
    """Return the status that an entry of the history led to; a retry's time and an output are not kept in it."""
    task_id, name = entry.task_id, entry.name
    state = State(entry.state)
    match state:
        case State.QUEUED | State.BLOCKED:
            return TaskQueued(task_id=task_id, name=name)
        case State.RUNNING:
            return TaskRunning(task_id=task_id, name=name)
        case State.RETRYING:
            return TaskRetrying(entry.attempt + 1, to_local(next_at), task_id=task_id, name=name)
        case State.SUCCEEDED:
            return TaskSucceeded(output, task_id=task_id, name=name)
        case State.FAILED:
            return TaskFailed(entry.error or _unnamed(entry.reason), task_id=task_id, name=name)
        case State.CANCELLED:
            return TaskCancelled(entry.reason, task_id=task_id, name=name)


def _unnamed(reason: str) -> TaskError:
    return TaskError("Failed", f"reason: {reason}")
