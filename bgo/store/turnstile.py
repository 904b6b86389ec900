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
from bgo.store import place

_TAKEN = (errno.EAGAIN, errno.EACCES)


class Turnstile:
    """A queue of writers on one store. Not re-entrant; the store's own lock serialises the threads of a process."""

    def __init__(self, path: Path, timeout_ms: int) -> None:
        self._path = path
        self._timeout_s = timeout_ms / 1000
        self._fd = self._open()
        self.is_orderly = True
        """False once the file system turned out to have no flock: the store then retries by itself."""

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise place.unusable(self._path, error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block. Raises StoreBusyError with the holder's pid after the timeout."""
        if self.is_orderly and not self._try():
            self._wait()
        try:
            self._sign()
            yield
        finally:
            if self.is_orderly:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            self.is_orderly = False  # ENOLCK, ENOTSUP …: nothing to queue at
        return True

    def _sign(self) -> None:
        try:
            os.pwrite(self._fd, b"%-20d" % os.getpid(), 0)
        except OSError:
            pass  # a full disk costs the name in a message, never the transaction (which may be a prune)

    def _wait(self) -> None:
        waiter = _Waiter(self._fd)
        waiter.start()
        try:
            got_it = waiter.done.wait(self._timeout_s)
        except BaseException:  # an interrupt: a lock that the helper gets later would stay ours for ever
            if waiter.give_up():
                self._fd = self._open()
            else:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            raise
        if got_it or not waiter.give_up():
            return
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


class _Waiter(threading.Thread):
    """Waits in the kernel for a lock that its owner may give up waiting for."""

    def __init__(self, fd: int) -> None:
        super().__init__(name="bgo-turnstile", daemon=True)
        self._fd = fd
        self._guard = threading.Lock()
        self._is_alone = False
        self.done = threading.Event()

    def run(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        with self._guard:
            if self._is_alone:
                os.close(self._fd)
            else:
                self.done.set()

    def give_up(self) -> bool:
        """Leave the file to this thread, which closes it; False when it has got the lock after all."""
        with self._guard:
            self._is_alone = not self.done.is_set()
            return self._is_alone


class NoTurnstile:
    """For stores that no other process can reach."""

    is_orderly = True

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Nothing to let go of."""
