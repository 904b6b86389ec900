"""Automatic retention: one worker of the store prunes, at most once an hour, in a thread that delays nobody."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bgo.clock import Clock
from bgo.errors import BgoError

EVERY_MS = 3_600_000
PATIENCE_S = 1.0
Prune = Callable[[Callable[[], bool]], None]
"""Removes what is old, as long as what it is given says that it may go on."""


def remove_workdir(work_dir: Path, task_id: str) -> None:
    """Remove the work directory of a task that has succeeded, if it made one, without keeping the caller waiting.

    A task that failed or was cancelled keeps its own for a `bgo retry`; prune removes it with the task.
    """
    path = os.path.join(work_dir, task_id)
    if os.path.isdir(path):
        threading.Thread(target=shutil.rmtree, args=(path, True), name="bgo-workdir").start()


class Tidier:
    """Starts a prune when the last one of any worker is an hour ago, and stops it when the worker ends."""

    def __init__(self, stamp: Path, clock: Clock, prune: Prune) -> None:
        self._stamp = stamp
        self._clock = clock
        self._prune = prune
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Start a prune if one is due. Two workers that both think so do no harm."""
        now = self._clock.now_ms()
        try:
            age = now - self._stamp.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            age = 0  # the first worker of a store: nothing can be old yet
            self._stamp.touch(mode=0o600)
        if 0 <= age < EVERY_MS or (self._thread is not None and self._thread.is_alive()):
            return
        self._stamp.touch(mode=0o600)
        self._thread = threading.Thread(target=self._run, name="bgo-tidy", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(BgoError, OSError):  # a busy or failing store is the worker's to complain about
            self._prune(lambda: not self._stop.is_set())

    def end(self) -> None:
        """Give a prune a moment, for runs that are always short; then let it finish its present step."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            self._stop.set()
            self._thread.join()
