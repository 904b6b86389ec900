"""Middleware: what stands around every handler of a flow, or of the whole worker when a plugin brings it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bgo.errors import UsageError

HOOK = "bgo_middleware"


class TaskMiddleware:
    """Stands around the run of a task. Override `execute`, as a plain function or as `async def`.

    It runs in the child process that runs the task. A flow's middleware (`flow.use`) wraps the handlers of that flow,
    a plugin's (`bgo_middleware`) wraps every task. One object serves all runs of its process, one after another.
    """

    def execute(self, task_name: str, ctx: Any, next: Callable[[], Any]) -> Any:
        """Run the rest and return its result; this one adds nothing.

        `next()` runs the rest and returns a `TaskResult`; an `async def execute` awaits it. What the handler raises
        comes out of `next()`: let it pass, catch it, call `next()` once more, or return another result. A dict counts
        as the output. Returning nothing changes nothing: the result of the last `next()` stands (success when there
        was none, or when an error that came out of it was caught).

        A plain `execute` around an `async def` handler is fine, and so is every other mixture. A plain handler or
        middleware inside an asynchronous one keeps the event loop busy until it returns, as every plain call does; a
        plain middleware between two asynchronous parts runs in a thread of its own.
        """
        return next()


class Layer(NamedTuple):
    """A middleware and its place: the lower `order` is further out."""

    order: int
    middleware: Any

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(inspect.unwrap(self.middleware.execute))


@dataclass(slots=True)
class Layers:
    """The middleware that one program or plugin brings, in the order in which it was brought."""

    held: list[Layer]

    def use(self, middleware: Any, order: int = 0) -> None:
        """Bring one more. Raises UsageError for what is no middleware."""
        self.held.append(as_layer(middleware, order))

    def __len__(self) -> int:
        return len(self.held)


def as_layer(middleware: Any, order: object) -> Layer:
    """Return a middleware with its place; raise UsageError for a class, or an object that has no `execute`."""
    name = getattr(middleware, "__name__", type(middleware).__name__)
    if isinstance(middleware, type):
        raise UsageError(f"{name} is a class, not a middleware", why="an object of it is called", hint=f"use({name}())")
    if not callable(getattr(middleware, "execute", None)):
        raise UsageError(
            f"{name} is no middleware",
            why="it has no execute(task_name, ctx, next)",
            hint="derive it from bgo.TaskMiddleware",
        )
    if not isinstance(order, int) or isinstance(order, bool):
        raise UsageError(
            f"not an order: {order!r:.80}", why="it is a whole number; lower is further out", hint="order=10"
        )
    return Layer(order, middleware)


def ordered(*groups: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return the layers of several owners from the outside to the inside; ties keep the order of the groups."""
    return tuple(sorted((layer for group in groups for layer in group), key=lambda layer: layer.order))
