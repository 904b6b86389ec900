"""Monitors: statuses of tasks as an iterator, for a thread or for an event loop."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Self

from bgo.engine import resolve
from bgo.engine.watch import Watch
from bgo.flow.loops import refuse_on_loop
from bgo.model.options import check_name

if TYPE_CHECKING:
    from bgo.flow.opened import Opened
    from bgo.model.statuses import Status

POLL_MS = 20


class Monitor:
    """Statuses as they come: `for` waits in this thread, `async for` leaves the event loop to others.

    The data version of the store is polled, and rows are read only after a commit. Under `async for` both happen in
    a thread: a read is short, but a write of this program's other threads may be in its way for as long as the disk
    takes. Nothing that was found is lost when an `await` is cancelled. Several consumers may share one monitor (each
    status goes to one of them) or have one each.
    """

    def __init__(self, flow: Opened, watch: Watch) -> None:
        self._flow = flow
        self._watch = watch
        self._version: object = None
        self._ready: deque[Status] = deque(watch.take())
        self._lock = Lock()
        self._closed = False

    def close(self) -> None:
        """End it: who waits for the next status, in any thread, is told that there is none."""
        self._closed = True
        self._ready.clear()

    async def aclose(self) -> None:
        """End it, as `close` does."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Status:
        refuse_on_loop("the next status", "async for status in flow.monitor_execution(id): …")
        while (found := self._take()) is None:
            if self._is_over:
                raise StopIteration
            self._look()
            if not self._ready and not self._is_over:
                self._flow.clock.sleep_ms(POLL_MS)
        return found

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Status:
        import asyncio

        await asyncio.sleep(0)  # others go on also while many statuses stand ready
        while (found := self._take()) is None:
            if self._is_over:
                raise StopAsyncIteration
            await asyncio.to_thread(self._look)
            if not self._ready and not self._is_over:
                await asyncio.sleep(POLL_MS / 1000)
        return found

    @property
    def _is_over(self) -> bool:
        return self._closed or (self._watch.is_over and not self._ready)

    def _take(self) -> Status | None:
        try:
            return None if self._closed else self._ready.popleft()
        except IndexError:
            return None

    def _look(self) -> None:
        """Read what has changed, if anything was committed or a task's time is over."""
        with self._lock:
            if self._is_over:  # another consumer was quicker
                return
            store, now = self._flow.store, self._flow.clock.now_ms()
            version = (store, store.changed())  # a store that was opened anew counts its commits anew
            if version == self._version and now < self._watch.next_expiry:
                return
            with store.read() as session:
                self._watch.look(session, now)
            self._version = version
            if not self._closed:
                self._ready += self._watch.take()


def monitor_execution(flow: Opened, task_id: str) -> Monitor:
    """Return the monitor of one task. Raises NotFoundError for an unknown id."""
    with flow.store.read() as session:
        return Monitor(flow, Watch(session, flow.clock.now_ms(), task=resolve.task(session, task_id)))


def monitor(flow: Opened, name: str) -> Monitor:
    """Return the monitor of all tasks of a name, present and future."""
    check_name(name, "task")
    with flow.store.read() as session:
        return Monitor(flow, Watch(session, flow.clock.now_ms(), name=name))
