"""The file that is read: opened once, watched to its end, and every refusal said in one sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from bgo import TaskResult

CHUNK = 1 << 20


class FileRefusedError(Exception):
    """The file cannot be worked on, or changed under our hands. `retry`: another try may find it otherwise."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


def told(work: Callable[[], dict[str, Any]]) -> TaskResult:
    """Do the work; what the file system refuses becomes the task's error in one line, without a trace."""
    try:
        return TaskResult.success(work())
    except FileRefusedError as error:
        return TaskResult.failure(str(error), retry=error.retry)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        return TaskResult.failure(f"{where}{error.strerror or error}")


class Source:
    """A regular file opened for reading. `read` notices at the end whether it is still the file that was opened."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
            self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FileRefusedError(f"{path}: no such file", retry=True) from None
        except ValueError:
            raise FileRefusedError(f"not a path: {path!r}") from None
        found = os.fstat(self.fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(self.fd)
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise FileRefusedError(f"{path}: it is {kind}")
        self.size = found.st_size
        self.mode = stat.S_IMODE(found.st_mode) & 0o777
        self.identity = _identity(found)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self.fd)

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` to `end` (None: all), and raise when the file changed meanwhile."""
        place = start
        while chunk := os.pread(self.fd, CHUNK if end is None else min(CHUNK, end - place), place):
            place += len(chunk)
            yield chunk
        if end is None:
            self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise when the file, or what its path names, is no longer what was opened."""
        try:
            same = _identity(os.fstat(self.fd)) == self.identity == _identity(Path(self.path).stat())
        except FileNotFoundError:
            same = False
        if not same:
            raise FileRefusedError(f"{self.path}: it changed while it was being read; nothing was kept", retry=True)


def _identity(found: os.stat_result) -> list[int]:
    """What tells this state of a file from any other, as JSON for a checkpoint."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]


def human(size: int) -> str:
    """Return a size for people: `1.5 MiB`."""
    if size < 1024:
        return f"{size} B"
    amount = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} TiB"
