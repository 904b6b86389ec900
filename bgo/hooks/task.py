"""`@task`: a function becomes a handler where it stands, without a TaskFlow, a store or an import of anything heavy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from bgo.errors import RefusedError
from bgo.hooks.defaults import HandlerOptions
from bgo.hooks.handler import Handler, build
from bgo.hooks.middleware import Layer
from bgo.model.handler import HandlerInfo, Source

P = ParamSpec("P")
R = TypeVar("R")


class TaskHandler(Generic[P, R]):
    """A decorated function: still callable as it was written, and known to bgo.

    `info` describes it; `enqueue` is filled in by the TaskFlow that adopts it.
    """

    enqueue: Callable[..., str]
    """Queue a task of this handler; until a TaskFlow has adopted it, this refuses with the way out."""
    layers: Sequence[Layer]
    """The middleware of the TaskFlow that has adopted it."""

    def __init__(self, handler: Handler, options: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, handler.fn)
        self.handler = handler
        self.options = dict(options)
        self.layers: Sequence[Layer] = ()
        self.enqueue = self._no_flow

    @property
    def info(self) -> HandlerInfo:
        """Return the handler's description."""
        return self.handler.info

    @property
    def fn(self) -> Callable[..., Any]:
        """Return the function as it was written."""
        return self.handler.fn

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function directly, here and now."""
        result: R = self.handler.fn(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"<task {self.info.name} ({self.info.source.target})>"

    def _no_flow(self, **_input: Any) -> str:
        raise RefusedError(
            f"task {self.info.name!r} belongs to no TaskFlow yet",
            why="enqueue needs a store, and a bare @task has none",
            hint=f"decorate it with @flow.task, or call flow.enqueue({self.info.name!r}, input=…)",
        )


@overload
def task(name: Callable[P, R], /) -> TaskHandler[P, R]: ...
@overload
def task(
    name: str | None = None, /, **options: Unpack[HandlerOptions]
) -> Callable[[Callable[P, R]], TaskHandler[P, R]]: ...
def task(name: Any = None, /, **options: Any) -> Any:
    """Make a function a handler, as `@task` or `@task("name", timeout="extended", …)`.

    The name defaults to the function's. Raises UsageError for an illegal name, an unknown option, a parameter that
    JSON cannot fill, and for functions that a child process could not import.
    """
    if name is not None and not isinstance(name, str):
        return make_task(name, None, options)
    return lambda fn: make_task(fn, name, options)


def make_task(fn: Callable[P, R], name: str | None, options: Mapping[str, Any]) -> TaskHandler[P, R]:
    """Return `fn` as a task under `name` (None: its own)."""
    chosen = name if name is not None else getattr(fn, "__name__", "")
    source = Source("plugin", getattr(fn, "__module__", None) or "")
    return TaskHandler(build(chosen, fn, options, source), options)
