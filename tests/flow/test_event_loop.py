"""On an event loop: monitors and waits that leave it to others, and verbs that refuse to stop it.

That the loop goes on is proved by what another coroutine gets done meanwhile: were it stopped, the work that is waited
for would never be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import groupby
from typing import Any, TypeGuard

import pytest

import bgo
from bgo.errors import TaskFailedError, UsageError, WaitTimeoutError
from bgo.flow.monitoring import Monitor
from bgo.model.statuses import Status
from bgo.testing import ManualClock, drain

TURNS = 50


def kinds(statuses: list[Status]) -> list[str]:
    return [type(status).__name__.removeprefix("Task") for status in statuses]


def turns(statuses: list[Status]) -> list[str]:
    """Return the kinds without progress: how much of that is seen depends on when it is looked at."""
    return [kind for kind, _ in groupby(kinds(statuses))]


def is_status(found: object) -> TypeGuard[Status]:
    """Tell a status from a cancel that came first."""
    return isinstance(found, bgo.TaskStatus)


async def all_of(monitor: Monitor) -> list[Status]:
    return [status async for status in monitor]


async def after_turns(then: Callable[[], Any]) -> Any:
    """Let the loop turn many times, and then do something."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return then()


def test_the_loop_goes_on_while_a_monitor_waits(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        task_id = program.enqueue("shaky")
        found, _ = await asyncio.gather(
            all_of(program.monitor_execution(task_id)), after_turns(lambda: drain(program, until_empty=True))
        )
        assert kinds(found) == ["Queued", "Running", "Retrying", "Running", "Succeeded"]

    asyncio.run(body())


def test_two_consumers_at_once(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        task_id = program.enqueue("steps")
        shared = program.monitor_execution(task_id)
        one, other, a, b, _ = await asyncio.gather(
            all_of(program.monitor_execution(task_id)),
            all_of(program.monitor_execution(task_id)),
            all_of(shared),
            all_of(shared),
            after_turns(lambda: drain(program)),
        )
        assert turns(one) == turns(other) == ["Queued", "Running", "Succeeded"]
        assert one[-1] == other[-1]
        assert set(kinds(a + b)) == set(kinds(one))
        assert kinds(a + b).count("Succeeded") == 1

    asyncio.run(body())


def test_a_name_with_tasks_that_come_later_until_it_is_closed(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        monitor = program.monitor("steps")
        found: list[Status] = []

        async def consume() -> None:
            async with monitor:
                async for status in monitor:
                    found.append(status)
                    if status.is_final:
                        ended.set()

        ended = asyncio.Event()
        consumer = asyncio.create_task(consume())
        await after_turns(lambda: program.enqueue("steps"))
        drain(program)
        await ended.wait()
        assert kinds(found) == ["Queued", "Running", "Succeeded"]
        await monitor.aclose()
        await consumer  # who waits for the next one is told that there is none

    asyncio.run(body())


def test_many_statuses_that_stand_ready_leave_turns_to_others(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        count = 500
        program.enqueue_many("steps", [{}] * count)
        monitor = program.monitor("steps")
        turns: list[int] = []

        async def turn() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        other = asyncio.create_task(turn())
        for _ in range(count):
            await anext(monitor)
        other.cancel()
        assert len(turns) >= count

    asyncio.run(body())


def test_nothing_is_lost_when_an_await_is_cancelled(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        monitor = program.monitor_execution(program.enqueue("steps"))
        found = [await anext(monitor)]
        for n in range(10):
            waiting = asyncio.ensure_future(anext(monitor))
            await after_turns(waiting.cancel)
            found += [status for status in await asyncio.gather(waiting, return_exceptions=True) if is_status(status)]
            if n == 5:
                drain(program)
        found += await all_of(monitor)
        assert kinds(found) == ["Queued", "Running", "Succeeded"]

    asyncio.run(body())


def test_a_wait_leaves_the_loop_to_others(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        good, bad = program.enqueue("steps"), program.enqueue("broken")
        waits = [program.wait_async(good), program.wait_async(bad), after_turns(lambda: drain(program))]
        output, error, _ = await asyncio.gather(*waits, return_exceptions=True)
        assert output == {"steps": 4}
        assert isinstance(error, TaskFailedError)
        assert "LookupError: never works" in error.message

    asyncio.run(body())


def test_a_wait_has_an_end(program: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    async def body() -> None:
        task_id = program.enqueue("steps")
        waiting = asyncio.ensure_future(program.wait_async(task_id, timeout=5))
        await after_turns(lambda: bgo_clock.advance(6))
        with pytest.raises(WaitTimeoutError, match="still waiting"):
            await waiting
        await program.wait_async(drain(program)[0].id)

    asyncio.run(body())


BLOCKING: dict[str, Callable[[bgo.TaskFlow, str], Any]] = {
    "wait": lambda flow, task_id: flow.wait(task_id),
    "wait_for": lambda flow, task_id: flow.wait_for([task_id]),
    "run": lambda flow, _: flow.run(),
    "run_here": lambda flow, task_id: flow.run_here(task_id),
    "changes": lambda flow, _: flow.changes(),
    "follow_logs": lambda flow, task_id: flow.follow_logs(task_id),
    "monitor": lambda flow, _: next(flow.monitor("steps")),
    "monitor_execution": lambda flow, task_id: next(flow.monitor_execution(task_id)),
}


@pytest.mark.parametrize("verb", BLOCKING)
def test_a_verb_that_would_stop_the_loop_says_so(program: bgo.TaskFlow, verb: str) -> None:
    async def body() -> None:
        with pytest.raises(UsageError, match="would block the event loop") as refused:
            BLOCKING[verb](program, task_id)
        assert refused.value.why
        assert any(word in refused.value.hint for word in ("asyncio.to_thread", "async for"))
        assert program.get(task_id).state == "queued"

    task_id = program.enqueue("steps")
    asyncio.run(body())


@pytest.mark.parametrize("verb", ["changes", "follow_logs"])
def test_what_was_made_before_the_loop_is_refused_on_it(program: bgo.TaskFlow, verb: str) -> None:
    async def body() -> None:
        with pytest.raises(UsageError, match=verb):
            next(made)

    made = BLOCKING[verb](program, program.enqueue("steps"))
    asyncio.run(body())


def test_short_verbs_and_threads_are_welcome(program: bgo.TaskFlow) -> None:
    async def body() -> None:
        task_id = program.enqueue("steps")
        assert program.get(task_id).state == "queued"
        program.edit(task_id, priority=3)
        drain(program)
        assert await asyncio.to_thread(program.wait, task_id) == {"steps": 4}
        assert len(await asyncio.to_thread(list, program.monitor_execution(task_id))) == 1
        assert [view.id for view in await asyncio.to_thread(program.wait_for, [task_id])] == [task_id]

    asyncio.run(body())


def test_no_loop_no_refusal(program: bgo.TaskFlow) -> None:
    def ended(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    ended(asyncio.sleep(0))
    task_id = program.enqueue("steps")
    drain(program)
    assert program.wait(task_id) == {"steps": 4}
