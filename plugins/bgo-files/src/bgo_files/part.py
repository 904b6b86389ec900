"""The file that is written: a temporary file beside the target that becomes it whole, in one step, or not at all.

It is named after the task, so that a later run of the same task finds what an earlier one had written before it was
killed. After any other end, a failure or a cancel, it is gone.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bgo_files.source import CHUNK, FileRefusedError, Source

if TYPE_CHECKING:
    from bgo import TaskContext


def check_target(source: Source, to: str) -> str:
    """Return the file to write, links followed; raise where writing it would be wrong."""
    if "\0" in to:
        raise FileRefusedError(f"not a path: {to!r}")
    target = os.path.realpath(to)
    if os.path.isdir(target):
        raise FileRefusedError(f"{to}: it is a directory; name the file")
    try:
        found: os.stat_result | None = Path(target).stat()
    except FileNotFoundError:
        found = None
    if found is not None and os.path.samestat(found, os.fstat(source.fd)):
        raise FileRefusedError(f"{to}: source and target are the same file")
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise FileRefusedError(f"{to}: it is not a regular file")
    if not os.path.isdir(os.path.dirname(target)):
        raise FileRefusedError(f"{to}: the directory {os.path.dirname(target)} does not exist", retry=True)
    return target


class Part:
    """The unfinished target. `written` bytes have the SHA-256 `digest`; `done` bytes of the source are in them."""

    def __init__(self, target: str, ctx: TaskContext, source: Source) -> None:
        self.target = target
        self.path = os.path.join(os.path.dirname(target), f".bgo-{ctx.task_id}.part")
        self.done = 0
        self.written = 0
        self._ctx = ctx
        self._source = source
        self._digest = hashlib.sha256()
        self._is_placed = False
        self._fd = self._reopen(ctx.restored)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what was written so far, in hex."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Append `data`."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._digest.update(data)
        self.written += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: `write` keeps nothing back."""

    def checkpoint(self, done: int) -> None:
        """Let a later run start here: `done` bytes of the source are in what was written."""
        self.done = done
        self._ctx.checkpoint(
            {
                "target": self.target,
                "source": self._source.identity,
                "done": done,
                "written": self.written,
                "sha256": self.digest,
            }
        )

    def place(self) -> None:
        """Make it the target: on disk first, then under its name, with the source's permissions."""
        os.fchmod(self._fd, self._source.mode)
        os.fsync(self._fd)
        self._source.check_unchanged()
        Path(self.path).replace(self.target)
        self._is_placed = True
        folder = os.open(os.path.dirname(self.target), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __enter__(self) -> Part:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)
        # Neither an error nor a cancel: the worker was told to stop, and the next run goes on from here.
        is_handed_back = error is not None and not isinstance(error, Exception) and not self._ctx.cancelled
        if not self._is_placed and not is_handed_back:
            Path(self.path).unlink(missing_ok=True)

    def _reopen(self, state: Any) -> int:
        """Open what an earlier run left if it is what its checkpoint says, else begin anew."""
        if isinstance(state, dict) and self._fits(state):
            try:
                fd = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                return self._create()
            is_good = False
            try:
                is_good = self._verify(fd, state)
            finally:
                if not is_good:
                    os.close(fd)
                if self._ctx.cancelled:
                    Path(self.path).unlink(missing_ok=True)
            if is_good:
                self.done, self.written = state["done"], state["written"]
                return fd
        return self._create()

    def _fits(self, state: dict[str, Any]) -> bool:
        return state.get("target") == self.target and state.get("source") == self._source.identity

    def _verify(self, fd: int, state: dict[str, Any]) -> bool:
        """Say whether the file begins with what the checkpoint vouches for, and cut off the rest."""
        found = os.fstat(fd)
        written, done, expected = state.get("written"), state.get("done"), state.get("sha256")
        if not isinstance(written, int) or not isinstance(done, int) or not stat.S_ISREG(found.st_mode):
            return False
        if found.st_uid != os.geteuid() or not 0 <= written <= found.st_size or not 0 <= done <= self._source.size:
            return False
        digest, place = hashlib.sha256(), 0
        while place < written and (chunk := os.pread(fd, min(CHUNK, written - place), place)):
            self._ctx.check_cancelled()
            digest.update(chunk)
            place += len(chunk)
        if digest.hexdigest() != expected:
            return False
        os.ftruncate(fd, written)
        os.lseek(fd, written, os.SEEK_SET)
        self._digest = digest
        return True

    def _create(self) -> int:
        Path(self.path).unlink(missing_ok=True)
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
