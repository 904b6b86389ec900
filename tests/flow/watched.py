"""A program whose tasks are watched: handlers for the tests of monitors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bgo

flow = bgo.TaskFlow()
meanwhile: list[Callable[[], object]] = []
"""What a handler does between two steps of its own: the tests look from here."""


@flow.task
def steps(ctx: bgo.TaskContext, count: int = 4) -> dict[str, Any]:
    for n in range(count):
        flow.clock.sleep_ms(1_000)  # reports that come too fast are not sent
        ctx.report_progress(n / count, f"step {n}")
        for look in meanwhile:
            look()
    return {"steps": count}


@flow.task(retry=bgo.RetryPolicy.exponential(max_attempts=3, initial_delay=10))
def shaky(ctx: bgo.TaskContext, until: int = 2) -> dict[str, Any]:
    """Fail until the attempt `until`."""
    if ctx.attempt < until:
        raise ConnectionError(f"attempt {ctx.attempt}")
    return {"attempt": ctx.attempt}


@flow.task
def broken(ctx: bgo.TaskContext) -> None:
    raise LookupError("never works")


@flow.task
def gives_up(ctx: bgo.TaskContext) -> None:
    flow.cancel_execution(ctx.task_id)
    ctx.check_cancelled()


@flow.task
def naps(ctx: bgo.TaskContext) -> bgo.TaskResult | None:
    """Put itself off, once."""
    return bgo.TaskResult.snooze(timedelta(minutes=1)) if ctx.run == 1 else None
