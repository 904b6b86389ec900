"""Planting: small changes to a worker's own process, for tests that need a fault or a bug just there.

`python -m tests.run.people worker JSON PLANT` calls `plant(PLANT)` before it begins; nothing else is touched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PLANTS: dict[str, Callable[[], None]] = {}


def plant(name: str) -> None:
    """Change this process as the named plant says."""
    from tests.run import bugs, plants  # noqa: F401 - they register themselves

    PLANTS[name]()


def a_plant(function: Callable[[], None]) -> Callable[[], None]:
    PLANTS[function.__name__] = function
    return function


def tell(text: str) -> None:
    """Append a line to the place's notes, for the test to wait for."""
    fd = os.open(Path(os.environ["BGO_TEST_PLACE"]) / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, (text + "\n").encode())
    os.close(fd)


@a_plant
def impatient() -> None:
    """Give up waiting for the store after 100 ms, and note each time."""
    from bgo.run.worker import Worker
    from bgo.store.sqlite import SqliteStore

    _set_default(SqliteStore.__init__, "busy_ms", 100)
    _note_each_try(Worker)


@a_plant
def notes_tries() -> None:
    from bgo.run.worker import Worker

    _note_each_try(Worker)


@a_plant
def few_losses() -> None:
    """Fail after three losses in a row instead of twenty, and wait for none of them."""
    from bgo.policy import lease

    lease.LOSS_LIMIT = 3
    lease._LOSS_DELAYS_MS = (0,)


def _note_each_try(worker: Any) -> None:
    try_again = worker._try_again

    def noted(self: Any, at: int) -> None:
        tell("try again")
        try_again(self, at)

    worker._try_again = noted


def _set_default(function: Any, name: str, value: object) -> None:
    function.__kwdefaults__ = {**function.__kwdefaults__, name: value}


class Doubt:
    """Makes the n-th commit that contains a marker statement fail after it was kept, as a failing disk may."""

    def __init__(self, store: Any, is_due: Callable[[Any], bool]) -> None:
        self._write, self._is_due, self.done = store.write, is_due, False
        store.write = self.write

    @contextlib.contextmanager
    def write(self) -> Iterator[Any]:
        from bgo.errors import UnknownCommitError

        with self._write() as session:
            yield session
            due = not self.done and self._is_due(session)
        if due:
            self.done = True
            raise UnknownCommitError("the disk failed while committing", why="planted")


@a_plant
def tells_sync() -> None:
    """Note how each connection writes, at every commit."""
    from bgo.store.sqlite import SqliteStore

    write = SqliteStore.write

    @contextlib.contextmanager
    def telling(store: Any) -> Iterator[Any]:
        with write(store) as session:
            level, mode = (
                store.connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("synchronous", "journal_mode")
            )
            tell(f"synchronous {level} {mode}")
            yield session

    SqliteStore.write = telling  # type: ignore[method-assign]


def wait_at(name: str) -> None:
    """Stand still until the test has opened and closed the FIFO of that name."""
    (Path(os.environ["BGO_TEST_PLACE"]) / name).read_bytes()


@a_plant
def slow_rescue() -> None:
    """Stand still between seeing an orphan and taking it; then note that this is done."""
    from bgo.engine import rescue
    from bgo.run.desk import Desk

    seen, whole = rescue.has_orphans, Desk.rescue
    waited: list[bool] = []

    def slow(*args: Any) -> bool:
        found = seen(*args)
        if found and not waited:
            waited.append(True)
            wait_at("pause")
        return found

    def noted(desk: Any) -> Any:
        ended = whole(desk)
        if waited:
            tell("rescued")
        return ended

    rescue.has_orphans = slow
    Desk.rescue = noted  # type: ignore[method-assign]


@a_plant
def slow_commit() -> None:
    """Stand still before the first commit of an outcome."""
    from bgo.run.desk import Desk

    commit = Desk.commit
    waited: list[bool] = []

    def slow(desk: Any, *args: Any, **kwargs: Any) -> Any:
        if desk.inbox.ended and not waited:
            waited.append(True)
            wait_at("pause")
        return commit(desk, *args, **kwargs)

    Desk.commit = slow  # type: ignore[method-assign]
