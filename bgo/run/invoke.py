"""Calling a handler: from its answer, or whatever it raises, to an Outcome."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bgo.errors import BgoError
from bgo.model import payload
from bgo.model.outcome import (
    CancelledRun,
    Failed,
    Outcome,
    Rejected,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
)
from bgo.model.result import TaskResult
from bgo.run.context import CancelRequested, TaskContext, on_cancel
from bgo.run.text import clip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from bgo.hooks.middleware import Layer

OUTPUT_LIMIT = 1 << 20
"""Largest output in bytes of canonical JSON, on a computer."""
MESSAGE_LIMIT = 4 << 10
TRACE_LIMIT = 11 << 10
"""With the message and the class names, an error stays below 16 KiB."""
_KINDS = 16
_NAME_LIMIT = 64
_HERE = os.path.dirname(os.path.abspath(__file__))


class Terminated(BaseException):
    """SIGTERM came: raised inside the handler so that it can clean up; the process then ends by that signal."""


class Callee(Protocol):
    """What the registry resolves a name to."""

    @property
    def fn(self) -> Callable[..., Any]:
        """Return the function."""

    @property
    def is_async(self) -> bool:
        """Say whether the function is declared to be awaited."""

    def bind(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return keyword arguments for an input; raises UsageError when it does not fit."""


class Invoker:
    """Calls handlers, one after another, in this thread. Coroutines run on one event loop that is kept.

    `on_raise` hears what a handler raised, before it becomes an outcome; what it raises itself passes through.
    """

    def __init__(self, on_raise: Callable[[BaseException], object] | None = None) -> None:
        self._runner: asyncio.Runner | None = None
        self._on_raise = on_raise

    def close(self) -> None:
        """Close the event loop. A child need not: it ends."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def invoke(self, handler: Callee, ctx: TaskContext, layers: Sequence[Layer] = ()) -> Outcome:
        """Run the handler within its middleware and return how that ended; only Terminated passes through."""
        unfit: list[BaseException] = []

        def call() -> Any:
            try:
                fields = handler.bind(ctx.input)
            except Exception as error:  # a converter is the handler author's code
                unfit.append(error)
                raise
            return handler.fn(ctx, **fields)

        try:
            answer = self._answer(call, handler, ctx, layers)
        except Terminated:
            raise
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a handler, never the child
            self._tell(error)
            return Rejected(describe(error)) if any(error is one for one in unfit) else _raised(error, ctx)
        return judge(answer)

    def _answer(self, call: Callable[[], Any], handler: Callee, ctx: TaskContext, layers: Sequence[Layer]) -> Any:
        if layers:
            from bgo.run.middleware import Onion  # most tasks have none

            def run(awaitable: Awaitable[Any]) -> Any:
                return self._await(awaitable, ctx)

            return Onion(layers, call, is_async=handler.is_async, about=(ctx.name, ctx), run=run).run()
        answer = call()
        return self._await(answer, ctx) if hasattr(type(answer), "__await__") else answer

    def _tell(self, error: BaseException) -> None:
        if self._on_raise is not None:
            self._on_raise(error)

    def _await(self, awaitable: Awaitable[Any], ctx: TaskContext) -> Any:
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            return self._runner.run(_watched(awaitable, ctx))
        finally:
            on_cancel(ctx, None)
            _cancel_leftovers(self._runner.get_loop())


async def _watched(awaitable: Awaitable[Any], ctx: TaskContext) -> Any:
    """Await the handler so that a cancel from the supervisor arrives as asyncio's own cancellation."""
    import asyncio

    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        on_cancel(ctx, lambda: loop.call_soon_threadsafe(task.cancel))
    return await awaitable


def _cancel_leftovers(loop: asyncio.AbstractEventLoop) -> None:
    """What a handler started and did not await ends with its run."""
    import asyncio

    leftovers = asyncio.all_tasks(loop)
    if leftovers:
        for task in leftovers:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))


def _raised(error: BaseException, ctx: TaskContext) -> Outcome:
    if ctx.cancelled and (isinstance(error, CancelRequested) or type(error).__name__ == "CancelledError"):
        return CancelledRun()
    return Failed(describe(error))


def judge(answer: Any) -> Outcome:
    """Return what a handler's answer means: a TaskResult, a mapping, or None."""
    if answer is None:
        return Succeeded()
    if isinstance(answer, TaskResult):
        match answer.status:
            case "success":
                return Succeeded() if answer.data is None else _output(answer.data)
            case "failure":
                return Failed(_said("TaskFailure", answer.error), retry=answer.may_retry)
            case "retry":
                error = _said("RetryAsked", answer.error) if answer.error else None
                return RetryAsked(answer.after_ms, error)
            case "snooze":
                return Snoozed(answer.after_ms or 0)
    return _output(answer)


def _output(answer: Any) -> Outcome:
    """Check an output where it is made: nothing that is not JSON, or too large, leaves the child."""
    if not isinstance(answer, Mapping):
        return _undecodable(f"it returned {type(answer).__name__}; a handler returns a dict, a TaskResult or None")
    try:
        output = dict(answer)
        size = len(payload.dump(output, "the output"))
    except BgoError as error:
        return _undecodable(f"{error.message}: {error.why}")
    except Exception as error:  # a mapping of the handler author's own
        return _undecodable(f"reading the output raised {type(error).__name__}")
    if size > OUTPUT_LIMIT:
        message = f"the output has {size:,} bytes of JSON, the limit is {OUTPUT_LIMIT:,}: return a file's path instead"
        return Failed(_said("OutputTooLarge", message), retry=False)
    return Succeeded(output)


def _undecodable(message: str) -> Outcome:
    return Failed(_said("UndecodableResult", message), retry=False)


def _said(kind: str, message: str) -> TaskError:
    return TaskError(kind, clip(str(message), MESSAGE_LIMIT), "", (kind,))


def rejected(kind: str, message: str) -> Rejected:
    """Return the outcome of a run that could not begin."""
    return Rejected(_said(kind, message))


def describe(error: BaseException) -> TaskError:
    """Return an exception as data: its name, its text, its trace without locals, the names of its classes."""
    kinds = tuple(clip(kind.__name__, _NAME_LIMIT) for kind in type(error).__mro__[:-1])[:_KINDS]
    if isinstance(error, BgoError):
        message = ": ".join(part for part in (error.message, error.why) if part)
        trace = "" if error.__cause__ is None else _trace_of(error)
    else:
        message, trace = _text_of(error), _trace_of(error)
    return TaskError(kinds[0], clip(message, MESSAGE_LIMIT), clip(trace, TRACE_LIMIT), kinds)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} that cannot be shown>"


def _trace_of(error: BaseException) -> str:
    """The frames of this floor are left out, between middleware too: they are the same in every trace."""
    import traceback

    try:
        found = traceback.TracebackException(type(error), error, error.__traceback__)
        found.stack[:] = [frame for frame in found.stack if os.path.dirname(frame.filename) != _HERE]
        return "".join(found.format())
    except Exception:
        return ""
