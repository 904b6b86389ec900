"""bgo: a durable background-task orchestrator with an embedded store and no server.

Names are loaded when they are first used, because every child process imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bgo.version import VERSION as __version__

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.errors import BgoError, TaskFailedError, WaitTimeoutError
    from bgo.flow.batching import Batch
    from bgo.flow.chaining import ChainBuilder, Member
    from bgo.hooks.middleware import TaskMiddleware
    from bgo.hooks.specs import hookimpl
    from bgo.hooks.task import task
    from bgo.model.cron import CronSchedule
    from bgo.model.entry import Entry
    from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy, DedupPolicy, RateLimit, UniquePolicy
    from bgo.model.options import (
        ConstraintLoss,
        NetworkConstraint,
        RetryPolicy,
        TaskConstraints,
        TaskQueue,
        TaskTimeout,
    )
    from bgo.model.query import Selector
    from bgo.model.result import TaskResult
    from bgo.model.schedule import MissedPolicy, Overlap
    from bgo.model.schedule_view import ScheduleView
    from bgo.model.state import State
    from bgo.model.statuses import (
        TaskCancelled,
        TaskFailed,
        TaskQueued,
        TaskRetrying,
        TaskRunning,
        TaskStatus,
        TaskSucceeded,
    )
    from bgo.model.views import TaskView
    from bgo.model.window import RelaxStep, TaskEncryption, TimeWindow
    from bgo.run.bench import RunOptions
    from bgo.run.context import CancelRequested, TaskContext
    from bgo.run.simulator import SimOptions

_HOMES = {
    "bgo.api": "TaskFlow",
    "bgo.flow.batching": "Batch",
    "bgo.flow.chaining": "ChainBuilder Member",
    "bgo.errors": "BgoError TaskFailedError WaitTimeoutError",
    "bgo.hooks.middleware": "TaskMiddleware",
    "bgo.hooks.specs": "hookimpl",
    "bgo.hooks.task": "task",
    "bgo.model.cron": "CronSchedule",
    "bgo.model.entry": "Entry",
    "bgo.model.limits": "ConcurrencyControl ConcurrencyStrategy DedupPolicy RateLimit UniquePolicy",
    "bgo.model.options": "ConstraintLoss NetworkConstraint RetryPolicy TaskConstraints TaskQueue TaskTimeout",
    "bgo.model.query": "Selector",
    "bgo.model.result": "TaskResult",
    "bgo.model.schedule": "MissedPolicy Overlap",
    "bgo.model.schedule_view": "ScheduleView",
    "bgo.model.state": "State",
    "bgo.model.statuses": "TaskCancelled TaskFailed TaskQueued TaskRetrying TaskRunning TaskStatus TaskSucceeded",
    "bgo.model.views": "TaskView",
    "bgo.model.window": "RelaxStep TaskEncryption TimeWindow",
    "bgo.run.bench": "RunOptions",
    "bgo.run.context": "CancelRequested TaskContext",
    "bgo.run.simulator": "SimOptions",
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Batch",
    "BgoError",
    "CancelRequested",
    "ChainBuilder",
    "ConcurrencyControl",
    "ConcurrencyStrategy",
    "ConstraintLoss",
    "CronSchedule",
    "DedupPolicy",
    "Entry",
    "Member",
    "MissedPolicy",
    "NetworkConstraint",
    "Overlap",
    "RateLimit",
    "RelaxStep",
    "RetryPolicy",
    "RunOptions",
    "ScheduleView",
    "Selector",
    "SimOptions",
    "State",
    "TaskCancelled",
    "TaskConstraints",
    "TaskContext",
    "TaskEncryption",
    "TaskFailed",
    "TaskFailedError",
    "TaskFlow",
    "TaskMiddleware",
    "TaskQueue",
    "TaskQueued",
    "TaskResult",
    "TaskRetrying",
    "TaskRunning",
    "TaskStatus",
    "TaskSucceeded",
    "TaskTimeout",
    "TaskView",
    "TimeWindow",
    "UniquePolicy",
    "WaitTimeoutError",
    "__version__",
    "hookimpl",
    "task",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'bgo' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
