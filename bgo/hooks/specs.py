"""The hooks: what bgo asks of its plugins. Project name `bgo`, entry-point group `bgo`, prefix `bgo_`.

A plugin is a module (or an object) that marks functions of these names with `hookimpl`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from typing import Any, Protocol, Unpack

import pluggy  # noqa: TID253 - this module is loaded where plugins are, never by a hot command

from bgo.hooks.defaults import HandlerOptions
from bgo.hooks.middleware import TaskMiddleware
from bgo.model.entry import Entry

PROJECT = "bgo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What `bgo_register_handlers` is given: call it once for each handler."""

    def __call__(self, name: str, fn: Callable[..., Any], /, **options: Unpack[HandlerOptions]) -> None:
        """Bring `fn` under `name`; options as for `@task`."""


class Use(Protocol):
    """What `bgo_middleware` is given: call it once for each middleware."""

    def __call__(self, middleware: TaskMiddleware, order: int = 0) -> None:
        """Put `middleware` around every task; the lower `order` is further out."""


class HookSpecs:
    """The specifications that plugins are checked against."""

    @hookspec
    def bgo_register_handlers(self, register: Register) -> None:
        """Bring handlers: call `register(name, fn, timeout=…, retry=…, …)` for each.

        When: once, as the catalogue is built, and again in each child process that runs one of these handlers.
        Where: never in the worker or in `bgo enqueue` themselves. Return: nothing. If it raises, none of this plugin's
        handlers are loaded, the reason is shown by `bgo plugins list`, and no other plugin is touched.
        """

    @hookspec
    def bgo_middleware(self, use: Use) -> None:
        """Bring middleware: call `use(middleware, order=0)` for each. It wraps every task of a worker, whoever's it is.

        When: once, as the catalogue is built, and again in each child process before its first task. Where: never in
        the worker. Order: the lower `order` is further out; then plugins by name, each in the order of its calls; a
        flow's own middleware of the same order is further in. Return: nothing. If it raises, `bgo plugins list` shows
        the reason, and every task is rejected with it until it is mended or the plugin is switched off: middleware
        may guard something, so none is ever skipped. So it is with a plugin that cannot be imported any more and has
        brought middleware before; of one that never could nobody knows: name it in `plugins.required`.
        """

    @hookspec
    def bgo_profiles(self) -> Iterable[str | PathLike[str]]:
        """Bring device profiles: return the paths of their TOML files, such as `Path(__file__).with_name("tv.toml")`.

        Each is had under the name of its file without `.toml`, where neither bgo nor the user has a profile of that
        name; two plugins that bring the same name bring none. When: once, as the catalogue is built; the files are
        read whenever one is asked for. If it raises, or a file is not there, `bgo plugins list` shows the reason, and
        the plugin's handlers are not touched.
        """
        return ()

    # What follows is called in one process beside the worker, never in the worker or a task's child, one call at a
    # time, after what it tells of is durable, at most once for each plugin. If it raises, hangs longer than
    # `hooks.timeout` or ends its process, that is reported and the next one is called; after five times in a row the
    # worker calls it no more. No task is delayed or changed by it. Return: nothing.

    @hookspec
    def bgo_task_started(self, entry: Entry) -> None:
        """Hear that a run was claimed and given to a child.

        When: after the claim is durable, told by the worker that made it; dropped and counted when too many wait.
        Where: in the observer process. If it raises: reported, no task is touched.
        """

    @hookspec
    def bgo_task_progressed(self, entry: Entry, fraction: float | None, message: str) -> None:
        """Hear how far a run is. Of reports that come faster than they can be told, the latest counts.

        When: as the worker hears of it. Where: in the observer process. If it raises: reported, no task is touched.
        """

    @hookspec
    def bgo_task_soft_timed_out(self, entry: Entry) -> None:
        """Hear that a run takes longer than its soft timeout; the hard one comes next.

        When: as it happens, told by the worker that runs it. Where: in the observer process. If it raises: reported,
        no task is touched.
        """

    @hookspec
    def bgo_task_succeeded(self, entry: Entry) -> None:
        """Hear that a task has succeeded.

        When: after it is durable, told by whichever worker reads the history first, at most once. Where: in the
        observer process. If it raises: reported, no task is touched.
        """

    @hookspec
    def bgo_task_failed(self, entry: Entry) -> None:
        """Hear that a task has failed for good: no retry is left, or a task it waited for has failed.

        When, where and if it raises: as for `bgo_task_succeeded`.
        """

    @hookspec
    def bgo_task_retrying(self, entry: Entry) -> None:
        """Hear that an attempt has failed and another one will come.

        When, where and if it raises: as for `bgo_task_succeeded`.
        """

    @hookspec
    def bgo_task_stopped(self, entry: Entry) -> None:
        """Hear that a run was stopped because the device lost what it needs, and that its task waits for that again.

        `entry.detail` tells the constraint: gate, current, needed. A task that was cancelled for it is heard of by
        `bgo_task_cancelled`. When, where and if it raises: as for `bgo_task_succeeded`.
        """

    @hookspec
    def bgo_task_cancelled(self, entry: Entry) -> None:
        """Hear that a task was cancelled: by somebody, by its expiry, or with a task it waited for.

        When, where and if it raises: as for `bgo_task_succeeded`.
        """

    @hookspec
    def bgo_chain_finished(self, chain_id: str, status: str) -> None:
        """Hear that a chain has ended; `status` is succeeded, failed or cancelled.

        When, where and if it raises: as for `bgo_task_succeeded`.
        """

    @hookspec
    def bgo_batch_finished(self, batch_id: str, status: str) -> None:
        """Hear that a batch has ended; `status` is succeeded, failed or cancelled.

        When, where and if it raises: as for `bgo_task_succeeded`.
        """
