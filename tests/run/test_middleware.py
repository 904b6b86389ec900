"""The onion: every mixture of plain and asynchronous parts, from the outside to the inside, and what passes through."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

import bgo
from bgo.clock import SystemClock
from bgo.errors import UsageError
from bgo.hooks.handler import Handler
from bgo.hooks.middleware import Layer, as_layer, ordered
from bgo.model.handler import HandlerInfo, Source
from bgo.model.outcome import CancelledRun, Failed, Outcome, Rejected, Succeeded
from bgo.run.context import TaskContext, tell_cancelled
from bgo.run.invoke import Invoker
from bgo.run.wire import StartFrame

Fn = Callable[..., Any]


def context(name: str = "work", **data: Any) -> TaskContext:
    start = StartFrame(
        task_id="0abc", run=1, attempt=1, name=name, handler=name, source=Source("plugin", "x"), input=data, argv=None,
        env=None, cwd="/", tags=[], soft_ms=None, hard_ms=None, restored=None, chain={}, workdir="/w",
    )  # fmt: skip
    return TaskContext(start, lambda frame: None, SystemClock())


def run(fn: Fn, *middleware: Any, ctx: TaskContext | None = None, **data: Any) -> Outcome:
    invoker = Invoker()
    try:
        layers = [as_layer(each, 0) for each in middleware]
        handler = Handler(HandlerInfo("work", Source("plugin", "x")), fn)
        return invoker.invoke(handler, ctx or context(**data), layers)
    finally:
        invoker.close()


class Plain(bgo.TaskMiddleware):
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def execute(self, task_name: str, ctx: Any, next: Callable[[], bgo.TaskResult]) -> Any:
        self.log.append(f"{self.name}>")
        result = next()
        self.log.append(f"<{self.name}")
        return bgo.TaskResult.success({**(result.data or {}), self.name: task_name})


class Async(Plain):
    async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        self.log.append(f"{self.name}>")
        await asyncio.sleep(0)
        result = await next()
        self.log.append(f"<{self.name}")
        return {**(result.data or {}), self.name: task_name}


def plain_handler(ctx: Any) -> Any:
    assert threading.current_thread() is threading.main_thread()
    return {"handled": True}


async def async_handler(ctx: Any) -> Any:
    await asyncio.sleep(0)
    return plain_handler(ctx)


MIXTURES = list(itertools.product([Plain, Async], repeat=3))


@pytest.mark.parametrize("handler", [plain_handler, async_handler])
@pytest.mark.parametrize("kinds", [*MIXTURES, (Async, Plain) * 20], ids=lambda ks: "".join(k.__name__[0] for k in ks))
def test_every_mixture_runs_from_the_outside_to_the_inside(kinds: tuple[type[Plain], ...], handler: Fn) -> None:
    log: list[str] = []
    names = [f"m{number}" for number in range(len(kinds))]
    outcome = run(handler, *(kind(name, log) for kind, name in zip(kinds, names, strict=True)))
    assert outcome == Succeeded({"handled": True, **dict.fromkeys(names, "work")})
    assert log == [*(f"{name}>" for name in names), *(f"<{name}" for name in reversed(names))]


class Retry(bgo.TaskMiddleware):
    def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        for _ in range(2):
            try:
                return next()
            except ConnectionError:
                pass
        return next()


class AsyncRetry(bgo.TaskMiddleware):
    async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        for _ in range(2):
            try:
                return await next()
            except ConnectionError:
                pass
        return await next()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("stack", list(itertools.product([Retry, AsyncRetry, bgo.TaskMiddleware], repeat=2)))
def test_what_a_handler_raises_comes_out_of_next(stack: tuple[type[bgo.TaskMiddleware], ...], is_async: bool) -> None:
    tries = []

    def fail(ctx: Any) -> None:
        tries.append(1)
        raise ConnectionError(f"try {len(tries)}")

    async def fail_later(ctx: Any) -> None:
        await asyncio.sleep(0)
        fail(ctx)

    outcome = run(fail_later if is_async else fail, *(kind() for kind in stack))
    assert len(tries) == 3 ** sum(kind is not bgo.TaskMiddleware for kind in stack)
    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.message) == ("ConnectionError", f"try {len(tries)}")
    assert "bgo/run" not in outcome.error.trace
    assert "test_middleware.py" in outcome.error.trace


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), LookupError("x")])
@pytest.mark.parametrize("kinds", MIXTURES)
def test_whatever_ends_a_handler_ends_the_run_and_not_the_child(
    kinds: tuple[type[Plain], ...], error: BaseException
) -> None:
    async def handler(ctx: Any) -> None:
        raise error

    outcome = run(handler, *(kind("m", []) for kind in kinds))
    assert isinstance(outcome, Failed)
    assert outcome.error.type == type(error).__name__


class Quiet(bgo.TaskMiddleware):
    def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        next()


class AsyncQuiet(bgo.TaskMiddleware):
    async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        await next()


@pytest.mark.parametrize("kinds", list(itertools.product([Quiet, AsyncQuiet], repeat=2)))
def test_a_middleware_that_returns_nothing_changes_nothing(kinds: tuple[type[bgo.TaskMiddleware], ...]) -> None:
    stack = [kind() for kind in kinds]
    assert run(plain_handler, *stack) == Succeeded({"handled": True})
    failed = run(lambda ctx: bgo.TaskResult.failure("no", retry=False), *stack)
    assert isinstance(failed, Failed)
    assert (failed.error.message, failed.retry) == ("no", False)


def test_an_answer_without_the_handler() -> None:
    class Cache(bgo.TaskMiddleware):
        def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            return {"cached": ctx.input["key"]} if "key" in ctx.input else None

    never = run(lambda ctx: pytest.fail("called"), Cache(), key=1)
    assert never == Succeeded({"cached": 1})
    assert run(lambda ctx: pytest.fail("called"), Cache()) == Succeeded()


def test_an_error_that_is_caught_and_answered_with_nothing_is_a_success() -> None:
    class Swallow(bgo.TaskMiddleware):
        def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            try:
                next()
            except LookupError:
                pass

    def handler(ctx: Any) -> None:
        raise LookupError

    assert run(handler, Swallow()) == Succeeded()


def test_a_forgotten_await_is_forgiven() -> None:
    class Forgetful(bgo.TaskMiddleware):
        async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            return next()

    assert run(async_handler, Forgetful(), Plain("m", [])) == Succeeded({"handled": True, "m": "work"})


@pytest.mark.parametrize("kind", [Plain, Async])
def test_an_answer_that_is_none_is_said_as_without_middleware(kind: type[Plain]) -> None:
    outcome = run(lambda ctx: 7, bgo.TaskMiddleware())
    assert isinstance(outcome, Failed)
    assert "it returned int" in outcome.error.message
    assert run(lambda ctx: None, kind("m", [])) == Succeeded({"m": "work"})


def test_an_input_that_does_not_fit_is_rejected_after_the_middleware_has_seen_it() -> None:
    class Unfit:
        is_async = False

        def fn(self, ctx: Any) -> None: ...

        def bind(self, data: Any) -> dict[str, Any]:
            if "token" not in data:
                raise UsageError("token is missing")
            return {}

    class Auth(bgo.TaskMiddleware):
        def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            ctx.input["token"] = "t"
            return next()

    assert isinstance(Invoker().invoke(Unfit(), context(), [as_layer(bgo.TaskMiddleware(), 0)]), Rejected)
    assert Invoker().invoke(Unfit(), context(), [as_layer(Auth(), 0)]) == Succeeded()


@pytest.mark.parametrize(
    "kinds", [(Async,), (Plain,), (Async, Plain), (Plain, Async, Plain), (Async, Plain, Async, Plain)]
)
def test_a_cancel_arrives_through_all_layers(kinds: tuple[type[Plain], ...]) -> None:
    ctx, seen = context(), []

    async def handler(ctx_: Any) -> None:
        threading.Timer(0, tell_cancelled, [ctx]).start()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # it may still clean up
            seen.append("handler")
            raise

    class Cleanup(bgo.TaskMiddleware):
        def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            try:
                return next()
            finally:
                seen.append("outside")

    assert run(handler, Cleanup(), *(kind("m", []) for kind in kinds), ctx=ctx) == CancelledRun()
    assert seen == ["handler", "outside"]


def test_a_cancel_while_a_plain_middleware_works_meets_what_it_calls_next() -> None:
    ctx = context()
    begun: list[int] = []

    class Slow(bgo.TaskMiddleware):
        def execute(self, task_name: str, ctx_: Any, next: Any) -> Any:
            told = threading.Event()
            loop_told = threading.Event()
            tell_cancelled(ctx)
            told.set()
            loop.call_soon_threadsafe(lambda: loop.call_soon(loop_told.set))
            assert loop_told.wait(30)
            return next()

    class Outer(bgo.TaskMiddleware):
        async def execute(self, task_name: str, ctx_: Any, next: Any) -> Any:
            nonlocal loop
            loop = asyncio.get_running_loop()
            return await next()

    async def handler(ctx_: Any) -> None:
        begun.append(1)
        await asyncio.Event().wait()

    loop: Any = None
    assert run(handler, Outer(), Slow(), ctx=ctx) == CancelledRun()
    assert begun == [1]


def test_a_limit_of_an_outer_layer_reaches_through_a_plain_one() -> None:
    class Limit(bgo.TaskMiddleware):
        async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            try:
                async with asyncio.timeout(0.01):
                    return await next()
            except TimeoutError:
                return bgo.TaskResult.failure("too slow")

    async def handler(ctx: Any) -> None:
        await asyncio.Event().wait()

    outcome = run(handler, Limit(), bgo.TaskMiddleware())
    assert isinstance(outcome, Failed)
    assert outcome.error.message == "too slow"


def test_variables_of_a_context_are_seen_further_in() -> None:
    var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="")

    class Set(bgo.TaskMiddleware):
        def __init__(self, value: str) -> None:
            self.value = value

        def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
            var.set(var.get() + self.value)
            return next()

    async def handler(ctx: Any) -> dict[str, str]:
        return {"seen": var.get()}

    outcome = run(handler, Set("a"), Async("m", []), Set("b"))
    assert isinstance(outcome, Succeeded)
    assert outcome.output is not None
    assert outcome.output["seen"] == "ab"


def test_a_plain_function_that_returns_an_awaitable_below_two_kinds_is_told_so() -> None:
    async def later() -> dict[str, int]:
        return {"n": 1}

    assert run(lambda ctx: later(), Plain("p", [])) == Succeeded({"n": 1, "p": "work"})
    assert run(lambda ctx: later(), Async("a", [])) == Succeeded({"n": 1, "a": "work"})
    outcome = run(lambda ctx: later(), Async("a", []), Plain("p", []))
    assert isinstance(outcome, Failed)
    assert "async def" in outcome.error.message or "plain function" in outcome.error.message


def test_the_order_is_explicit() -> None:
    class Named(bgo.TaskMiddleware):
        def __init__(self, name: str) -> None:
            self.name = name

    def layers(*pairs: tuple[str, int]) -> list[Layer]:
        return [as_layer(Named(name), order) for name, order in pairs]

    found = ordered(layers(("p1", 0), ("p2", 5)), layers(("f1", 5), ("f2", -1), ("f3", 0)))
    assert [layer.middleware.name for layer in found] == ["f2", "p1", "f3", "p2", "f1"]


@pytest.mark.parametrize(
    ("middleware", "order", "message"),
    [(Quiet, 0, "is a class"), (print, 0, "no middleware"), (Quiet(), 1.5, "not an order"), (Quiet(), True, "not an")],
)
def test_what_is_no_middleware_is_refused_where_it_is_used(middleware: Any, order: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bgo.TaskFlow().use(middleware, order)
