"""The turnstile: an flock'd file before SQLite's write lock, so that writers queue instead of starving.

Its holder writes its pid into the file, for the message a waiter shows when it gives up. A kernel flock has no
timeout; the rare contended wait happens in a helper thread that is left behind when time is up, and lets go at once
should it ever get the lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgo.errors import StoreBusyError


class Turnstile:
    """A queue of writers on one store. Not re-entrant; the store's own lock serialises the threads of a process."""

    def __init__(self, path: Path, timeout_ms: int) -> None:
        self._path = path
        self._timeout_s = timeout_ms / 1000
        self._fd = self._open()

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block. Raises StoreBusyError with the holder's pid after the timeout."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            self._wait()
        os.pwrite(self._fd, b"%-20d" % os.getpid(), 0)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _wait(self) -> None:
        fd = self._fd
        done = threading.Event()
        guard = threading.Lock()
        abandoned = False

        def acquire() -> None:
            fcntl.flock(fd, fcntl.LOCK_EX)
            with guard:
                if abandoned:
                    os.close(fd)
                else:
                    done.set()

        threading.Thread(target=acquire, name="bgo-turnstile", daemon=True).start()
        if done.wait(self._timeout_s):
            return
        with guard:
            if done.is_set():
                return
            abandoned = True
        self._fd = self._open()
        raise StoreBusyError(
            f"the store is busy: {self.holder()} holds its write lock",
            why=f"waited {self._timeout_s:g} s for {self._path.name}",
            hint="try again; if that process hangs, end it (its work is rolled back and runs again)",
        )

    def holder(self) -> str:
        """Return the process that last took the lock, in words."""
        text = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
        return f"process {text}" if text.isdigit() else "another process"

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


class NoTurnstile:
    """For stores that no other process can reach."""

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Nothing to let go of."""
