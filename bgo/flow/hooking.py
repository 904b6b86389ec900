"""The verbs that put code around tasks, and beside them: middleware and lifecycle hooks.

Use them at the top level of the flow's module: child processes import that module and find them there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from bgo.flow.opened import Opened

if TYPE_CHECKING:
    from bgo.hooks.middleware import TaskMiddleware
    from bgo.model.entry import Entry

    ForTask = TypeVar("ForTask", bound=Callable[[Entry], Any])
    ForGroup = TypeVar("ForGroup", bound=Callable[[str, str], Any])
    F = TypeVar("F", bound=Callable[..., Any])


class Hooking(Opened):
    """What a program puts around and beside its tasks.

    Hooks hear of every task of this flow's store, whoever queued it. They are called one by one in one process beside
    the worker, after what they hear of is durable, at most once each, with an entry: `id`, `task_name`, `status`,
    `duration_ms`, `error`, `run`, `attempt`, `reason`, `worker`, `tags` … One that raises, hangs (`hooks.timeout`) or
    ends its process is reported by `bgo run` and `bgo doctor` and costs no task anything; after five failures in a
    row its worker calls it no more. Work that must follow for certain belongs into a chain or a batch.
    """

    def use(self, middleware: TaskMiddleware, order: int = 0) -> None:
        """Put a middleware around the handlers of this flow; the lower `order` is further out, ties as they came.

        Raises UsageError for what is no middleware.
        """
        from bgo.hooks.middleware import as_layer

        self.layers.append(as_layer(middleware, order))

    def on_task_start(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when a run begins. Also a decorator, as are all of these."""
        return self._hook("task_started", fn)

    def on_task_complete(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when a task has succeeded."""
        return self._hook("task_succeeded", fn)

    def on_task_failed(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when a task has failed for good; `entry.error` says why."""
        return self._hook("task_failed", fn)

    def on_task_stopped(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when the device has lost what a run needs, and its task waits again; `entry.detail` tells
        what was lost."""
        return self._hook("task_stopped", fn)

    def on_task_retrying(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when an attempt has failed and another will come."""
        return self._hook("task_retrying", fn)

    def on_task_cancelled(self, fn: ForTask) -> ForTask:
        """Call `fn(entry)` when a task was cancelled, by anybody or anything; `entry.reason` says by what."""
        return self._hook("task_cancelled", fn)

    def on_chain_complete(self, fn: ForGroup) -> ForGroup:
        """Call `fn(chain_id, status)` when a chain has ended."""
        return self._hook("chain_finished", fn)

    def on_batch_complete(self, fn: ForGroup) -> ForGroup:
        """Call `fn(batch_id, status)` when a batch has ended."""
        return self._hook("batch_finished", fn)

    def _hook(self, hook: str, fn: F) -> F:
        from bgo.model.hooks import check_hook

        check_hook(fn)
        self.hooks.setdefault(hook, []).append(fn)
        return fn
