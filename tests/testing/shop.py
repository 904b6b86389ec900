"""A program of a user: its flow at the top level, with handlers of every temper. For the tests of bgo.testing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import bgo

flow = bgo.TaskFlow()
RETRY = bgo.RetryPolicy.exponential(max_attempts=3, initial_delay=10)


@flow.task
def greet(ctx: bgo.TaskContext, user: str, times: int = 1) -> dict[str, Any]:
    ctx.log(f"hello {user}")
    ctx.report_progress(0.5, "halfway")
    return {"greeted": [user] * times}


@flow.task(retry=RETRY)
def shaky(ctx: bgo.TaskContext, until: int = 3) -> dict[str, Any]:
    """Fail until the attempt `until`."""
    if ctx.attempt < until:
        raise ConnectionError(f"attempt {ctx.attempt}")
    return {"attempt": ctx.attempt}


@flow.task
def broken(ctx: bgo.TaskContext) -> None:
    raise LookupError("never works")


@flow.task
async def slow(ctx: bgo.TaskContext, n: int = 1) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"n": n}


@flow.task
def fan_out(ctx: bgo.TaskContext, count: int) -> None:
    for number in range(count):
        flow.enqueue("slow", {"n": number})


@flow.task
def nap(ctx: bgo.TaskContext) -> bgo.TaskResult:
    return bgo.TaskResult.snooze(timedelta(minutes=1))


@flow.task(constraints=bgo.TaskConstraints(requires_charging=True))
def heavy(ctx: bgo.TaskContext) -> None:
    """Need power."""


@flow.task(retry=RETRY)
def in_parts(ctx: bgo.TaskContext) -> dict[str, Any]:
    """Go on where the last attempt stopped."""
    done = ctx.restored or []
    (ctx.workdir / f"{len(done)}").touch()
    if len(done) < 2:
        ctx.checkpoint([*done, ctx.attempt])
        raise OSError("cut off")
    return {"done": done, "files": len(list(ctx.workdir.iterdir()))}


@flow.task(timeout=60)
def late(ctx: bgo.TaskContext, takes: int) -> dict[str, Any]:
    """Let the test's clock go on while it runs."""
    before = ctx.deadline
    flow.clock.sleep_ms(takes * 1000)
    return {"before": before, "after": ctx.deadline, "told": ctx.soft_timed_out}


@flow.task
def gives_up(ctx: bgo.TaskContext) -> None:
    flow.cancel_execution(ctx.task_id)
    ctx.check_cancelled()


@flow.task
def odd(ctx: bgo.TaskContext, what: str) -> Any:
    """Answer in every way there is."""
    answers: dict[str, Any] = {
        "failure": bgo.TaskResult.failure("no stock", retry=False),
        "retry": bgo.TaskResult.retry(5, "busy"),
        "text": "not a dict",
        "set": {"a": {1}},
        "tuple": {"a": (1, 2)},
    }
    if what == "exit":
        raise SystemExit(3)
    return answers[what]


@flow.task(concurrency=1)
def alone(ctx: bgo.TaskContext, depth: int = 0) -> dict[str, Any]:
    """Drain the same flow while it runs: what shares its limit is held."""
    from bgo.testing import drain

    report = drain(flow)
    return {"held": [str(task) for task in report.held], "ran": len(report)}
