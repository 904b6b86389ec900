"""Alive = holds its lock. Each worker flocks a file beside the store; dead means that the lock can be taken.

Right across containers, for stopped processes and milliseconds after kill -9; pids serve only for signalling.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WorkerLock:
    """This worker's lock, held until `release` or the end of the process."""

    def __init__(self, run_dir: Path, worker: str) -> None:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = _path(run_dir, worker)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(self._fd, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Remove the file and let go."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def is_alive(run_dir: Path, worker: str) -> bool:
    """Say whether the worker still holds its lock."""
    try:
        fd = os.open(_path(run_dir, worker), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def clear(run_dir: Path, worker: str) -> None:
    """Remove what a dead worker left behind."""
    _path(run_dir, worker).unlink(missing_ok=True)
    (run_dir / f"{worker}.fifo").unlink(missing_ok=True)


def _path(run_dir: Path, worker: str) -> Path:
    return run_dir / f"{worker}.lock"
