"""Waiting for tasks to end: the store's data version is polled, rows are read only after a commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from bgo.errors import WaitTimeoutError
from bgo.flow.loops import refuse_on_loop
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.engine.monitor import Change
    from bgo.flow.opened import Opened
    from bgo.model.query import Selector
    from bgo.model.views import TaskView

POLL_MS = 20
NEVER = 1 << 62
ON_LOOP = "read it in a thread of its own, or: async for status in flow.monitor(name): …"
Watcher = Callable[[list["TaskView"]], None] | None
Waiter = Callable[[int], None] | None
Steps = Generator[None, None, list["TaskView"]]


def wait_for(
    flow: Opened, task_ids: Sequence[str], timeout: float | None, told: tuple[Watcher, Waiter] = (None, None)
) -> list[TaskView]:
    """Wait until all these tasks have ended. Raises WaitTimeoutError; the tasks go on.

    `told` are two listeners: the first sees the tasks after every commit, the second hears the milliseconds waited.
    """
    steps = _steps(flow, task_ids, timeout, told)
    while (found := _step(steps)) is None:
        flow.clock.sleep_ms(POLL_MS)
    return found


def wait_async(flow: Opened, task_ids: Sequence[str], timeout: float | None) -> Awaitable[list[TaskView]]:
    """Wait as `wait_for` does, but leave the event loop to others; the store is read in a thread."""
    return _awaited(_steps(flow, task_ids, timeout, (None, None)))


async def _awaited(steps: Steps) -> list[TaskView]:
    import asyncio

    # Other processes commit: there is no event to await.
    while (found := await asyncio.to_thread(_step, steps)) is None:  # noqa: ASYNC110
        await asyncio.sleep(POLL_MS / 1000)
    return found


def _step(steps: Steps) -> list[TaskView] | None:
    """Look once; return the tasks when all have ended. An exception that ends a generator may not cross threads."""
    try:
        return next(steps)
    except StopIteration as end:
        views: list[TaskView] = end.value
        return views


def _steps(flow: Opened, task_ids: Sequence[str], timeout: float | None, told: tuple[Watcher, Waiter]) -> Steps:
    """Yield between two looks, and return the tasks once all have ended: who waits decides how to sleep."""
    from bgo.engine import query, resolve

    on_change, on_wait = told
    began = flow.clock.awake_ms()
    deadline = None if timeout is None else began + round(timeout * 1000)
    with flow.store.read() as session:
        whole = [resolve.task_id(session, word) for word in task_ids]
    version, expiry = None, NEVER
    while True:
        seen = flow.store.changed()
        if seen != version or flow.clock.now_ms() >= expiry:
            version = seen
            with flow.store.read() as session:
                tasks = [resolve.task(session, task_id) for task_id in whole]
                views = [query.view_of(session, task, now=flow.clock.now_ms()) for task in tasks]
            expiry = _next_expiry(views)
            if on_change is not None:
                on_change(views)
            if all(view.is_final for view in views):
                return views
        if on_wait is not None:
            on_wait(flow.clock.awake_ms() - began)
        if deadline is not None and flow.clock.awake_ms() >= deadline:
            raise _too_long([view.id for view in views if not view.is_final], timeout)
        yield None


def _too_long(waiting: Sequence[str], timeout: float | None) -> WaitTimeoutError:
    return WaitTimeoutError(
        f"still waiting for {', '.join(waiting[:5])}",
        why=f"{timeout:g} s are over; the work goes on",
        hint=f"bgo explain {waiting[0]}",
    )


def _next_expiry(views: Sequence[TaskView]) -> int:
    """Return when the next of these tasks ends without a commit, because its time to begin is over."""
    waiting = (view.task.expires_at for view in views if not view.is_final and view.state is not State.RUNNING)
    return min((at for at in waiting if at is not None), default=NEVER)


def changes(flow: Opened, selector: Selector, poll_ms: int) -> Iterator[Change]:
    """Yield what happens from now on; ends when all that the selector names by id has ended."""
    from bgo.engine.monitor import Follower
    from bgo.model.state import FINAL

    refuse_on_loop("flow.changes", ON_LOOP)
    with flow.store.read() as session:
        follower = Follower(session, selector)
    version = None
    while True:
        seen = flow.store.changed()
        if seen != version:
            version = seen
            with flow.store.read() as session:
                found = follower.changes(session, flow.clock.now_ms())
                over = follower.watched and all(
                    (task := session.tasks.find(i)) is None or task.state in FINAL for i in follower.watched
                )
            yield from found
            if over:
                return
        flow.clock.sleep_ms(poll_ms)
