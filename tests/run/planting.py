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
    from tests.run import plants  # noqa: F401 - brings the bugs

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
