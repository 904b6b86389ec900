"""A handler called here, in the test's own process: the same context, the same reading of its answer as in a child."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bgo.api import TaskFlow
from bgo.clock import Clock
from bgo.errors import TaskFailedError
from bgo.hooks.handler import Handler
from bgo.hooks.middleware import Layer, ordered
from bgo.model import payload as payloads
from bgo.model.outcome import Failed, Outcome, Rejected, RetryAsked, Succeeded, TaskError, TimedOut
from bgo.run.channel import Frame
from bgo.run.context import TaskContext, flush_progress, tell_cancelled, tell_soft_timeout
from bgo.run.invoke import Invoker, rejected
from bgo.run.wire import StartFrame

Hear = Callable[[Frame], None]


@dataclass(slots=True)
class Performed:
    """One call of a handler: how it ended, and what it said on the way."""

    outcome: Outcome
    exception: BaseException | None = None
    """What the handler raised, with its traceback."""
    log: list[tuple[str, str]] = field(default_factory=list)
    """(level, message) of each `ctx.log`."""
    progress: list[tuple[float, str]] = field(default_factory=list)
    """(fraction, message) of each report that would have been sent."""
    checkpoints: list[Any] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether it succeeded."""
        return isinstance(self.outcome, Succeeded)

    @property
    def output(self) -> Any:
        """Return what it returned, as JSON keeps it; None when it returned nothing or did not succeed."""
        if not isinstance(self.outcome, Succeeded) or self.outcome.output is None:
            return None
        return payloads.load(payloads.dump(dict(self.outcome.output), "the output"))

    @property
    def error(self) -> TaskError | None:
        """Return what went wrong."""
        return self.outcome.error if isinstance(self.outcome, (Failed, Rejected, RetryAsked)) else None

    def raise_error(self) -> None:
        """Raise what the handler raised, or TaskFailedError for another failure; nothing when it did not fail."""
        __tracebackhide__ = True  # pytest shows the handler, not this line
        if isinstance(self.outcome, (Failed, Rejected)) and self.exception is not None:
            raise self.exception
        if isinstance(self.outcome, TimedOut):
            raise TaskFailedError(f"it ran past its hard timeout of {self.outcome.after_ms} ms")
        if isinstance(self.outcome, (Failed, Rejected)):
            error = self.outcome.error
            raise TaskFailedError(f"{error.type}: {error.message}")


def handler_of(flow: TaskFlow, name: str) -> Handler:
    """Return a handler with its code: the flow's own, or one that is installed."""
    held = flow.handlers.get(name)
    if held is not None:
        return held.within(flow.layers)
    from bgo.compose import plugin_settings
    from bgo.hooks.registry import Registry

    return Registry(plugin_settings(flow.settings)).resolve(name, flow.handler(name).source)


class _Context(TaskContext):
    """What a child is told by its supervisor, this one looks up: nobody else is there to tell it."""

    def __init__(self, start: StartFrame, send: Hear, clock: Clock, asks_cancel: Callable[[], bool]) -> None:
        super().__init__(start, send, clock)
        self._asks_cancel = asks_cancel
        self._soft_at = None if start.soft_ms is None else clock.awake_ms() + start.soft_ms

    @property
    def cancelled(self) -> bool:
        if not self._cancelled and self._asks_cancel():
            tell_cancelled(self)
        return self._cancelled

    @property
    def soft_timed_out(self) -> bool:
        if self._soft_at is not None and self._clock.awake_ms() >= self._soft_at:
            tell_soft_timeout(self)
        return self._soft_timed_out

    def check_cancelled(self) -> None:
        if self.cancelled:
            super().check_cancelled()


class Caller:
    """Calls handlers one after another. Coroutines share one event loop, in a thread of its own: a test may run on
    a loop itself."""

    def __init__(self) -> None:
        self._raised: BaseException | None = None
        self._here = Invoker(self._note)
        self._aside: Invoker | None = None
        self._thread: ThreadPoolExecutor | None = None

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        if self._thread is not None and self._aside is not None:
            self._thread.submit(self._aside.close).result()
            self._thread.shutdown()

    def call(
        self,
        handler: Handler,
        start: StartFrame,
        clock: Clock,
        *,
        hear: Hear | None = None,
        asks_cancel: Callable[[], bool] = lambda: False,
        told: tuple[bool, bool] = (False, False),
    ) -> Performed:
        """Call a handler as a child would. `told`: a cancel, and the soft timeout, that were there before it began.

        Ctrl-C and pytest's own fail, skip and exit pass through; everything else a handler raises is an outcome.
        """
        done = Performed(Succeeded())

        def send(frame: Frame) -> None:
            _keep(done, frame)
            if hear is not None:
                hear(frame)

        ctx = _Context(start, send, clock, asks_cancel)
        if told[0]:
            tell_cancelled(ctx)
        if told[1]:
            tell_soft_timeout(ctx)
        began, self._raised = clock.awake_ms(), None
        done.outcome = self._perform(handler, ctx, start)
        done.exception, self._raised = self._raised, None
        flush_progress(ctx)
        if start.hard_ms is not None and clock.awake_ms() - began >= start.hard_ms:
            done.outcome = TimedOut(start.hard_ms)
        return done

    def _perform(self, handler: Handler, ctx: TaskContext, start: StartFrame) -> Outcome:
        before = os.getcwd()
        try:
            os.chdir(start.cwd or "/")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return rejected("WorkingDirectoryGone", f"cannot run in {start.cwd}: {reason}")
        try:
            layers = ordered(handler.layers)
            if handler.is_async or any(layer.is_async for layer in layers) or _loop_runs():
                return self._call_aside(handler, ctx, layers)
            return self._here.invoke(handler, ctx, layers)
        finally:
            os.chdir(before)

    def _call_aside(self, handler: Handler, ctx: TaskContext, layers: Sequence[Layer]) -> Outcome:
        if self._thread is None or self._aside is None:
            self._thread = ThreadPoolExecutor(1, "bgo-testing")
            self._aside = Invoker(self._note)
        future = self._thread.submit(contextvars.copy_context().run, self._aside.invoke, handler, ctx, layers)
        try:
            return future.result()
        except KeyboardInterrupt:
            tell_cancelled(ctx)
            raise

    def _note(self, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt) or any(_is_pytests(kind) for kind in type(error).__mro__):
            raise error
        self._raised = error


def _is_pytests(kind: type) -> bool:
    return kind.__name__ == "OutcomeException" and kind.__module__ == "_pytest.outcomes"


def _loop_runs() -> bool:
    """Say whether this thread is inside an event loop, where no second one can run."""
    import sys

    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _keep(done: Performed, frame: Mapping[str, Any]) -> None:
    match frame["t"]:
        case "progress":
            done.progress.append((frame["fraction"], frame["message"]))
        case "log":
            done.log.append((frame["level"], frame["message"]))
        case "checkpoint":
            done.checkpoints.append(payloads.load(payloads.dump(frame["data"], "the checkpoint")))
