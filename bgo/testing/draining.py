"""Drain: run what is due, here and now, handlers inline, on the same engine as `bgo run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from bgo.api import TaskFlow
from bgo.engine.cycle import Claim
from bgo.errors import BgoError
from bgo.model.outcome import Rejected, TaskError
from bgo.run.channel import Frame
from bgo.run.invoke import describe
from bgo.run.output import Capture
from bgo.run.start import frame_of
from bgo.run.wire import start_from
from bgo.testing.inline import Caller, Hear, Performed, handler_of
from bgo.testing.isolation import device_of
from bgo.testing.motor import Motor
from bgo.testing.report import DrainedRun, DrainReport, LeftTask

LEFT = 1_000
"""So many waiting tasks are looked at for the report."""
IDLE_TURNS = 10_000
"""So many looks in a row that start nothing are a fault of ours, not of the test."""


class TooManyRunsError(AssertionError):
    """A drain did not come to an end: something puts itself off, or enqueues itself, for ever."""


def drain(
    flow: TaskFlow,
    *,
    until_empty: bool = False,
    queues: str | Iterable[str] | None = None,
    raise_errors: bool = False,
    max_runs: int = 1_000,
) -> DrainReport:
    """Run every task of an isolated flow that is due, and what these enqueue, one after another in this process.

    `until_empty` also lets the clock jump to retries, delays, rates, windows and the device's script, until nothing
    waits for its time any more. What a gate holds stays, and the report says which. `raise_errors` raises what a
    handler raised as soon as its run is recorded, a retry to come or not. `queues` runs those alone. A rate has room
    again a millisecond after its window. A run goes on here whatever its device loses meanwhile. Raises
    TooManyRunsError after `max_runs` runs.
    """
    device = device_of(flow)
    motor = Motor(flow, device, queues)
    runs: list[DrainedRun] = []
    idle = 0
    with Caller() as caller:
        while idle < IDLE_TURNS:
            turn = motor.turn()
            if turn.claim is not None:
                if len(runs) >= max_runs:
                    motor.refuse(turn.claim)
                    raise _too_many(runs, max_runs)
                idle = 0
                runs.append(_run(flow, motor, caller, turn.claim))
                if raise_errors:
                    runs[-1].call.raise_error()
                continue
            idle += 1
            if turn.again:
                continue
            if not until_empty or turn.next_start is None:
                break
            device.clock.jump_to_ms(turn.next_start)
    left = [LeftTask(view) for view in motor.left(LEFT)]
    held, later = (tuple(task for task in left if task.is_due is due) for due in (True, False))
    return DrainReport(tuple(runs), held, later)


def _run(flow: TaskFlow, motor: Motor, caller: Caller, claim: Claim) -> DrainedRun:
    key, began = motor.begin(claim), flow.clock.now_ms()
    task = claim.task
    log = Capture(flow.settings.log_dir, task.id, task.run)

    def hear(frame: Frame) -> None:
        match frame["t"]:
            case "progress":
                motor.report(key, frame["fraction"], frame["message"].encode("utf-8", "replace").decode())
            case "checkpoint":
                motor.checkpoint(key, frame["data"])
            case "log":
                log.add(f"[{frame['level']}] {frame['message']}\n".encode("utf-8", "replace"))

    try:
        call = _call(flow, caller, claim, hear, lambda: motor.is_cancelled(key))
    except BaseException:  # the test itself ends: Ctrl-C, pytest.fail, a damaged store
        motor.hand_back(key)
        raise
    finally:
        log.close()
    return DrainedRun(motor.end(key, call.outcome), call, began, flow.clock.now_ms())


def _call(flow: TaskFlow, caller: Caller, claim: Claim, hear: Hear, asks_cancel: Callable[[], bool]) -> Performed:
    try:
        info = flow.handler(claim.task.handler)
        start = start_from(frame_of(claim, info, flow.settings.work_dir))
    except (BgoError, KeyError, TypeError, ValueError) as error:
        problem = TaskError("UnreadablePayload", f"the task cannot be read: {error}")
        return Performed(Rejected(problem), error)
    try:
        handler = handler_of(flow, claim.task.handler)
    except Exception as error:
        return Performed(Rejected(describe(error)), error)
    return caller.call(handler, start, flow.clock, hear=hear, asks_cancel=asks_cancel)


def _too_many(runs: list[DrainedRun], limit: int) -> TooManyRunsError:
    (most, count), *_ = Counter(run.name for run in runs).most_common(1)
    last = next(run for run in reversed(runs) if run.name == most)
    return TooManyRunsError(
        f"{limit:,} runs, and there is still more to do\n"
        f"{count:,} of them were of {most}, the last one: {last}\n"
        "does it put itself off or enqueue itself for ever? Otherwise give a larger max_runs"
    )
