"""The onion: a handler with its middleware around it, plain and asynchronous ones in every mixture.

Handlers always run in the main thread, where signals arrive. Without anything asynchronous all this is plain calls.
A plain part that needs an asynchronous rest starts the event loop; a plain middleware *inside* the loop that needs
an asynchronous rest moves into a thread of its own and waits there, while the rest goes on in the loop. A cancel
reaches the loop's outermost task and is handed inwards, layer by layer.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.model.result import TaskResult

if TYPE_CHECKING:
    import asyncio

    from bgo.hooks.middleware import Layer

Run = Callable[[Awaitable[Any]], Any]
"""Runs an awaitable to its end, from outside the loop."""
Caught = tuple[Any, BaseException | None]


class Onion:
    """One run of one handler behind its layers, the outermost first."""

    def __init__(
        self, layers: Sequence[Layer], call: Callable[[], Any], *, is_async: bool, about: tuple[str, Any], run: Run
    ) -> None:
        """`call` calls the handler and may return an awaitable; `about` is the task's name and its context."""
        self._layers = layers
        self._call = call
        self._about = about
        self._run = run
        self._awaits = [*(layer.is_async for layer in layers), is_async]
        """Which parts, from the outside to the inside, are asynchronous by their declaration."""

    def run(self) -> Any:
        """Run it all, outside any loop, and return what the outermost part answers."""
        return self._outside(0)

    def _outside(self, at: int) -> Any:
        """Run the parts from `at` on where no loop runs."""
        if self._awaits[at]:
            return self._run(self._inside(at))
        if at == len(self._layers):
            answer = self._call()
            return self._run(answer) if is_awaitable(answer) else answer
        said = _Said()
        answer = self._layers[at].middleware.execute(*self._about, said.hearing(lambda: self._outside(at + 1)))
        return said.judge(self._run(answer) if is_awaitable(answer) else answer)

    async def _inside(self, at: int) -> Any:
        """Run the parts from `at` on in the loop."""
        if at == len(self._layers):
            answer = self._call()
            return await answer if is_awaitable(answer) else answer
        if not self._awaits[at]:
            return await self._aside(at) if any(self._awaits[at:]) else self._straight(at)
        said = _Said()

        async def rest() -> TaskResult:
            return said.hear(as_result(await said.watch(self._inside(at + 1))))

        answer = await self._layers[at].middleware.execute(*self._about, rest)
        return said.judge(await answer if is_awaitable(answer) else answer)  # it returned next() without await

    def _straight(self, at: int) -> Any:
        """Run plain parts, with nothing asynchronous below them, in the loop's own thread."""
        if at == len(self._layers):
            answer = self._call()
            if is_awaitable(answer):
                if isinstance(answer, Coroutine):
                    answer.close()
                raise UsageError(
                    "the handler returned an awaitable, although it is a plain function",
                    why="a plain middleware inside an asynchronous one calls it, and cannot await",
                    hint="write the handler as async def",
                )
            return answer
        said = _Said()
        return said.judge(
            self._layers[at].middleware.execute(*self._about, said.hearing(lambda: self._straight(at + 1)))
        )

    async def _aside(self, at: int) -> Any:
        """Run a plain middleware in a thread; its rest runs here, in the loop."""
        import asyncio

        loop, said = asyncio.get_running_loop(), _Said()
        inner: set[asyncio.Task[Any]] = set()
        is_cancelled = False

        async def held() -> Caught:
            task: Any = asyncio.current_task()
            inner.add(task)
            if is_cancelled:  # while the middleware was at work of its own
                task.cancel()
            try:
                return await self._inside(at + 1), None
            except BaseException as error:  # carried over to the thread, whatever it is, and raised there
                return None, error
            finally:
                inner.discard(task)

        def rest() -> Any:
            return _opened(asyncio.run_coroutine_threadsafe(held(), loop).result())

        middleware = self._layers[at].middleware
        done = _in_thread(loop, lambda: middleware.execute(*self._about, said.hearing(rest)))
        while True:
            try:
                return said.judge(_opened(await asyncio.shield(done)))
            except asyncio.CancelledError:
                if done.done():
                    raise
                is_cancelled = True
                for task in list(inner):
                    task.cancel()  # the middleware hears of it where it waits, and answers


class _Said:
    """What the rest answered a middleware last, for one that returns nothing itself."""

    def __init__(self) -> None:
        self._last: TaskResult | None = None

    def hear(self, result: TaskResult) -> TaskResult:
        self._last = result
        return result

    def hearing(self, rest: Callable[[], Any]) -> Callable[[], TaskResult]:
        """Return `next` for a plain middleware."""

        def next_() -> TaskResult:
            self._last = None  # an error that comes out of it leaves nothing to fall back on
            return self.hear(as_result(rest()))

        return next_

    async def watch(self, rest: Awaitable[Any]) -> Any:
        self._last = None
        return await rest

    def judge(self, answer: Any) -> Any:
        """Return what the middleware answered, or the rest's own answer where it returned nothing."""
        return self._last if answer is None else answer


def as_result(answer: Any) -> TaskResult:
    """Return a handler's answer as the TaskResult it means; what is no answer at all is judged in the end."""
    if isinstance(answer, TaskResult):
        return answer
    return TaskResult.success(answer)


def is_awaitable(answer: Any) -> bool:
    """Say whether an answer must be awaited."""
    return hasattr(type(answer), "__await__")


def _opened(caught: Caught) -> Any:
    value, error = caught
    if error is not None:
        raise error
    return value


def _settle(done: asyncio.Future[Caught], caught: Caught) -> None:
    if not done.done():
        done.set_result(caught)


def _in_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], Any]) -> asyncio.Future[Caught]:
    """Start `work` in a new thread, with this context's variables. Not in a pool: layers nest, a full pool would wait
    for itself."""
    done: asyncio.Future[Caught] = loop.create_future()

    def run() -> None:
        caught: Caught
        try:
            caught = work(), None
        except BaseException as error:
            caught = None, error
        try:
            loop.call_soon_threadsafe(_settle, done, caught)
        except RuntimeError:
            pass  # the loop is closed: the process ends

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name="bgo-middleware", daemon=True).start()
    return done
