"""`sleep`: takes a given time and nothing else. For trying out slots, timeouts and cancelling."""

from __future__ import annotations

from typing import Any

from bgo.clock import Clock, SystemClock
from bgo.hooks.specs import Register, hookimpl
from bgo.model.options import MAX_DURATION_MS
from bgo.model.result import TaskResult

STEP_MS = 100
"""How soon a cancel is noticed."""
OVERTIME_MS = 5000
"""How long past its deadline a sleep goes on: the supervisor kills at the deadline, so this is for when nobody does."""


def sleep(ctx: Any, seconds: float = 1) -> TaskResult:
    """Sleep for `seconds` of awake time, with progress in tenths; a cancel ends it at once."""
    return nap(ctx, seconds, SystemClock())


def nap(ctx: Any, seconds: float, clock: Clock) -> TaskResult:
    """Sleep on the given clock."""
    if not 0 <= seconds <= MAX_DURATION_MS / 1000:
        return TaskResult.failure(f"cannot sleep for {seconds:g} s: give 0 s to ten years", retry=False)
    length = round(seconds * 1000)
    start = clock.awake_ms()
    tenth = 0
    over_since: int | None = None
    while (gone := clock.awake_ms() - start) < length:
        ctx.check_cancelled()
        if ctx.deadline == 0:
            over_since = gone if over_since is None else over_since
            if gone - over_since >= OVERTIME_MS:
                return TaskResult.failure(f"still asleep {OVERTIME_MS // 1000} s after the deadline")
        if gone * 10 // length > tenth:
            tenth = gone * 10 // length
            ctx.report_progress(tenth / 10, f"{gone / 1000:.1f} of {seconds:g} s")
        clock.sleep_ms(min(STEP_MS, length - gone))
    ctx.report_progress(1.0, f"slept {seconds:g} s")
    return TaskResult.success({"seconds": seconds})


@hookimpl
def bgo_register_handlers(register: Register) -> None:
    """Bring `sleep`."""
    register("sleep", sleep)
