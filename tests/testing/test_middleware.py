"""A flow's middleware stands around its handlers in tests as it does in a child."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bgo
from bgo.testing import drain, perform
from tests.testing import shop


class Twice(bgo.TaskMiddleware):
    """Tries once more."""

    def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        try:
            return next()
        except ConnectionError:
            ctx.log("once more")
            ctx.attempt += 1
            return next()


class Marked(bgo.TaskMiddleware):
    async def execute(self, task_name: str, ctx: Any, next: Any) -> Any:
        result = await next()
        return {**(result.data or {}), "by": task_name}


@pytest.fixture(autouse=True)
def within() -> Iterator[None]:
    shop.flow.use(Twice())
    shop.flow.use(Marked(), order=-1)
    yield
    shop.flow.layers.clear()


def test_in_a_drain(flow: bgo.TaskFlow) -> None:
    shop.shaky.enqueue(until=2)
    shop.slow.enqueue(n=5)
    flow.enqueue("echo", {"message": "not mine"})
    report = drain(flow)
    assert [run.output for run in report.of("shaky")] == [{"attempt": 2, "by": "shaky"}]
    assert [run.output for run in report.of("slow")] == [{"n": 5, "by": "slow"}]
    assert "by" not in (report.of("echo")[0].output or {})


@pytest.mark.parametrize("call", [lambda: perform(shop.flow, "slow"), lambda: perform(shop.slow)])
def test_in_a_perform(call: Callable[[], Any]) -> None:
    assert call().output == {"n": 1, "by": "slow"}


def test_a_handler_by_itself_has_none() -> None:
    assert perform(shop.slow.fn).output == {"n": 1}
