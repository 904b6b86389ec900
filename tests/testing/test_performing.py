"""Perform: one handler, once, without a store."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

import bgo
from bgo.errors import NotFoundError, UsageError
from bgo.model.outcome import CancelledRun, Snoozed
from bgo.testing import ManualClock, perform
from tests.testing import shop


def test_a_handler_of_a_flow_or_by_itself() -> None:
    for done in (
        perform(shop.flow, "greet", {"user": "ann"}),
        perform(shop.flow, shop.greet, {"user": "ann"}),
        perform(shop.greet, {"user": "ann"}),
        perform(shop.greet.fn, {"user": "ann"}),
    ):
        assert done.ok
        assert (done.output, done.log) == ({"greeted": ["ann"]}, [("info", "hello ann")])
    assert not Path(os.environ["BGO_HOME"], "bgo.db").exists()


def test_the_run_can_be_said() -> None:
    assert perform(shop.shaky, {"until": 2}, attempt=2).output == {"attempt": 2}
    done = perform(shop.in_parts, restored=[1, 2])
    assert done.output == {"done": [1, 2], "files": 1}
    assert perform(shop.late, {"takes": 1}, timeout=5, clock=ManualClock()).output["before"] == 5.0


def test_a_function_made_in_a_test_will_do(tmp_path: Path) -> None:
    def local(ctx: bgo.TaskContext, n: int) -> dict[str, Any]:
        ctx.check_cancelled()
        return {"n": n, "tags": list(ctx.tags), "argv": ctx.argv, "env": ctx.env, "soft": ctx.soft_timed_out}

    done = perform(local, {"n": 1}, tags=["a"], argv=["x"], env={"K": "v"}, soft_timed_out=True, workdir=tmp_path)
    assert done.output == {"n": 1, "tags": ["a"], "argv": ["x"], "env": {"K": "v"}, "soft": True}
    assert isinstance(perform(local, {"n": 1}, cancelled=True).outcome, CancelledRun)


def test_errors_are_an_outcome_unless_they_are_wanted() -> None:
    done = perform(shop.broken)
    assert isinstance(done.exception, LookupError)
    assert done.error is not None
    assert (done.ok, done.error.kinds) == (False, ("LookupError", "Exception", "BaseException"))
    with pytest.raises(LookupError, match="never works"):
        perform(shop.broken, raise_errors=True)
    assert perform(shop.nap).outcome == Snoozed(60_000)


def test_async_handlers_inside_and_outside_of_a_loop() -> None:
    async def body() -> Any:
        return perform(shop.slow, {"n": 3}).output

    assert asyncio.run(body()) == perform(shop.slow, {"n": 3}).output == {"n": 3}


def test_what_enqueue_would_refuse_is_refused() -> None:
    with pytest.raises(UsageError, match="usr"):
        perform(shop.greet, {"usr": "ann"})
    with pytest.raises(NotFoundError, match="gret"):
        perform(shop.flow, "gret")
    with pytest.raises(UsageError, match="perform what"):
        perform(7)  # type: ignore[call-overload]
